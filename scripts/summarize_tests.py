#!/usr/bin/env python3
"""Reads CTest's JUnit file; names what was skipped and why, what failed, and counts.

The last line is `N passed, N failed, N skipped`. Exit status 1 if a test failed or none ran.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree


def skip_reason(output: str) -> str:
    """The text of GTEST_SKIP, or the line `SKIP: reason` that the other tests print."""
    lines = output.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("SKIP: "):
            return line[len("SKIP: "):]
        if re.search(r": Skipped$", line) and number + 1 < len(lines):
            return lines[number + 1].strip()
    return "no reason given"


def main() -> int:
    passed = failed = skipped = 0
    for case in ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
        name = case.get("name")
        output = case.findtext("system-out") or ""
        if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped += 1
            print(f"skipped: {name}: {skip_reason(output)}")
        elif case.find("failure") is not None or case.get("status") == "fail":
            failed += 1
            print(f"failed: {name}")
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
