#!/bin/bash
# Memory and time of `hackleak report` at 10,000 sites of a library with about 500 MB of debug
# information.
#
#   integration-tests/benches/large-debug-info.sh FOLDER [UNITS]     FOLDER has libhackleak.so and
#   hackleak; about 4 GB of disk
#
# One C++ unit full of templates is compiled once and linked UNITS times under other names, so the
# library takes a minute to make and has as many units of debug information as one that takes hours.
set -euo pipefail
home=$(realpath "$1")
units=${2:-200}
per_unit=50
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

{
  cat <<'CPP'
#include <algorithm>
#include <deque>
#include <functional>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>
template <int N>
struct Part {
  std::map<int, std::vector<std::string>> map;
  std::unordered_map<std::string, std::function<int(int)>> functions;
  std::deque<std::list<std::set<int>>> deque;
  char bytes[N + 1];
  int grow(int by) {
    for (int i = 0; i < by; i++) map[i].push_back(std::to_string(i + N));
    functions[std::to_string(N)] = [this](int i) { return i + static_cast<int>(map.size()); };
    std::set<int> set{by, N};
    deque.push_back({set});
    return functions.begin()->second(by);
  }
};
template <int N>
__attribute__((noinline)) void* site() {
  char* block = new char[N + 1];
  asm volatile("" : : "r"(block) : "memory");
  return block;
}
extern "C" int use() {
  int sum = std::regex_match("x", std::regex("[a-z]+"));
CPP
  for ((i = 0; i < 60; i++)); do echo "  { Part<$i> part; sum += part.grow($i); }"; done
  echo '  return sum; }'
  echo 'extern "C" void run() {'
  for ((i = 0; i < per_unit; i++)); do echo "  site<$i>();"; done
  echo '}'
} >unit.cpp
g++ -std=c++17 -g -O1 -fPIC -fno-asynchronous-unwind-tables -funwind-tables -c unit.cpp -o unit.o
nm unit.o | awk '$2 ~ /^[TWVu]$/ { print $3 }' | sort -u >names
objects=()
for ((unit = 0; unit < units; unit++)); do
  awk -v prefix="u${unit}_" '{ print $1, prefix $1 }' names >renames
  objcopy --redefine-syms=renames unit.o "u$unit.o"
  objects+=("u$unit.o")
done
g++ -shared -o liblarge.so "${objects[@]}"
rm -f u*.o
cat >main.cpp <<'CPP'
#include <dlfcn.h>
#include <cstdio>
#include <cstdlib>
int main(int, char** argv) {
  void* library = dlopen("./liblarge.so", RTLD_NOW);
  if (!library) return std::puts(dlerror()), 1;
  for (int unit = 0; unit < std::atoi(argv[1]); unit++) {
    char name[32];
    std::snprintf(name, sizeof name, "u%d_run", unit);
    reinterpret_cast<void (*)()>(dlsym(library, name))();
  }
}
CPP
g++ -g -o main main.cpp -ldl
size -A liblarge.so | awk '/debug/ { sum += $2 } END { printf "debug information: %d MB\n", sum / 1e6 }'
HACKLEAK_OPTIONS=follow=all,out=out LD_PRELOAD=$home/libhackleak.so ./main "$units"
python3 - "$home/hackleak" <<'PYTHON'
import json, resource, subprocess, sys, time
began = time.monotonic()
out = subprocess.run([sys.argv[1], "report", "--format", "json", "out"], stdout=subprocess.PIPE)
took = time.monotonic() - began
report = json.loads(out.stdout)
sites = report["processes"][0]["leaks"]["sites"]
own = [s for s in sites if any("site<" in (f.get("function") or "") for f in s["frames"])]
lines = sum(1 for s in own if s["frames"][0].get("line"))
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(f"report: {len(sites)} sites, {len(own)} named, {lines} with lines; {took:.1f} s, peak {peak / 1024:.0f} MB resident")
PYTHON
