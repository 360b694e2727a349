// All 20 operator new/delete variants that libstdc++ exports, each with its own size: 1,000,003 + 10,000 i.
//
//   variants leak    the 8 allocating variants leak (i = 0..7), and 12 blocks miss their deleting variant (i = 8..19)
//   variants clean   every block is freed
//
// The operators are called by name, never through new-expressions, so that the compiler can neither elide a pair nor
// choose another variant. Each call has its own line, hence its own site.
#include <new>

#include "victim.h"

static bool leak;

#define PLANT(allocate, release) \
  do {                           \
    void* p = (allocate);        \
    keep(p);                     \
    if (!leak) release;          \
  } while (0)

static constexpr size_t size(size_t i) { return 1'000'003 + 10'000 * i; }
static constexpr std::align_val_t wide{64};

NOINLINE static void allocating() {
  PLANT(operator new(size(0)), operator delete(p));
  PLANT(operator new[](size(1)), operator delete[](p));
  PLANT(operator new(size(2), std::nothrow), operator delete(p));
  PLANT(operator new[](size(3), std::nothrow), operator delete[](p));
  PLANT(operator new(size(4), wide), operator delete(p, wide));
  PLANT(operator new[](size(5), wide), operator delete[](p, wide));
  PLANT(operator new(size(6), wide, std::nothrow), operator delete(p, wide));
  PLANT(operator new[](size(7), wide, std::nothrow), operator delete[](p, wide));
}

NOINLINE static void deleting() {
  PLANT(operator new(size(8)), operator delete(p));
  PLANT(operator new[](size(9)), operator delete[](p));
  PLANT(operator new(size(10)), operator delete(p, size(10)));
  PLANT(operator new[](size(11)), operator delete[](p, size(11)));
  PLANT(operator new(size(12)), operator delete(p, std::nothrow));
  PLANT(operator new[](size(13)), operator delete[](p, std::nothrow));
  PLANT(operator new(size(14), wide), operator delete(p, wide));
  PLANT(operator new[](size(15), wide), operator delete[](p, wide));
  PLANT(operator new(size(16), wide), operator delete(p, size(16), wide));
  PLANT(operator new[](size(17), wide), operator delete[](p, size(17), wide));
  PLANT(operator new(size(18), wide), operator delete(p, wide, std::nothrow));
  PLANT(operator new[](size(19), wide), operator delete[](p, wide, std::nothrow));
}

int main(int, char** argv) {
  leak = is(argv[1], "leak");
  checkpoint("start");
  allocating();
  deleting();
  return 0;
}
