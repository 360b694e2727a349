#!/bin/sh
# Prints how long checks take, in ms: the median and the first one of each sort.
#
#   run.sh HOME CLASSES [OTHER-HOME OTHER-CLASSES]
#
# HOME has libhackleak.so and hackleak, CLASSES those of hackleak-core. With a second pair, it also
# prints how many times longer the second one takes. ROUNDS, JAVA_MB and NATIVE_MB choose what is
# measured. The load of the machine is said, because the figures of a busy one say little.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
if [ -n "${JAVA_HOME:-}" ]; then bin=$JAVA_HOME/bin/; else bin=; fi

measured() {
    "${bin}javac" -nowarn -cp "$2" -d "$work/$3" "$here/Latency.java" 2>"$work/javac" || { cat "$work/javac" >&2; exit 1; }
    LD_PRELOAD="$1/libhackleak.so" HACKLEAK_OPTIONS="out=$work/out$3" "${bin}java" -Xmx1g -cp "$2:$work/$3" Latency \
        "${ROUNDS:-15}" "${JAVA_MB:-20}" "${NATIVE_MB:-5}" >"$work/figures$3"
}

echo "load $(cut -d' ' -f1-3 /proc/loadavg)"
measured "$1" "$2" 1
if [ $# -gt 2 ]; then
    measured "$3" "$4" 2
    paste -d' ' "$work/figures1" "$work/figures2" |
        awk '{ printf "%-8s %8.2f (first %.2f)  %8.2f (first %.2f)  %.2f times\n", $1, $2, $3, $5, $6, $5 / $2 }'
else
    awk '{ printf "%-8s %8.2f (first %.2f)\n", $1, $2, $3 }' "$work/figures1"
fi
