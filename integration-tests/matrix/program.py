"""Builds the program of the matrix, runs it in a root, and compares that with what is due."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading

from expected import ENDINGS, Lines
from support import Result

# A collector or compiler, its options, and the releases that are asked whether they have it.
RUNS = [
    ("G1", ["-XX:+UseG1GC"], range(11, 99)),
    ("Serial", ["-XX:+UseSerialGC"], range(11, 99)),
    ("Parallel", ["-XX:+UseParallelGC"], range(11, 99)),
    ("ZGC", ["-XX:+UseZGC"], range(11, 99)),
    # Releases after 23 have no other.
    ("generational ZGC", ["-XX:+UseZGC", "-XX:+ZGenerational"], range(21, 24)),
    ("Shenandoah", ["-XX:+UseShenandoahGC"], range(11, 99)),
    # From JDK 27 on all others have them, too.
    ("compact headers", ["-XX:+UseCompactObjectHeaders"], range(24, 27)),
    ("-Xint", ["-Xint"], range(11, 99)),
    ("C1", ["-XX:TieredStopAtLevel=1"], range(11, 99)),
]
# Seconds: far above what a run takes, so that one that hangs is seen.
LIMIT = 300
# A root's `hl` is this folder of the host.
INSIDE = "/hl"
mounting = threading.Lock()


def build(folder, release, jars, sources, compiler="gcc"):
    """The folder that each root gets: the recorder, the command, the jars, the program."""
    home = os.path.dirname(os.path.dirname(os.path.realpath(shutil.which("javac"))))
    for file in (release / "libhackleak.so", release / "hackleak"):
        shutil.copy(file, folder)
    for name, jar in jars.items():
        shutil.copy(jar, folder / f"{name}.jar")
    # Without a C library there are no versions of symbols, so it binds to any.
    headers = [f"-I{home}/include", f"-I{home}/include/linux"]
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-g", "-nostdlib", *headers,
                    "-o", folder / "libmatrix.so", sources / "matrix.c"], check=True)
    shutil.copy(folder / "libmatrix.so", folder / "libunloadable.so")
    subprocess.run(["javac", "-g", "--release", "11", "-d", folder / "classes",
                    "-cp", folder / "core.jar", *sources.glob("*.java")], check=True)
    if "console" in jars:
        subprocess.run(["javac", "--release", "11", "-g", "-d", folder / "tests", "-cp",
                        f"{folder}/classes:{folder}/console.jar", *sources.glob("junit/*.java")],
                       check=True)
    return folder


class Root:
    """A root with the program in it. What is mounted there ends with this program."""

    def __init__(self, cell, root, built):
        self.cell, self.root, self.built = cell, root, built
        with mounting:
            subprocess.run(["mount", "-t", "proc", "proc", root / "proc"], check=True)
            subprocess.run(["mount", "--bind", built, root / INSIDE[1:]], check=True)

    def run(self, command, **environment):
        """What a command in the root said, and its code: None where it hung and was stopped."""
        def enter():
            os.chroot(self.root)
            os.chdir("/")

        environment["PATH"] = "/usr/bin:/bin"
        child = subprocess.Popen(
            command, env=environment, preexec_fn=enter, start_new_session=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = child.communicate(timeout=LIMIT)
            return child.returncode, out, err
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            out, err = child.communicate()
            return None, out, err

    def java(self, *arguments, **environment):
        native = ["--enable-native-access=ALL-UNNAMED"] if self.cell.jdk >= 24 else []
        # Some releases have some collectors only for those who ask for experiments.
        home = next(self.root.glob(f"usr/lib/jvm/java-{self.cell.jdk}-openjdk-*"))
        return self.run([f"/usr/lib/jvm/{home.name}/bin/java", "-Xmx96m",
                         "-XX:+UnlockExperimentalVMOptions", *native, *arguments], **environment)

    def glibc(self):
        text = next(self.root.glob("lib/*-linux-gnu/libc.so.6")).read_bytes()
        found = re.search(rb"GNU C Library .* release version (\d+\.\d+)", text)
        return found.group(1).decode() if found else "unknown"

    def jdk(self):
        _, out, err = self.java("-version")
        found = re.search(r'version "([^"]+)"', out + err)
        return found.group(1) if found else None


def run(cell, root, built, only):
    """Every part of the program with every collector and compiler that the JDK has."""
    return run_in(Root(cell, root, built), only)


def run_in(root, only):
    cell = root.cell
    result = Result(cell, jdk=root.jdk(), glibc=root.glibc())
    if not result.jdk:
        result.failed["java"] = ["java -version does not run in the root"]
        return result
    for name, options, releases in RUNS:
        if only is not None and name not in only:
            continue
        if cell.jdk not in releases or root.java(*options, "-version")[0] != 0:
            result.absent.append(name)
            continue
        lines = Lines(cell.jdk)
        for part, judge in parts(root, lines, options, f"{cell.name}-{name}".replace(" ", "-")):
            deviations = judge()
            if deviations:
                result.failed[f"{name} {part}"] = deviations
            else:
                result.passed.append(f"{name} {part}")
    return result


def parts(root, lines, options, name):
    """Pairs of a part's name and what runs it, which gives the deviations."""
    yield "leak", lambda: twin(root, lines, options, name, "leak", preload=True)
    yield "clean", lambda: twin(root, lines, options, name, "clean", preload=True)
    yield "agent", lambda: twin(root, lines, options, name, "leak", preload=False)
    yield "verdict", lambda: verdict(root, lines, options, name)
    if (root.built / "console.jar").exists():
        yield "junit", lambda: junit(root, lines, options, name)
    for how, code in ENDINGS:
        yield how, lambda how=how, code=code: ending(root, lines, options, name, how, code)


def recorded(root, options, name, preload, hackleak, *arguments):
    """A recorded run of the program, and the folder of its image as the root calls it."""
    class_path = ["-cp", f"{INSIDE}/classes:{INSIDE}/core.jar"]
    arguments = [*class_path, f"-Dmatrix.unloadable={INSIDE}/libunloadable.so", "Matrix", *arguments]
    return recorded_jvm(root, options, name, preload, hackleak, *arguments)


def recorded_jvm(root, options, name, preload, hackleak, *arguments):
    out = f"{INSIDE}/{name}"
    shutil.rmtree(root.built / name, ignore_errors=True)
    settings = ",".join([f"out={out}", *hackleak])
    recorder = f"{INSIDE}/libhackleak.so"
    agent, environment = [f"-agentpath:{recorder}={settings}"], {}
    if preload:
        agent, environment = [], {"LD_PRELOAD": recorder, "HACKLEAK_OPTIONS": settings}
    ended = root.java(*agent, *options, f"-Dmatrix.library={INSIDE}/libmatrix.so",
                      "-Dhackleak.settleLimitMillis=60000", *arguments, **environment)
    return ended, out


def said(ended):
    code, out, err = ended
    return [f"code {code}", *out.splitlines(), *err.splitlines()]


def twin(root, lines, options, name, what, preload):
    due = "class unloaded\n"
    if root.cell.jdk == 11 and "-XX:+UseZGC" in options:
        # It could not yet.
        due, options = "class still there\n", [*options, "-Dmatrix.rounds=5"]
    ended, out = recorded(root, options, name, preload, ["exit=settle"], what)
    if ended[0] != 0 or ended[1] != due:
        return said(ended)
    # The command is one of this C library's, too.
    command = [f"{INSIDE}/hackleak", "report", "--since", "1", "--format", "json", out]
    code, report, err = root.run(command)
    shutil.rmtree(root.built / name, ignore_errors=True)
    try:
        processes = json.loads(report)["processes"]
    except ValueError:
        return said((code, report, err))
    if len(processes) != 1:
        return [f"{len(processes)} processes are reported, not one"]
    expected = 23 if what == "leak" else 0
    wrong = [] if code == expected else [f"the report ends with {code}, not {expected}"]
    return wrong + lines.of_report(processes[0], what)


def verdict(root, lines, options, name):
    ended, _ = recorded(root, options, name, True, [], "verdict")
    shutil.rmtree(root.built / name, ignore_errors=True)
    return said(ended) if ended[0] != 0 else lines.of_verdict(ended[1], ended[2])


def junit(root, lines, options, name):
    """A suite on JUnit's own launcher, which finds the extension among the services of the jars."""
    jars = [f"{INSIDE}/{jar}" for jar in ("tests", "classes", "core.jar", "junit.jar", "console.jar")]
    console = ["-cp", ":".join(jars), "org.junit.platform.console.ConsoleLauncher", "execute"]
    console += ["--select-class=MatrixTest", "--disable-banner", "--disable-ansi-colors",
                "--details-theme=ascii"]
    settings = ["-Djunit.jupiter.extensions.autodetection.enabled=true", "-Dhackleak.everyTest=true"]
    ended, _ = recorded_jvm(root, options, name, True, [], *settings, *console)
    shutil.rmtree(root.built / name, ignore_errors=True)
    return lines.of_junit(ended)


def ending(root, lines, options, name, how, code):
    ended, _ = recorded(root, options, name, True, ["exit=report"], "end", how)
    shutil.rmtree(root.built / name, ignore_errors=True)
    return lines.of_ending(ended, how, code)
