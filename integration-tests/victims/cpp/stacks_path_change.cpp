// The same leaf frame, at the same stack pointer, reached on different paths: what a remembered stack gets wrong as soon
// as it trusts the youngest frame without looking at the older ones. The verification must be seen to fail here.
//
//   stacks_path_change SEED ALLOCATIONS
#include <alloca.h>

#include "victim.h"

NOINLINE static void leaf() {
  char* block = new char[20];
  keep(block);
  delete[] block;
}

// The paths below differ in nothing but their return address: all their frames have one size.
template <int N>
NOINLINE static void path() {
  volatile char frame[32];
  frame[0] = N;
  leaf();
  keep(frame);
}

// Where the CFA itself is read from memory, it can change while every return address stays.
NOINLINE static void realigned(int extra) {
  alignas(128) char frame[256];
  char* more = static_cast<char*>(alloca(16 + static_cast<size_t>(extra)));
  keep(frame);
  keep(*more);
  leaf();
  keep(frame);
}

template <int N>
NOINLINE static void before_realigned(int extra) {
  volatile char frame[16 * N + 1];
  frame[0] = N;
  realigned(extra);
  keep(frame);
}

NOINLINE static void either(Random& random) {
  char* shift = static_cast<char*>(alloca(16 + random.below(128)));
  keep(*shift);
  switch (random.below(9)) {
    case 0: path<0>(); break;
    case 1: path<1>(); break;
    case 2: path<2>(); break;
    case 3: realigned(static_cast<int>(random.below(16))); break;
    case 4: before_realigned<1>(5); break;
    case 5: before_realigned<2>(5); break;
    case 6: before_realigned<3>(5); break;
    case 7: before_realigned<4>(5); break;
    default: leaf(); break;
  }
  keep(*shift);
}

NOINLINE static void left(Random& random) {
  volatile char frame[9];
  frame[0] = 1;
  either(random);
  keep(frame);
}

NOINLINE static void right(Random& random) {
  volatile char frame[9];
  frame[0] = 2;
  either(random);
  keep(frame);
}

// No alloca in between: only the return addresses of `left` and `right` differ.
template <int N>
NOINLINE static void fixed() {
  volatile char frame[16];
  frame[0] = N;
  path<0>();
  keep(frame);
}

int main(int, char** argv) {
  Random random{std::strtoull(argv[1], nullptr, 10)};
  long allocations = std::atol(argv[2]);
  for (long i = 0; i < allocations; i++) {
    switch (random.below(4)) {
      case 0: left(random); break;
      case 1: right(random); break;
      case 2: fixed<0>(); break;
      default: fixed<1>(); break;
    }
  }
  return 0;
}
