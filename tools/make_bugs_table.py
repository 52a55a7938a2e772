#!/usr/bin/env python3
"""Writes the table of docs/bugs.md from the scenarios that the program carries.

    make_bugs_table.py [--check] SSMSIM docs/bugs.md
"""
import json
import subprocess
import sys

BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"


def cell(text):
    return " ".join(text.split()).replace("|", "\\|")


def table(ssmsim):
    listed = json.loads(subprocess.run([ssmsim, "simulate", "--json", "--scenario", "list"],
                                       check=True, capture_output=True, text=True).stdout)
    rows = ["| bug | affected, and what is observed | not affected, and what is observed instead |",
            "|---|---|---|"]
    for one in listed:
        cases = [f"{case['client']} with {case['agent']}: {cell(case['observed'])}"
                 for case in (one["affected"], one["strict"])]
        rows.append(f"| **{one['name']}** {cell(one['title'])} ({', '.join(one['references'])}) | "
                    + " | ".join(cases) + " |")
    return "\n".join(rows) + "\n"


def main():
    check = sys.argv[1] == "--check"
    ssmsim, page = sys.argv[-2:]
    with open(page, encoding="utf-8") as file:
        text = file.read()
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    wanted = head + BEGIN + table(ssmsim) + END + tail
    if check and text != wanted:
        print(f"{page}: not what the scenarios say; run tools/make_bugs_table.py {ssmsim} {page}")
        return 1
    if not check:
        with open(page, "w", encoding="utf-8") as file:
            file.write(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
