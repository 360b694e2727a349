// An allocator that notes the address of each large block in tables of its own, as jemalloc does: to be preloaded.
// Its root lies in its data, the tables in memory that it maps. Small blocks are the C library's.
#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

extern "C" void* __libc_malloc(size_t bytes);
extern "C" void __libc_free(void* block);

namespace {

constexpr size_t large = 16384;
constexpr size_t page = 4096;
constexpr size_t most = 4096;

// What is known of a large block.
struct Extent {
  void* start;
  size_t bytes;
};

std::atomic<Extent*> extents;
std::atomic<size_t> used;
thread_local void* latest;

char* map(size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? nullptr : static_cast<char*>(at);
}

Extent* table() {
  Extent* known = extents.load();
  if (known) return known;
  auto* made = reinterpret_cast<Extent*>(map(most * sizeof(Extent)));
  if (!extents.compare_exchange_strong(known, made)) return known;
  return made;
}

Extent* extent_of(void* block) {
  Extent* all = extents.load();
  size_t count = used.load();
  for (size_t index = 0; all && index < count && index < most; index++) {
    if (all[index].start == block) return all + index;
  }
  return nullptr;
}

}  // namespace

extern "C" void* malloc(size_t bytes) {
  if (bytes < large) return __libc_malloc(bytes);
  size_t index = used.fetch_add(1);
  Extent* all = table();
  if (!all || index >= most) return __libc_malloc(bytes);
  bytes = (bytes + page - 1) & ~(page - 1);
  void* block = map(bytes);
  all[index] = {block, bytes};
  latest = block;
  return block;
}

extern "C" void free(void* block) {
  Extent* extent = extent_of(block);
  if (!extent) return __libc_free(block);
  extent->start = nullptr;
  munmap(block, extent->bytes);
}
