"""`.ci/version` writes a version everywhere in a clone, and finds the one place that has another."""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Version(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.tree = self.folder / "tree"
        subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", self.tree], check=True)
        shutil.copy(ROOT / ".ci/version", self.tree / ".ci/version")

    def version(self, *arguments):
        return subprocess.run(
            [self.tree / ".ci/version", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)

    def test_a_release_is_written_everywhere(self):
        before = self.version().stdout.strip()
        self.assertEqual(self.version("set", "98.76.54").stderr, "")
        self.assertEqual(self.version().stdout, "98.76.54\n")
        poms = [*self.tree.glob("java/*/pom.xml"), *self.tree.glob("gradle/**/pom.xml"), self.tree / "java/pom.xml"]
        self.assertGreater(len(poms), 10)
        pages = [self.tree / page for page in ("README.md", "docs/builds.md", "docs/getting-started.md")]
        for file in [*poms, *pages]:
            text = file.read_text()
            self.assertNotIn(f"{before}-SNAPSHOT", text, file)
            self.assertIn("98.76.54", text, file)
        locked = (self.tree / "Cargo.lock").read_text()
        self.assertIn('name = "hackleak-cli"\nversion = "98.76.54"', locked)
        self.assertNotIn("98.76.54", (self.tree / "CHANGELOG.md").read_text())
        # Back again, nothing is different.
        self.assertEqual(self.version("set", f"{before}-SNAPSHOT").stderr, "")
        changed = subprocess.run(["git", "diff", "--stat", "--", ":!.ci"], cwd=self.tree, stdout=subprocess.PIPE, check=True)
        self.assertEqual(changed.stdout, b"")

    def test_a_place_with_another_version_is_found(self):
        readme = self.tree / "README.md"
        version = self.version().stdout.strip()
        for other, said in (("98.76.54", "README.md has 98.76.54"), (version, "some files have")):
            text = readme.read_text()
            readme.write_text(text.replace(f"<version>{version}-SNAPSHOT<", f"<version>{other}<"))
            checked = self.version("check")
            readme.write_text(text)
            self.assertEqual(checked.returncode, 1)
            self.assertIn(said, checked.stderr)
        self.assertEqual(self.version("check").returncode, 0)

    def test_what_is_no_version_is_refused(self):
        refused = self.version("set", "v1")
        self.assertEqual((refused.returncode, refused.stderr.count("\n")), (1, 1))


if __name__ == "__main__":
    unittest.main()
