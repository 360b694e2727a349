"""Builds the projects of docs/getting-started.md as the page has them, and compares what it says that they print.

A block below a line that is nothing but a file's name is that file; one of `sh` is run; one of `text` is what the commands
before it have printed, shortened at each `…`.
"""

import re
import shutil
import sys

from run import HERE, SCRATCH, Build

sys.path.insert(0, str(HERE.parent))
import shown  # noqa: E402

PAGE = HERE.parents[2] / "docs/getting-started.md"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
FILE = re.compile(r"^`([\w./-]+)`:$")


def section(title):
    """The blocks of one section of the page."""
    text = PAGE.read_text()
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return shown.code(dict(zip(parts[1::2], parts[2::2]))[title])


def builds(title, environment):
    """The commands of a section, run one after the other in a folder with its files; pairs of command and build."""
    folder = SCRATCH / ("getting-started-" + title.lower().replace(" ", "-"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ran, compared = [], 0
    for language, lines, before in section(title):
        file = FILE.match(before)
        if file:
            path = folder / file.group(1)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines) + "\n")
        elif language == "sh":
            for line in lines:
                build = Build(["bash", "-c", line], folder, environment)
                build.console = COLOUR.sub("", build.console)
                ran.append((line, build))
        elif language == "text":
            printed = "\n".join(build.console for _, build in ran)
            missing = shown.first_missing(lines, printed)
            ran[-1][1].expect(missing is None, f"{PAGE.name} shows what was not printed: {missing}\n{printed}")
            compared += 1
    if not ran or compared != 1:
        raise AssertionError(f"{PAGE.name}, {title}: {len(ran)} commands, {compared} texts")
    return ran


def leaves(build, folder, project, task="."):
    """The build has made its folder and that of HackLeak in it, with what docs/uninstalling.md says, and nothing else."""
    found = {path.name for path in build.folder.iterdir()}
    build.expect(found == project, f"the project has {found}, not {project}")
    out = build.folder / folder
    kinds = {re.sub(r"\d+", "N", str(path.relative_to(out / task))) for path in (out / task).iterdir()}
    kinds |= {path.name for path in out.iterdir() if path.name != task} if task != "." else set()
    expected = {"java-N.hackleak", "leaks-N-N.json", "modules", "native"}
    build.expect(kinds == expected, f"{folder} has {kinds}, not {expected}")
