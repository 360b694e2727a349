#!/usr/bin/env python3
"""Builds the recorder and the command for aarch64, with packages of Debian's in ~/.cache.

    integration-tests/aarch64/build.py              # target/aarch64/release
    integration-tests/aarch64/build.py --verify     # target/aarch64/verify: stacks are compared
    integration-tests/aarch64/build.py --strip      # without debugging information, for a release

It ends with 2 where there is no toolchain, and says why.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import toolchain

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = "aarch64-unknown-linux-gnu"
BUILT = ("libhackleak.so", "hackleak")


def environment(commands):
    variables = TARGET.replace("-", "_")
    gcc = commands / f"{toolchain.TRIPLE}-gcc"
    return {**os.environ, "RUSTC": str(commands / "rustc"), f"CC_{variables}": str(gcc),
            f"AR_{variables}": str(commands / f"{toolchain.TRIPLE}-ar"),
            f"CARGO_TARGET_{variables.upper()}_LINKER": str(gcc)}


def build(verify=False, strip=False):
    """The folder with both files."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "aarch64"
    commands, _ = toolchain.compilers()
    folder, made, more = target / "release", target / TARGET / "release", []
    if verify:
        folder, made = target / "verify", target / "with-verify" / TARGET / "release"
        more = ["--features", "verify"]
    command = ["cargo", "build", "--release", "--locked", "--target", TARGET, *more,
               "--target-dir", str(made.parent.parent)]
    done = subprocess.run(command, cwd=ROOT, env=environment(commands))
    if done.returncode != 0:
        sys.exit(1)
    folder.mkdir(parents=True, exist_ok=True)
    for name in BUILT:
        shutil.copy2(made / name, folder / name)
        if strip:
            objcopy = commands / f"{toolchain.TRIPLE}-objcopy"
            subprocess.run([objcopy, "--strip-debug", folder / name], check=True)
    return folder


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verify", action="store_true", help="compare every stack with libgcc's")
    parser.add_argument("--strip", action="store_true", help="without debugging information")
    try:
        folder = build(**vars(parser.parse_args()))
    except toolchain.NoToolchain as e:
        print(f"aarch64: {e}", file=sys.stderr)
        sys.exit(2)
    for name in BUILT:
        print(folder / name)


if __name__ == "__main__":
    main()
