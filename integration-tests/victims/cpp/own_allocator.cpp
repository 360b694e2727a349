// A program with an allocator of its own, as one that links tcmalloc or jemalloc: a block that is not from there ends it.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

static char pool[32 << 20];
static size_t used = 16;

static bool is_own(void* block) { return block >= pool && block < pool + sizeof pool; }

static size_t& size_of(void* block) { return static_cast<size_t*>(block)[-2]; }

extern "C" {
void* malloc(size_t size) {
  size_t length = (size + 31) & ~size_t{15};
  char* block = pool + __sync_fetch_and_add(&used, length) + 16;
  size_of(block) = length - 16;
  return block;
}

void free(void* block) {
  if (block && !is_own(block)) abort();
}

void* calloc(size_t count, size_t size) { return malloc(count * size); }

void* realloc(void* block, size_t size) {
  void* larger = malloc(size);
  free(block);
  if (block) memcpy(larger, block, size_of(block) < size ? size_of(block) : size);
  return larger;
}
}

int main() {
  char* (*volatile duplicate)(const char*) = strdup;
  char* (*volatile duplicate_part)(const char*, size_t) = strndup;
  void* (*volatile resize)(void*, size_t, size_t) = reallocarray;
  char* whole = duplicate("whole");
  char* part = duplicate_part("partly", 4);
  void* fresh = resize(nullptr, 10, 10);
  void* grown = resize(malloc(10), 10, 10);
  for (void* block : {static_cast<void*>(whole), static_cast<void*>(part), fresh, grown}) {
    if (!is_own(block)) abort();
    free(block);
  }
  return strcmp(whole, "whole") || strcmp(part, "part") ? 1 : 8;
}
