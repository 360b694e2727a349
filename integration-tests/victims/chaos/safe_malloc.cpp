// An allocator that a signal may interrupt at any instruction, so that handlers may allocate too: to be preloaded.
//
// Free blocks are lists by size class, linked by number; a counter beside the first number makes a stale exchange fail.
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

constexpr size_t unit = 16;
constexpr size_t arena_bytes = size_t{8} << 30;

// Before each block: the size that was asked for, and the class.
struct Header {
  uint64_t bytes;
  uint32_t kind;
  uint32_t padding;
};
static_assert(sizeof(Header) == unit);

std::atomic<char*> arena;
std::atomic<uint64_t> used;
std::atomic<uint64_t> lists[40];

char* base() {
  char* at = arena.load(std::memory_order_acquire);
  if (at) return at;
  void* made = mmap(nullptr, arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made == MAP_FAILED) return nullptr;
  if (arena.compare_exchange_strong(at, static_cast<char*>(made))) return static_cast<char*>(made);
  munmap(made, arena_bytes);
  return at;
}

Header* header(void* block) { return reinterpret_cast<Header*>(static_cast<char*>(block) - unit); }

uint32_t class_of(size_t bytes) {
  uint32_t kind = 0;
  while ((size_t{32} << kind) < bytes) kind++;
  return kind;
}

void* take(uint32_t kind) {
  char* start = base();
  uint64_t first = lists[kind].load(std::memory_order_acquire);
  while (static_cast<uint32_t>(first) != 0) {
    char* block = start + static_cast<uint32_t>(first) * unit;
    // May be anything if another took it meanwhile; the exchange fails then.
    uint32_t next = reinterpret_cast<std::atomic<uint32_t>*>(block)->load(std::memory_order_relaxed);
    uint64_t changed = (((first >> 32) + 1) << 32) | next;
    if (lists[kind].compare_exchange_weak(first, changed)) return block;
  }
  size_t whole = (size_t{32} << kind) + unit;
  uint64_t at = used.fetch_add(whole);
  return at + whole > arena_bytes ? nullptr : start + at + unit;
}

void* allocate(size_t bytes) {
  if (!base() || bytes > arena_bytes) {
    errno = ENOMEM;
    return nullptr;
  }
  uint32_t kind = class_of(bytes);
  void* block = take(kind);
  if (!block) {
    errno = ENOMEM;
    return nullptr;
  }
  *header(block) = {bytes, kind, 0};
  return block;
}

void release(void* block) {
  Header* head = header(block);
  // An aligned block points to the one that it lies in.
  if (head->kind >= 40) block = static_cast<char*>(block) - head->bytes, head = header(block);
  auto number = static_cast<uint32_t>((static_cast<char*>(block) - arena.load()) / unit);
  auto& list = lists[head->kind];
  uint64_t first = list.load();
  do {
    reinterpret_cast<std::atomic<uint32_t>*>(block)->store(static_cast<uint32_t>(first), std::memory_order_relaxed);
  } while (!list.compare_exchange_weak(first, (((first >> 32) + 1) << 32) | number));
}

size_t usable(void* block) {
  Header* head = header(block);
  if (head->kind < 40) return head->bytes;
  return header(static_cast<char*>(block) - head->bytes)->bytes - head->bytes;
}

void* move(void* block, size_t bytes) {
  if (!block) return allocate(bytes);
  if (bytes == 0) {
    release(block);
    return nullptr;
  }
  void* moved = allocate(bytes);
  if (!moved) return nullptr;
  size_t old = usable(block);
  std::memcpy(moved, block, old < bytes ? old : bytes);
  release(block);
  return moved;
}

void* aligned(size_t alignment, size_t bytes) {
  if (bytes > arena_bytes) return nullptr;
  auto* block = static_cast<char*>(allocate(bytes + alignment + unit));
  if (!block || reinterpret_cast<uintptr_t>(block) % alignment == 0) return block;
  auto at = (reinterpret_cast<uintptr_t>(block) + unit + alignment - 1) & ~(alignment - 1);
  auto* inside = reinterpret_cast<char*>(at);
  *header(inside) = {static_cast<uint64_t>(inside - block), 40, 0};
  return inside;
}

}  // namespace

// None of these calls another: such a call would go to whoever is preloaded first.
extern "C" {

void* malloc(size_t bytes) { return allocate(bytes); }

void free(void* block) {
  if (block) release(block);
}

void* calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* block = allocate(bytes);
  if (block) std::memset(block, 0, bytes);
  return block;
}

size_t malloc_usable_size(void* block) { return block ? usable(block) : 0; }
void* realloc(void* block, size_t bytes) { return move(block, bytes); }
void* memalign(size_t alignment, size_t bytes) { return aligned(alignment, bytes); }

int posix_memalign(void** place, size_t alignment, size_t bytes) {
  *place = aligned(alignment, bytes);
  return *place ? 0 : ENOMEM;
}

void* aligned_alloc(size_t alignment, size_t bytes) { return aligned(alignment, bytes); }
void* valloc(size_t bytes) { return aligned(4096, bytes); }
void* pvalloc(size_t bytes) { return aligned(4096, (bytes + 4095) & ~size_t{4095}); }

void* reallocarray(void* block, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return move(block, bytes);
}
}
