"""What differs between two results is named, down to the member of an archive, and signatures are not looked at."""

import contextlib
import gzip
import io
import shutil
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

import same


def jar(text):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as packed:
        packed.writestr(zipfile.ZipInfo("A.class"), "the same")
        packed.writestr(zipfile.ZipInfo("B.class"), text)
    return raw.getvalue()


class Same(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def result(self, name, *, text="text", mode=0o644, signature="one", sums="a  x.tar.gz"):
        folder = self.folder / name
        folder.mkdir()
        with gzip.GzipFile(folder / "x.tar.gz", "wb", mtime=0) as raw, tarfile.open(fileobj=raw, mode="w") as packed:
            member = tarfile.TarInfo("x/file")
            member.mode, member.size = mode, 4
            packed.addfile(member, io.BytesIO(b"data"))
        with zipfile.ZipFile(folder / "x-central.zip", "w") as packed:
            packed.writestr(zipfile.ZipInfo("x.jar"), jar(text))
            packed.writestr(zipfile.ZipInfo("x.jar.asc"), signature)
        (folder / "signing-key.asc").write_text(signature)
        (folder / "SHA256SUMS").write_text(f"{sums}\n{signature}  x-central.zip\n")
        return folder

    def compare(self, **changes):
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                same.main(self.result("one"), self.result("other", **changes))
            except SystemExit as ended:
                self.assertEqual(ended.code, 1)
        return said.getvalue().splitlines()

    def test_signatures_alone_are_no_difference(self):
        self.assertEqual(self.compare(signature="another"), ["the same bytes twice: 3 files"])

    def test_a_member_of_a_jar_in_the_bundle_is_named(self):
        self.assertEqual(self.compare(text="other"), ["different: x-central.zip!x.jar", "  in it: B.class"])

    def test_a_mode_in_a_tarball_is_a_difference(self):
        self.assertEqual(self.compare(mode=0o755), ["different: x.tar.gz", "  in it: x/file"])

    def test_a_sum_is_a_difference(self):
        self.assertEqual(self.compare(sums="b  x.tar.gz"), ["different: SHA256SUMS"])


if __name__ == "__main__":
    unittest.main()
