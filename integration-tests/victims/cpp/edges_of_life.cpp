// Allocations before main, after main and in destructors of statics belong to the process as all others do.
#include "victim.h"

static struct Early {
  Early() { plant(1'000'211); }
  ~Early() { plant(1'000'213); }
} early;

__attribute__((constructor(101))) static void first() { plant(1'000'217); }
__attribute__((destructor(101))) static void last() { plant(1'000'219); }

int main() {
  std::atexit([] { plant(1'000'223); });
  return 0;
}
