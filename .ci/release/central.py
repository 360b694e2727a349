#!/usr/bin/env python3
"""The bundle for Maven Central: makes it, and checks it as Central does.

    central.py bundle STAGING BUNDLE.zip
    central.py sign BUNDLE.zip GPG-ARGUMENT...
    central.py check BUNDLE.zip VERSION [KEY.asc]

STAGING is a repository that `mvn deploy` has filled. The bundle gets checksums, and from `sign` signatures by the key
that the arguments of gpg choose. `check` prints a sentence for each thing that is wrong,
and exits 0 if there is none. With KEY.asc it verifies the signatures, too.
"""

import hashlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path, PurePosixPath

POM = {"m": "http://maven.apache.org/POM/4.0.0"}
# Central asks for the first two, and takes the others.
CHECKSUMS = ("md5", "sha1", "sha256", "sha512")
REQUIRED_CHECKSUMS = CHECKSUMS[:2]
# What a POM or one of its parents must have.
ELEMENTS = [
    "name", "description", "url", "licenses/license/name", "licenses/license/url", "developers/developer/name",
    "scm/connection", "scm/developerConnection", "scm/url",
]


def is_derived(name):
    return name.endswith(".asc") or name.rpartition(".")[2] in CHECKSUMS


def is_published(path):
    """What Maven stages for itself, and classes for the tests of this project, is for nobody else."""
    return not (is_derived(path.name) or path.name.startswith("maven-metadata") or path.name.endswith("-tests.jar"))


def bundle(staging, target):
    staging = Path(staging)
    contents = {}
    for path in sorted(path for path in staging.rglob("*") if path.is_file() and is_published(path)):
        name = str(path.relative_to(staging))
        contents[name] = path.read_bytes()
        for algorithm in CHECKSUMS:
            contents[f"{name}.{algorithm}"] = hashlib.new(algorithm, contents[name]).hexdigest().encode()
    write(target, contents)


def sign(file, gpg):
    """Signs each file of a bundle that is no checksum; a signature that was there is replaced."""
    contents = read(file)
    for name in [name for name in contents if not is_derived(name)]:
        contents[f"{name}.asc"] = subprocess.run(
            ["gpg", "--batch", "--armor", "--detach-sign", *gpg, "--output", "-"],
            input=contents[name], stdout=subprocess.PIPE, check=True).stdout
    write(file, contents)


def read(file):
    with zipfile.ZipFile(file) as packed:
        return {name: packed.read(name) for name in packed.namelist() if not name.endswith("/")}


def write(target, contents):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, contents[name])


class Bundle:
    """A bundle, read, with what is wrong with it."""

    def __init__(self, file, version):
        self.version = version
        self.wrong = []
        self.contents = read(file)
        self.poms = {}

    def complain(self, sentence):
        self.wrong.append(sentence)

    def check(self):
        artefacts = {}
        for name in sorted(self.contents):
            path = PurePosixPath(name)
            if len(path.parts) < 4:
                self.complain(f"{name} is not in a folder GROUP/ARTEFACT/VERSION")
                continue
            artefacts.setdefault(path.parent, []).append(path.name)
            if not is_derived(name):
                self.file(name)
            elif name.rpartition(".")[0] not in self.contents:
                self.complain(f"{name} is of a file that is not there")
        if not artefacts:
            self.complain("the bundle is empty")
        for folder in artefacts:
            self.parse(folder)
        for folder, names in artefacts.items():
            self.artefact(folder, names)
        if self.version.endswith("-SNAPSHOT"):
            self.complain(f"{self.version} is no version of a release")

    def file(self, name):
        """Checksums that match, and a signature."""
        for algorithm in CHECKSUMS:
            stated = self.contents.get(f"{name}.{algorithm}")
            if stated is None:
                if algorithm in REQUIRED_CHECKSUMS:
                    self.complain(f"{name} has no .{algorithm}")
            elif stated.decode(errors="replace").split()[:1] != [hashlib.new(algorithm, self.contents[name]).hexdigest()]:
                self.complain(f"the .{algorithm} of {name} is that of another file")
        if not self.contents.get(f"{name}.asc", b"").startswith(b"-----BEGIN PGP SIGNATURE-----"):
            self.complain(f"{name} has no signature")

    def parse(self, folder):
        name = f"{folder}/{folder.parent.name}-{folder.name}.pom"
        if name not in self.contents:
            self.complain(f"{folder} has no POM {PurePosixPath(name).name}")
            return
        try:
            self.poms[folder] = ElementTree.fromstring(self.contents[name])
        except ElementTree.ParseError as error:
            self.complain(f"{name} is no XML: {error}")

    def lineage(self, folder):
        """The POM in a folder and its parents, as far as they are in the bundle."""
        seen = set()
        while folder in self.poms and folder not in seen:
            seen.add(folder)
            pom = self.poms[folder]
            yield pom
            parent = [pom.findtext(f"m:parent/m:{name}", "", POM) for name in ("groupId", "artifactId", "version")]
            folder = PurePosixPath(parent[0].replace(".", "/"), *parent[1:])

    def artefact(self, folder, names):
        base = f"{folder.parent.name}-{folder.name}"
        if folder.name != self.version:
            self.complain(f"{folder} is not of version {self.version}")
        for name in names:
            if not name.startswith(f"{base}.") and not name.startswith(f"{base}-"):
                self.complain(f"{folder}/{name} is not named {base}")
        if folder not in self.poms:
            return
        pom = self.poms[folder]
        stated = [self.inherited(folder, "groupId", "parent/groupId"), pom.findtext("m:artifactId", "", POM),
                  self.inherited(folder, "version", "parent/version")]
        if PurePosixPath(stated[0].replace(".", "/"), *stated[1:]) != folder:
            self.complain(f"the POM in {folder} is of {':'.join(stated)}")
        for element in ELEMENTS:
            if not self.inherited(folder, element):
                self.complain(f"the POM in {folder} has no {element}")
        for version in pom.iterfind(".//m:version", POM):
            if (version.text or "").endswith("-SNAPSHOT"):
                self.complain(f"the POM in {folder} names the version {version.text}")
        if pom.findtext("m:packaging", "jar", POM) != "pom":
            for part in (".jar", "-sources.jar", "-javadoc.jar"):
                self.jar(folder, base + part)

    def inherited(self, folder, *elements):
        for pom in self.lineage(folder):
            for element in elements:
                if text := pom.findtext("/".join(f"m:{part}" for part in element.split("/")), "", POM).strip():
                    return text
        return ""

    def jar(self, folder, name):
        if f"{folder}/{name}" not in self.contents:
            self.complain(f"{folder} has no {name}")

    def verify(self, key):
        """Verifies every signature by this key."""
        with tempfile.TemporaryDirectory() as home:
            gpg = ["gpg", "--batch", "--quiet", "--homedir", home]
            subprocess.run([*gpg, "--import", key], stderr=subprocess.DEVNULL, check=True)
            file, signature = Path(home, "file"), Path(home, "file.asc")
            for name in sorted(self.contents):
                if f"{name}.asc" not in self.contents:
                    continue
                file.write_bytes(self.contents[name])
                signature.write_bytes(self.contents[f"{name}.asc"])
                done = subprocess.run([*gpg, "--verify", signature, file], stderr=subprocess.DEVNULL, check=False)
                if done.returncode != 0:
                    self.complain(f"the signature of {name} is not by this key")


def check(file, version, key=None):
    checked = Bundle(file, version)
    checked.check()
    if key:
        checked.verify(key)
    return checked.wrong


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["bundle", staging, target]:
            bundle(staging, target)
        case ["sign", file, *gpg] if gpg:
            sign(file, gpg)
        case ["check", file, version, *key] if len(key) < 2:
            found = check(file, version, *key)
            print("\n".join(found) if found else f"{Path(file).name} is as Maven Central wants it")
            sys.exit(1 if found else 0)
        case _:
            sys.exit(__doc__)
