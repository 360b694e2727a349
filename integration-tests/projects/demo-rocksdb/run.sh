#!/bin/sh
# The demo: a RocksDB test that forgets to close its Options fails, its correct twin passes.
#
#   run.sh [HOME]     the folder with libhackleak.so and hackleak, by default target/release
set -eu

here=$(cd "$(dirname "$0")" && pwd)
home=$(cd "${1:-$here/../../../target/release}" && pwd)
exec "$here/../run.sh" demo-rocksdb "$home" -q "-Dhackleak.argLine=-agentpath:$home/libhackleak.so"
