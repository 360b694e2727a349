// A library in three builds. BUILD=2 has the leaks of BUILD=1 in code that was edited around them: functions added and
// moved, other lines, another layout. BUILD=3 also leaks more at one site, and at a new one.
#include <functional>
#include <memory>

#include "victim.h"

namespace store {

#if BUILD > 1

// Only there to move everything else.
NOINLINE int added_before(int seed) {
  int sum = seed;
  for (int round = 0; round < 40; ++round) sum = sum * 31 + round;
  keep(sum);
  return sum;
}

struct Padding {
  char bytes[8192] = {1};
} padding;

#endif

struct Cache {
  NOINLINE void fill(size_t bytes);
};

template <class T>
NOINLINE void grow(T value) {
  plant(1000003);
  keep(value);
}

#if BUILD == 1

NOINLINE void Cache::fill(size_t bytes) {
  plant(bytes);
  keep(*this);
}

#endif

static NOINLINE void lambda() {
#if BUILD > 1
  auto another = [](int value) __attribute__((noinline)) { keep(value); };
  another(added_before(3));
#endif
  auto leaking = [](int value) __attribute__((noinline)) {
    plant(1000033);
    keep(value);
  };
  leaking(7);
}

#if BUILD > 1

NOINLINE int added_between() { return added_before(static_cast<int>(sizeof padding)); }

NOINLINE void Cache::fill(size_t bytes) {
  keep(bytes);

  plant(bytes);
  keep(*this);
}

#endif

#if BUILD > 2

NOINLINE void fresh() {
  plant(1000081);
  keep(padding);
}

#endif

}  // namespace store

extern "C" void run() {
  store::Cache cache;
#if BUILD > 1
  keep(store::added_between());
#endif
  cache.fill(1000039);
  store::grow<std::shared_ptr<int>>(nullptr);
  store::lambda();
#if BUILD > 2
  cache.fill(1000039);
  store::fresh();
#endif
}
