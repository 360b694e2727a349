#!/usr/bin/env python3
"""Packs a folder so that the same files give the same bytes: by name, of one owner, at one time.

    tarball.py FOLDER FILE.tar.gz
"""

import gzip
import sys
import tarfile
from pathlib import Path

import crates


def plain(member):
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mtime = crates.epoch()
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def main(folder, file):
    folder = Path(folder)
    with open(file, "wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=crates.epoch()) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for path in [folder, *sorted(folder.rglob("*"))]:
                tar.add(path, arcname=path.relative_to(folder.parent), recursive=False, filter=plain)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
