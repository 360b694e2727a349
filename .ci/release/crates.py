"""The crates that are in the recorder and in the command, as cargo resolves them."""

import json
import os
import subprocess
from pathlib import Path

OWN = ("hackleak-agent", "hackleak-cli")


def shipped(tree):
    """The packages whose code is linked, by name and version, and what each of them depends on, by id.

    Procedural macros and what build scripts need are left out: none of it is in the binaries.
    """
    metadata = json.loads(subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", "x86_64-unknown-linux-gnu"],
        cwd=tree, stdout=subprocess.PIPE, check=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    edges = {
        node["id"]: [dep["pkg"] for dep in node["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]
        for node in metadata["resolve"]["nodes"]
    }
    is_macro = {
        id for id, package in packages.items() if any("proc-macro" in target["kind"] for target in package["targets"])
    }
    found = {}
    queue = [id for id, package in packages.items() if package["name"] in OWN]
    while queue:
        id = queue.pop()
        if id not in found and id not in is_macro:
            found[id] = sorted(dep for dep in edges[id] if dep not in is_macro)
            queue.extend(found[id])
    ordered = sorted(found, key=lambda id: (packages[id]["name"], packages[id]["version"]))
    return [packages[id] for id in ordered], found


def foreign(tree):
    """Those of others."""
    return [package for package in shipped(tree)[0] if package["source"]]


def folder(package):
    return Path(package["manifest_path"]).parent


def epoch():
    """The time of everything that is made, in seconds since 1970."""
    return int(os.environ["SOURCE_DATE_EPOCH"])
