#!/bin/sh
# Runs the tests of one project under HackLeak and compares their outcomes with its expected.txt.
#
#   run.sh PROJECT [HOME] [MAVEN-ARGUMENT…]
#
# HOME is the folder with libhackleak.so and hackleak. Exits 0 exactly if every test ended as
# expected, the leaking ones with the right LeakError, and if each pattern in the project's printed.txt,
# if it has one, is found on exactly one line of Maven's output, and if the pages that its shown.txt names show
# nothing else than what was printed. A project is run again with each line of its again.txt, if it has one, for arguments
# of Maven, and everything is to be the same. A project with fixed.txt, arguments of Maven for versions of libraries in
# which what leaks is mended, is run with them, and compared with its expected-fixed.txt. A project with unrecorded.txt or required.txt is then run again without HackLeak, and with -Dhackleak.required=true.
set -eu

projects=$(cd "$(dirname "$0")" && pwd)
project=$projects/$1
home=$(cd "${2:-$projects/../../target/release}" && pwd)
shift
[ $# -eq 0 ] || shift

for file in libhackleak.so hackleak; do
    [ -f "$home/$file" ] || { echo "run.sh: $home has no $file" >&2; exit 1; }
done
# One at a time: all of them install the same artefacts.
mkdir -p "$projects/target"
exec 9>"$projects/target/lock"
flock 9
if [ -n "${JAVA_HOME:-}" ]; then java=$JAVA_HOME/bin/java; else java=java; fi

# The leaking tests are meant to fail: their outcome is the verdict's matter, not Maven's.
tests() {
    mvn -B -ntp -Dstyle.color=never -f "$project/pom.xml" -Dmaven.test.failure.ignore=true "$@"
}
verdict() {
    "$java" "$projects/Verdict.java" "$project" "$project/$1"
}

mvn -q -B -ntp -Dstyle.color=never -f "$projects/../../java/pom.xml" install -DskipTests -Dspotless.check.skip
output=$projects/target/$(basename "$project").out
recorded() {
    expected=$1
    shift
    tests clean test -Dhackleak.home="$home" "$@" >"$output" 2>&1 </dev/null || { cat "$output"; exit 1; }
    cat "$output"
    verdict "$expected"
    if [ -f "$project/printed.txt" ]; then
        while read -r pattern; do
            times=$(grep -cE -e "$pattern" "$output") || true
            [ "$times" = 1 ] || { echo "UNEXPECTED printed $times times, not once: $pattern" >&2; exit 1; }
            echo "printed once, as expected: $pattern"
        done <"$project/printed.txt"
    fi
}
recorded expected.txt "$@"
if [ -f "$project/again.txt" ]; then
    while read -r arguments; do
        # shellcheck disable=SC2086 # Several arguments.
        recorded expected.txt $arguments "$@"
    done <"$project/again.txt"
fi
if [ -f "$project/fixed.txt" ]; then
    # shellcheck disable=SC2046 # Several arguments.
    recorded expected-fixed.txt $(cat "$project/fixed.txt") "$@"
fi
if [ -f "$project/shown.txt" ]; then
    while read -r page; do
        "$projects/shown.py" "$output" "$projects/../../$page"
    done <"$project/shown.txt"
fi
for mode in unrecorded required; do
    if [ -f "$project/$mode.txt" ]; then
        rm -r "$project/target/surefire-reports"
        required=false
        [ $mode = unrecorded ] || required=true
        tests surefire:test -Dtest=ForgottenTest -Dhackleak.required=$required "$@"
        verdict $mode.txt
    fi
done
# All was as expected, and images of many JVMs take gigabytes. Where it was not, they are there to be looked at.
rm -rf "$project/target/hackleak"
