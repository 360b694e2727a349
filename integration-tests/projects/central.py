"""Files of Maven Central's, which the installed Maven gets."""

import subprocess
from pathlib import Path

COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"


def copied(artifact, folder):
    """The artifact with these coordinates, as a file in the folder; None if it cannot be had."""
    _, name, version = artifact.split(":")[:3]
    command = ["mvn", "-B", "-ntp", "-q", COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
    try:
        subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=300, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    (file,) = Path(folder).glob(f"{name}-{version}*")
    return file
