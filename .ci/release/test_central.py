"""The checker of the bundle finds each thing that Maven Central would refuse, in a bundle that is made up."""

import hashlib
import re
import shutil
import subprocess
import tempfile
import unittest
import zipfile
from pathlib import Path

import central

VERSION = "1.2.3"
FOLDER = f"org/example/thing/{VERSION}"
PARENT = f"org/example/parent/{VERSION}"
HEAD = '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
PARENT_POM = f"""{HEAD}
<groupId>org.example</groupId><artifactId>parent</artifactId><version>{VERSION}</version><packaging>pom</packaging>
<name>Parent</name><description>It has what others inherit</description><url>https://example.org</url>
<licenses><license><name>Apache-2.0</name><url>https://example.org/licence</url></license></licenses>
<developers><developer><name>Somebody</name></developer></developers>
<scm><connection>scm:git:x</connection><developerConnection>scm:git:y</developerConnection><url>https://example.org</url></scm>
</project>"""
POM = f"""{HEAD}
<parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>{VERSION}</version></parent>
<artifactId>thing</artifactId><name>Thing</name><description>A thing</description>
<dependencies><dependency><groupId>a</groupId><artifactId>b</artifactId><version>1</version></dependency></dependencies>
</project>"""
SIGNATURE = "-----BEGIN PGP SIGNATURE-----"


def sound():
    """A bundle in which nothing is wrong: the contents by name."""
    contents = {f"{PARENT}/parent-{VERSION}.pom": PARENT_POM, f"{FOLDER}/thing-{VERSION}.pom": POM}
    for part in (".jar", "-sources.jar", "-javadoc.jar"):
        contents[f"{FOLDER}/thing-{VERSION}{part}"] = f"classes {part}"
    return contents


def derived(contents):
    """The same with checksums and signatures."""
    whole = dict(contents)
    for name, text in contents.items():
        for algorithm in central.CHECKSUMS:
            whole[f"{name}.{algorithm}"] = hashlib.new(algorithm, text.encode()).hexdigest()
        whole[f"{name}.asc"] = SIGNATURE
    return whole


class Checker(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def wrong(self, contents, version=VERSION):
        file = self.folder / "bundle.zip"
        with zipfile.ZipFile(file, "w") as packed:
            for name, text in contents.items():
                packed.writestr(name, text)
        return central.check(file, version)

    def assert_says(self, contents, *patterns, version=VERSION):
        said = self.wrong(contents, version)
        self.assertEqual(len(said), len(patterns), said)
        for pattern in patterns:
            self.assertTrue(any(re.search(pattern, sentence) for sentence in said), f"{pattern}: {said}")

    def test_a_sound_bundle_has_nothing_wrong(self):
        self.assert_says(derived(sound()))

    def test_every_file_that_must_be_there_is_missed(self):
        for part in (".jar", "-sources.jar", "-javadoc.jar"):
            contents = sound()
            del contents[f"{FOLDER}/thing-{VERSION}{part}"]
            self.assert_says(derived(contents), f"has no thing-{VERSION}{part}$")
        contents = sound()
        del contents[f"{FOLDER}/thing-{VERSION}.pom"]
        self.assert_says(derived(contents), "has no POM thing")
        self.assert_says({}, "is empty")

    def test_every_element_of_a_pom_is_missed_where_no_parent_has_it(self):
        for element in central.ELEMENTS:
            name = element.split("/")[-1]
            contents = sound()
            text = contents[f"{PARENT}/parent-{VERSION}.pom"]
            start = text.index(f"<{element.split('/')[0]}>")
            cut = re.sub(rf"<{name}>[^<]*</{name}>", "", text[start:], count=1)
            contents[f"{PARENT}/parent-{VERSION}.pom"] = text[:start] + cut
            said = self.wrong(derived(contents))
            self.assertIn(f"the POM in {PARENT} has no {element}", said)

    def test_checksums_and_signatures_are_looked_at(self):
        jar = f"{FOLDER}/thing-{VERSION}.jar"
        for algorithm in central.CHECKSUMS:
            contents = derived(sound())
            contents[f"{jar}.{algorithm}"] = "0" * 32
            self.assert_says(contents, rf"the \.{algorithm} of .*jar is that of another file")
        for algorithm in central.REQUIRED_CHECKSUMS:
            contents = derived(sound())
            del contents[f"{jar}.{algorithm}"]
            self.assert_says(contents, rf"has no \.{algorithm}")
        contents = derived(sound())
        contents[f"{jar}.asc"] = "no signature"
        self.assert_says(contents, "jar has no signature")
        contents = derived(sound())
        contents[f"{FOLDER}/gone.jar.md5"] = "0" * 32
        self.assert_says(contents, "of a file that is not there", "is not named thing")

    def test_snapshots_and_other_coordinates_are_refused(self):
        contents = sound()
        contents[f"{FOLDER}/thing-{VERSION}.pom"] = POM.replace("<version>1<", "<version>1-SNAPSHOT<")
        self.assert_says(derived(contents), "names the version 1-SNAPSHOT")
        contents[f"{FOLDER}/thing-{VERSION}.pom"] = POM.replace(">thing<", ">other<")
        self.assert_says(derived(contents), "is of org.example:other:1.2.3")
        contents[f"{FOLDER}/thing-{VERSION}.pom"] = "<project>"
        self.assert_says(derived(contents), "is no XML")
        self.assert_says(derived(sound()), *["is not of version 1.2.4"] * 2, version="1.2.4")
        self.assert_says(derived({"README": "x"}), *["not in a folder"] * 6, "is empty")

    def test_a_bundle_that_is_made_is_sound_and_signed(self):
        if not shutil.which("gpg"):
            print("SKIPPED: the signatures of a bundle: gpg is missing")
            self.skipTest("gpg is missing")
        staging, home, key = self.folder / "staging", self.folder / "gnupg", self.folder / "key.asc"
        home.mkdir(mode=0o700)
        for name, text in sound().items():
            file = staging / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        for internal in (f"thing-{VERSION}-tests.jar", "maven-metadata.xml", f"thing-{VERSION}.jar.sha1"):
            (staging / FOLDER / internal).write_text("x")
        gpg = ["gpg", "--batch", "--quiet", "--homedir", home]
        subprocess.run([*gpg, "--passphrase", "", "--quick-gen-key", "Test <a@example.org>", "ed25519"], check=True)
        key.write_bytes(subprocess.run([*gpg, "--armor", "--export"], stdout=subprocess.PIPE, check=True).stdout)
        made = self.folder / "made.zip"
        central.bundle(staging, made)
        self.assertEqual(len(central.check(made, VERSION)), len(sound()), "no file is signed yet")
        # The second time replaces the signatures of the first.
        for _ in range(2):
            central.sign(made, ["--homedir", str(home)])
        self.assertEqual(central.check(made, VERSION, key), [])
        with zipfile.ZipFile(made) as packed:
            self.assertEqual(len(packed.namelist()), len(sound()) * (1 + len(central.CHECKSUMS) + 1))
            forged = {name: packed.read(name).decode() for name in packed.namelist()}
        # The checksums are made anew, and the signature is of what was there before.
        forged = {name: text for name, text in forged.items() if not central.is_derived(name)} | {
            name: text for name, text in forged.items() if name.endswith(".asc")}
        jar = f"{FOLDER}/thing-{VERSION}.jar"
        forged[jar] = "other classes"
        for name in [name for name in forged if not name.endswith(".asc")]:
            for algorithm in central.CHECKSUMS:
                forged[f"{name}.{algorithm}"] = hashlib.new(algorithm, forged[name].encode()).hexdigest()
        file = self.folder / "forged.zip"
        with zipfile.ZipFile(file, "w") as packed:
            for name, text in forged.items():
                packed.writestr(name, text)
        self.assertEqual(central.check(file, VERSION, key), [f"the signature of {jar} is not by this key"])
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


if __name__ == "__main__":
    unittest.main()
