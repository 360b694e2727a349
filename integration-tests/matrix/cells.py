"""The cells of the matrix, and their roots: what a JDK's package needs of a suite of Debian's."""

import collections
import re
import shlex
import subprocess
import threading

Cell = collections.namedtuple("Cell", "suite jdk")
Cell.name = property(lambda cell: f"{cell.suite}-{cell.jdk}")
# Suites have the JDKs that Debian has packaged for them. The glibc of a root is read from the root.
TABLE = [Cell("bullseye", 11), Cell("bullseye", 17), Cell("bookworm", 17), Cell("trixie", 21),
         Cell("trixie", 25), Cell("forky", 27), Cell("forky", 28), Cell("sid", 26), Cell("sid", 27)]
MERGED = ("bin", "sbin", "lib", "lib64")
# What apt of the machine is told of old lists and of proxies, apt of a root is told, too.
PASSED_ON = re.compile(r"Acquire::(Check-Valid-Until|Check-Date|https?::Proxy) ")
making = threading.Lock()


class NoRoot(Exception):
    """Why a root could not be made, in a sentence."""


def mirror():
    """The mirror that apt is configured with."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    command += ["Created-By: Packages", "Label: Debian"]
    try:
        told = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return next(iter(told.stdout.split()), None)


def apt_options():
    told = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True)
    lines = [line.rstrip(";") for line in told.stdout.splitlines() if PASSED_ON.match(line)]
    return [f"--aptopt={line}" for line in lines]


def root_of(cell, cache, fresh, limit):
    """The root of a cell, made in so many seconds at most. It is made under another name: what has
    the name is whole."""
    root = cache / f"{cell.suite}-openjdk-{cell.jdk}"
    with making:
        if fresh and root.exists():
            remove(root)
        if not root.exists():
            make(cell, root, limit)
    return completed(root)


def completed(root):
    """The root, with what its packages would have made when they were configured."""
    for name in MERGED:
        if not (root / name).exists() and not (root / name).is_symlink():
            (root / "usr" / name).mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(f"usr/{name}")
    for name in ("proc", "hl"):
        (root / name).mkdir(exist_ok=True)
    return root


def remove(folder):
    """What may be mounted there stays."""
    subprocess.run(["rm", "-rf", "--one-file-system", folder], check=True)


def make(cell, root, limit):
    root.parent.mkdir(parents=True, exist_ok=True)
    partial = root.with_name(root.name + ".partial")
    if partial.exists():
        remove(partial)
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=extract",
               "--setup-hook=mkdir -p \"$1/usr/share/man/man1\"",
               "--aptopt=APT::Install-Recommends \"false\"", *apt_options(),
               f"--include=openjdk-{cell.jdk}-jdk-headless", cell.suite, str(partial), mirror()]
    try:
        made = subprocess.run(command, capture_output=True, text=True, timeout=limit)
        if made.returncode != 0:
            last = (made.stderr.strip() or "it said nothing").splitlines()[-1]
            raise NoRoot(f"mmdebstrap made no {cell.name}: {last}; by hand: {shlex.join(command)}")
        partial.rename(root)
    except subprocess.TimeoutExpired:
        raise NoRoot(f"mmdebstrap has not made {cell.name} in {limit} s") from None
    finally:
        if partial.exists():
            remove(partial)
