#!/usr/bin/env python3
"""Holds what pages show of a run against what the run has printed.

    shown.py OUTPUT PAGE...    the first block of each PAGE that begins with a LeakError is in the file OUTPUT

A line `…` stands for lines that are left out, and `…` at the end of a line for the rest of it. What differs from run to
run counts as equal: numbers of processes, folders, and how many frames the test framework has.
"""

import re
import sys
from pathlib import Path

FENCE = re.compile(r"^```(\S*)$")
VARIES = [
    (r"\x1b\[[0-9;]*m", ""),
    (r"leaks-\d+-\d+\.json", "leaks-N.json"),
    (r"/\S*/(?=(target|hackleak-out)/)", "/"),
    (r"\b(process|PID) \d+", r"\1 N"),
    (r"\.\.\. \d+ frames of the test framework", "... N frames of the test framework"),
]


def code(text):
    """The blocks of code of a page: language, lines, and the last line of text between it and the block before it."""
    found, language, before = [], None, ""
    for line in text.splitlines():
        fence = FENCE.match(line)
        if language is None and fence:
            language = fence.group(1)
            found.append((language, [], before))
            before = ""
        elif language is not None and line == "```":
            language = None
        elif language is not None:
            found[-1][1].append(line)
        elif line.strip():
            before = line
    return found


def alike(line):
    for pattern, replacement in VARIES:
        line = re.sub(pattern, replacement, line)
    return line.rstrip()


def first_missing(shown, printed):
    """The first line of `shown` that `printed` does not have, in this order; None if all are there."""
    lines = iter([alike(line) for line in printed.splitlines()])
    for line in shown:
        wanted = alike(line)
        if not wanted or wanted.strip() == "…":
            continue
        if wanted.endswith("…"):
            start = wanted[:-1].rstrip()
            is_there = any(text.startswith(start) for text in lines)
        else:
            is_there = any(text == wanted for text in lines)
        if not is_there:
            return line
    return None


def main():
    printed = Path(sys.argv[1]).read_text(errors="replace")
    failed = False
    for page in sys.argv[2:]:
        of_page = [lines for _, lines, _ in code(Path(page).read_text())]
        blocks = [lines for lines in of_page if lines and lines[0].startswith("dev.hackleak.LeakError")]
        missing = first_missing(blocks[0], printed) if blocks else "a block with a LeakError"
        if missing is None:
            print(f"shown, as expected: {page}")
        else:
            failed = True
            print(f"UNEXPECTED {page} shows what the run has not printed: {missing}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
