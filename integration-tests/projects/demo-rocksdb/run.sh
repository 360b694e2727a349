#!/bin/sh
# The demo: a RocksDB test that forgets to close its Options fails, its correct twin passes.
#
#   run.sh [HOME]     the folder with libhackleak.so and hackleak, by default target/release
set -eu

here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../run.sh" demo-rocksdb "${1:-$here/../../../target/release}" -q
