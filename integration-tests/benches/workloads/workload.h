// What the native halves of the workloads share: clocks, and calls that stay calls.
#pragma once
#include <cstdint>
#include <cstdio>
#include <ctime>

#define NOINLINE __attribute__((noinline))

// Keeps the compiler from removing a block, and from turning the call before it into a jump.
#define KEEP(value) asm volatile("" : "+r"(value) : : "memory")

inline double nanoseconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1e9 + now.tv_nsec;
}

// One measurement of the run; several of one name are repetitions, of which the harness takes the
// median.
inline void result(const char* name, double value) {
  std::printf("result %s %.4f\n", name, value);
}
