#!/usr/bin/python3
"""Writes the lists of requirements into docs/protocol/*.md, between the markers

    <!-- requirements: FILE.yaml -->
    <!-- end of requirements -->

from conformance/requirements/FILE.yaml. All other text in these documents is written by hand.

    tools/make_protocol_docs.py            rewrite the lists
    tools/make_protocol_docs.py --check    exit 1 if one is not what would be written
"""

import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENTS = ROOT / "docs/protocol"
REQUIREMENTS = ROOT / "conformance/requirements"
LIST = re.compile(r"(<!-- requirements: (\S+) -->\n).*?(<!-- end of requirements -->)", re.DOTALL)


def evidence(requirement: dict) -> str:
    programs: dict[str, list[str]] = {}
    for entry in requirement["evidence"]:
        programs.setdefault(f"{entry['program']} {entry['version']}", []).append(f"`{entry['path']}`")
    return "; ".join(f"{program} {', '.join(paths)}" for program, paths in programs.items())


def entry(requirement: dict) -> str:
    judged = ", ".join(requirement["judged"]) or "not yet"
    lines = [
        f"### {requirement['id']} ({requirement['level']}; {', '.join(requirement['roles'])})",
        "",
        requirement["title"],
    ]
    if "note" in requirement:
        lines.append(requirement["note"])
    lines += ["", f"Evidence, {requirement['basis']}: {evidence(requirement)}. Judged: {judged}."]
    return "\n".join(lines) + "\n"


def with_lists(text: str) -> str:
    def written(match: re.Match) -> str:
        data = yaml.safe_load((REQUIREMENTS / match[2]).read_text())
        entries = "\n".join(entry(requirement) for requirement in data["requirements"])
        return f"{match[1]}\n{entries}\n{match[3]}"

    return LIST.sub(written, text)


def main() -> int:
    stale = []
    listed = set()
    for document in sorted(DOCUMENTS.glob("*.md")):
        before = document.read_text()
        listed.update(match[2] for match in LIST.finditer(before))
        after = with_lists(before)
        if before != after:
            stale.append(document.relative_to(ROOT).as_posix())
            if "--check" not in sys.argv[1:]:
                document.write_text(after)
    missing = {path.name for path in REQUIREMENTS.glob("*.yaml")} - listed
    for name in sorted(missing):
        print(f"conformance/requirements/{name} is in no document of docs/protocol")
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"{name} is out of date: run tools/make_protocol_docs.py")
        return 1 if stale or missing else 0
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
