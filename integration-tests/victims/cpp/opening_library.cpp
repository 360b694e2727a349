// A library whose constructor leaks one block of 1,999,957 bytes, and opens and closes another library.
#include "victim.h"

NOINLINE static void leak_at_load() { plant(1'999'957); }

static struct AtLoad {
  AtLoad() {
    leak_at_load();
    void* other = dlopen("libresolv.so.2", RTLD_NOW);
    if (!other || dlclose(other) != 0) std::abort();
  }
} at_load;
