#!/usr/bin/env python3
"""Prints NOTICE: the licences of all crates that are linked into the recorder and the command.

    notice.py TREE
"""

import re
import sys

import crates

TEXT = re.compile(r"(licen[cs]e|copying|notice|unlicense)", re.IGNORECASE)

HEAD = """\
HackLeak
Copyright the HackLeak developers. Apache License, Version 2.0: see LICENSE.

bin/hackleak and lib/libhackleak.so contain the crates that are listed here, under the licences
named beside each, and parts of the Rust standard library (https://www.rust-lang.org, MIT OR
Apache-2.0). The texts that the crates bring along follow, each once.
"""


def texts(package):
    """The licence texts that a package has, by file name."""
    files = sorted(path for path in crates.folder(package).iterdir() if path.is_file() and TEXT.match(path.name))
    # Without the white space in which copies of one text differ.
    return ["\n".join(line.rstrip() for line in path.read_text(errors="replace").strip().splitlines()) for path in files]


def main(tree):
    numbers = {}
    print(HEAD)
    for package in crates.foreign(tree):
        own = [numbers.setdefault(text, len(numbers) + 1) for text in texts(package)]
        if not package["license"] and not own:
            sys.exit(f"{package['name']} {package['version']} names no licence and has no text of one")
        where = f"texts {', '.join(map(str, own))}" if own else "no text in the package"
        print(f"{package['name']} {package['version']}  {package['license'] or 'see its text'}  ({where})")
        if package["repository"]:
            print(f"    {package['repository']}")
    for text, number in numbers.items():
        print(f"\n{'-' * 80}\nText {number}\n\n{text}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
