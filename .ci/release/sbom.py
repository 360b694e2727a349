#!/usr/bin/env python3
"""Prints the CycloneDX SBOM of the recorder and the command.

    sbom.py TREE VERSION
"""

import datetime
import json
import re
import sys
import tomllib
import uuid
from pathlib import Path

import crates


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, checksums):
    described = {
        "type": "library",
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    }
    if package["license"]:
        # Old packages have a slash where SPDX has OR.
        described["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", package["license"])}]
    if checksum := checksums.get((package["name"], package["version"])):
        described["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        described["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return described


def main(tree, version):
    packages, edges = crates.shipped(tree)
    refs = {package["id"]: purl(package) for package in packages}
    locked = tomllib.loads((Path(tree) / "Cargo.lock").read_text())["package"]
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in locked}
    root = f"pkg:github/hackleak/hackleak@{version}"
    made = datetime.datetime.fromtimestamp(crates.epoch(), datetime.timezone.utc)
    own = sorted(refs[package["id"]] for package in packages if package["name"] in crates.OWN)
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, root)}",
        "version": 1,
        "metadata": {
            "timestamp": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": "hackleak",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": [component(package, checksums) for package in packages],
        "dependencies": [{"ref": root, "dependsOn": own}] + [
            {"ref": refs[package["id"]], "dependsOn": sorted(refs[dep] for dep in edges[package["id"]])}
            for package in packages
        ],
    }
    print(json.dumps(bom, indent=2))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
