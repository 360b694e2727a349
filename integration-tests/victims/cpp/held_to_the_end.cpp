// Three blocks that a global holds, and two that nothing does.
#include "victim.h"

struct Cache {
  char* first;
  char* second;
};

static Cache* cache;

struct Lost {
  char* only;
  char rest[1999992 - sizeof(char*)];
};

NOINLINE static void fill() {
  cache = new Cache;
  cache->first = new char[3001]();
  cache->second = static_cast<char*>(calloc(1, 3002));
  auto* lost = new Lost;
  lost->only = new char[1999]();
  keep(lost);
}

int main() {
  fill();
  keep(cache);
  return 0;
}
