#!/usr/bin/env python3
"""Runs the blocks of a document that are marked `<!-- run: ... -->`, as a reader would.

    run_readme.py DOCUMENT BIN_DIR EXPECTED...

Each EXPECTED text must be in the output. The build's own directory of programs takes the place of build/release/bin.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

MARKED_BLOCK = re.compile(r"<!-- run:.*?-->\n```sh\n(.*?)```", re.DOTALL)


def main() -> int:
    document, programs, expected = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    blocks = MARKED_BLOCK.findall(document.read_text())
    for program in ("aws", "curl"):
        needed = any(re.search(rf"^{program} ", block, re.MULTILINE) for block in blocks)
        if needed and not os.access(f"/usr/bin/{program}", os.X_OK):
            print(f"SKIP: /usr/bin/{program} is not installed")
            return 77
    if not blocks:
        print(f"{document}: no marked block found")
        return 1
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("AWS_", "SSMSIM_"))}
    environment["PATH"] = "/usr/bin:/bin"
    environment["AWS_CONFIG_FILE"] = environment["AWS_SHARED_CREDENTIALS_FILE"] = "/dev/null"
    environment["AWS_PAGER"] = ""
    for block in blocks:
        folder = tempfile.mkdtemp()
        script = block.replace("$PWD/build/release/bin", programs)
        run = subprocess.run(
            ["/bin/bash", "-euc", "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n" + script],
            cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100)
        output = run.stdout.decode(errors="replace")
        print(output)
        shutil.rmtree(folder)
        missing = [text for text in expected if text not in output]
        if run.returncode != 0 or missing:
            print(f"exit status {run.returncode}, expected 0; missing in the output: {missing}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
