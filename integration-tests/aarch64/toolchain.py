"""What builds and runs programs for aarch64 on x86-64: packages of Debian's, unpacked.

Nothing is installed. apt gets configuration of its own: the machine's mirror, two architectures,
and lists in the cache. It resolves what the wanted packages depend on as if no package were there.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "matrix"))
import cells  # noqa: E402

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hackleak-aarch64"
# The compiler, and the libraries that it links for aarch64. rustc-web is the suite's newest.
COMPILER = ["rustc-web", "libstd-rust-web-dev", "libstd-rust-web-dev:arm64",
            "g++-aarch64-linux-gnu"]
COMPILER_SUITE = "bookworm"
# Before version 10 qemu ignores MADV_WIPEONFORK and says nothing.
EMULATOR, EMULATOR_SUITE = ["qemu-user"], "trixie"
# The machine's own C library is the one that the unpacked programs use.
LEFT_OUT = re.compile(r"(libc6|libc-bin|libgcc-s1|gcc-\d+-base)_[^_]*_amd64\.deb$")
TRIPLE = "aarch64-linux-gnu"


class NoToolchain(Exception):
    """Why there is none, in a sentence."""


def mirrors():
    """The mirror, and that of security updates: one line of sources for each suite of both."""
    mirror = cells.mirror()
    if not mirror:
        raise NoToolchain("apt knows no mirror of Debian's: add one to its sources, and run "
                          "`apt-get update`")
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    command += ["Created-By: Packages", "Label: Debian-Security"]
    told = subprocess.run(command, capture_output=True, text=True).stdout.split()
    return mirror, next(iter(told), None)


def sources(suite):
    mirror, security = mirrors()
    lines = [(mirror, suite)]
    if security:
        lines.append((security, f"{suite}-security"))
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    signed = f" signed-by={keyring}" if Path(keyring).exists() else ""
    return "".join(f"deb [arch=amd64,arm64{signed}] {uri} {name} main\n" for uri, name in lines)


def run(command, what):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise NoToolchain(f"{what}: {said[-1] if said else 'it said nothing'}")
    return done.stdout


def download(suite, packages, folder, processors):
    """The packages and what they depend on, as files. The first processor is the system's."""
    state, lists, etc = folder / "state", folder / "lists", folder / "etc"
    debs = folder / "debs"
    for made in (state, lists / "partial", etc, debs / "partial"):
        made.mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    (etc / "sources.list").write_text(sources(suite))
    told = {"Dir::State": state, "Dir::State::status": state / "status",
            "Dir::State::Lists": lists, "Dir::Cache": folder, "Dir::Cache::archives": debs,
            "Dir::Etc::sourcelist": etc / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null", "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Install-Recommends": "false", "APT::Sandbox::User": "root",
            "APT::Architecture": processors[0], "Debug::NoLocking": "true"}
    apt = ["apt-get", "-q", "-y"]
    apt += [f"-o{key}={value}" for key, value in told.items()]
    apt += [f"-oAPT::Architectures::={processor}" for processor in processors]
    run([*apt, "update"], f"apt cannot read the lists of {suite}")
    run([*apt, "--download-only", "install", *packages],
        f"apt cannot get {' '.join(packages)} of {suite}")
    return sorted(debs.glob("*.deb"))


def unpack(debs, root):
    for deb in debs:
        if not LEFT_OUT.search(deb.name):
            run(["dpkg", "-x", deb, root], f"dpkg cannot unpack {deb.name}")


def folder(cache, name, suite, packages, processors=("amd64", "arm64")):
    """The unpacked packages. What has the name is whole."""
    root = cache / name
    if not root.is_dir():
        partial, downloads = cache / f"{name}.partial", cache / f"{name}.downloads"
        for old in (partial, downloads):
            shutil.rmtree(old, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            unpack(download(suite, packages, downloads, processors), partial)
            partial.rename(root)
        finally:
            shutil.rmtree(downloads, ignore_errors=True)
            shutil.rmtree(partial, ignore_errors=True)
    return root


def libraries(root):
    """Where the unpacked programs find their libraries."""
    found = [root / "usr/lib/x86_64-linux-gnu", *sorted(root.glob("usr/lib/llvm-*/lib"))]
    return ":".join(str(path) for path in found)


def script(path, root, line):
    """A command that runs an unpacked program."""
    text = f"#!/bin/sh\nexport LD_LIBRARY_PATH='{libraries(root)}'\n{line}\n"
    path.write_text(text)
    path.chmod(0o755)


def compilers(cache=CACHE):
    """Names of the commands: rustc, gcc, g++, and the folder of aarch64's C library."""
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            raise NoToolchain(f"the toolchain is made of Debian's packages, and {tool} is missing")
    root = folder(cache, "compilers", COMPILER_SUITE, COMPILER)
    commands = cache / "bin"
    commands.mkdir(exist_ok=True)
    script(commands / "rustc", root, f"exec '{root}/usr/bin/rustc' \"$@\"")
    version = sorted(root.glob(f"usr/bin/{TRIPLE}-gcc-[0-9]*"))[-1].name.rsplit("-", 1)[1]
    for name in ("gcc", "g++"):
        script(commands / f"{TRIPLE}-{name}", root,
               f"exec '{root}/usr/bin/{TRIPLE}-{name}-{version}' --sysroot='{root}' \"$@\"")
    for name in ("ar", "objcopy"):
        script(commands / f"{TRIPLE}-{name}", root, f"exec '{root}/usr/bin/{TRIPLE}-{name}' \"$@\"")
    return commands, root / "usr" / TRIPLE


def emulator(cache=CACHE):
    """qemu-aarch64."""
    found = sorted(folder(cache, "qemu", EMULATOR_SUITE, EMULATOR).glob("usr/bin/qemu-aarch64*"))
    return found[0]


def root(suite, jdk, cache=CACHE):
    """A whole system with this JDK, whose packages are unpacked and not configured."""
    packages = [f"openjdk-{jdk}-jre-headless"]
    made = folder(cache, f"{suite}-openjdk-{jdk}", suite, packages, ["arm64"])
    (made / "dev").mkdir(exist_ok=True)
    return cells.completed(made)
