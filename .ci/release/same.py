#!/usr/bin/env python3
"""Says in what two results of `.ci/dist` differ. Signatures are left out, and so is the sum of the bundle that has them.

    same.py DIST DIST
"""

import io
import sys
import tarfile
import zipfile
from pathlib import Path


def parts(file):
    """What is in a file, by name: the members of archives and of jars in them, so that a difference has a place."""
    if file.name.endswith(".asc"):
        return {}
    if file.name == "SHA256SUMS":
        lines = [line for line in file.read_text().splitlines() if not line.endswith("-central.zip")]
        return {file.name: "\n".join(lines)}
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as packed:
            # Compressed bytes as well: what is compared is what is uploaded.
            return {f"{file.name}!{entry.filename}": (packed.read(entry), entry.date_time, entry.external_attr,
                                                      entry.compress_size)
                    for entry in packed.infolist() if not entry.filename.endswith(".asc")}
    return {file.name: file.read_bytes()}


def members(name, value):
    """For a difference, the member of a tarball or a jar that it is in."""
    opened = {}
    raw = io.BytesIO(value[0] if isinstance(value, tuple) else value)
    if name.endswith(".tar.gz"):
        with tarfile.open(fileobj=raw) as packed:
            for member in packed:
                data = packed.extractfile(member).read() if member.isfile() else b""
                opened[member.name] = (data, member.mode, member.mtime, member.uid, member.gid)
    elif name.endswith(".jar"):
        with zipfile.ZipFile(raw) as packed:
            for entry in packed.infolist():
                opened[entry.filename] = (packed.read(entry), entry.date_time, entry.external_attr, entry.extra)
    return opened


def main(first, second):
    one, other = ({name: value for file in sorted(Path(folder).iterdir()) for name, value in parts(file).items()}
                  for folder in (first, second))
    different = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    for name in different:
        print(f"different: {name}", file=sys.stderr)
        if name in one and name in other and name.endswith((".tar.gz", ".jar")):
            inside = members(name, one[name]), members(name, other[name])
            for member in sorted(inside[0].keys() | inside[1].keys()):
                if inside[0].get(member) != inside[1].get(member):
                    print(f"  in it: {member}", file=sys.stderr)
    if different:
        sys.exit(1)
    print(f"the same bytes twice: {len(one)} files")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
