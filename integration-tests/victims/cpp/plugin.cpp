// A shared library to load and unload. Built twice with another FRAME but the same size, so that the second copy lands
// where the first one was and the same addresses mean other frames.
#include <cstddef>

#ifndef FRAME
#define FRAME 24
#endif
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define NOINLINE __attribute__((noinline))

template <class T>
inline __attribute__((always_inline)) void keep(T const& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

NOINLINE static char* JOIN(inner_, FRAME)(size_t bytes) {
  volatile char frame[FRAME];
  frame[0] = 1;
  char* block = new char[bytes];
  keep(frame);
  return block;
}

extern "C" NOINLINE void plugin_pair() {
  char* block = JOIN(inner_, FRAME)(32);
  keep(block);
  delete[] block;
}

extern "C" NOINLINE void plugin_leak(size_t bytes) {
  char* block = JOIN(inner_, FRAME)(bytes);
  keep(block);
}

// Constructors and destructors run while the loader holds its lock.
static struct AtLoad {
  AtLoad() { plugin_pair(); }
  ~AtLoad() { plugin_pair(); }
} at_load;
