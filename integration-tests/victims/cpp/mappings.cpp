// Mapped memory: every function that maps and unmaps, whole and in part.
//
//   mappings each|clean|parts|several|over|moved|errors|unseen|holders|fork|threads|many|cost [TIMES]
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "victim.h"

static const size_t page = 4096;

// Addresses are kept in a form that holds nothing.
static uintptr_t hidden[64];
static size_t lengths[64];
static int count;

static char* have(void* at, size_t len) {
  if (at == MAP_FAILED) {
    std::perror("no mapping");
    std::exit(3);
  }
  hidden[count] = ~reinterpret_cast<uintptr_t>(at);
  lengths[count++] = len;
  return static_cast<char*>(at);
}

static char* seen(int index) { return reinterpret_cast<char*>(~hidden[index]); }

static void* anonymous(size_t len, void* at = nullptr, int more = 0) {
  return mmap(at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | more, -1, 0);
}

NOINLINE static void without_a_file() {
  have(anonymous(3 * page), 3 * page);
  // The last page is counted as a whole.
  have(anonymous(2 * page - 1), 2 * page - 1);
  have(mmap(nullptr, page, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0), page);
  have(mmap64(nullptr, 5 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 5 * page);
}

NOINLINE static void of_a_file() {
  int file = open("/proc/self/exe", O_RDONLY);
  have(mmap(nullptr, 2 * page, PROT_READ, MAP_PRIVATE, file, 0), 2 * page);
  have(mmap64(nullptr, page, PROT_READ, MAP_SHARED, file, page), page);
  close(file);
  int memory = memfd_create("mappings", 0);
  if (memory < 0 || ftruncate(memory, 7 * page) != 0) std::abort();
  have(mmap(nullptr, 7 * page, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0), 7 * page);
  close(memory);
}

NOINLINE static void of_another() {
  char* first = have(mmap(nullptr, 4 * page, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0), 4 * page);
  // Without a length, the same memory once more.
  have(mremap(first, 0, 4 * page, MREMAP_MAYMOVE), 4 * page);
}

static void each() {
  without_a_file();
  of_a_file();
  of_another();
}

static void unmap_all() {
  for (int i = 0; i < count; i++) {
    if (munmap(seen(i), lengths[i]) != 0) std::abort();
  }
  count = 0;
}

// 20 pages, of which 11 are left in three parts.
NOINLINE static char* in_parts() {
  char* at = have(anonymous(20 * page), 20 * page);
  munmap(at, 2 * page);
  munmap(at + 18 * page, 2 * page);
  munmap(at + 5 * page, 3 * page);
  munmap(at + 12 * page, 2 * page - 5);
  return at;
}

// Four mappings side by side; one call unmaps the end of the first, two in the middle, the start of the last.
NOINLINE static char* side_by_side(bool unmaps) {
  char* at = static_cast<char*>(anonymous(40 * page));
  for (int i = 0; i < 4; i++) have(anonymous(10 * page, at + i * 10 * page, MAP_FIXED), 10 * page);
  if (unmaps) munmap(at + 8 * page, 25 * page);
  return at;
}

NOINLINE static void mapped_over() {
  char* at = have(anonymous(10 * page), 10 * page);
  have(anonymous(4 * page, at + 3 * page, MAP_FIXED), 4 * page);
}

NOINLINE static void mapped_over_all() {
  char* at = have(anonymous(6 * page), 6 * page);
  for (int i = 0; i < 5; i++) anonymous(6 * page, at, MAP_FIXED);
}

NOINLINE static void grown() {
  char* at = have(anonymous(8 * page), 8 * page);
  have(mremap(at, 8 * page, 100 * page, MREMAP_MAYMOVE), 100 * page);
}

NOINLINE static void shrunk() {
  char* at = have(anonymous(8 * page), 8 * page);
  have(mremap(at, 8 * page, 3 * page, 0), 3 * page);
}

// It takes the place of half of another one.
NOINLINE static void moved() {
  char* at = have(anonymous(4 * page), 4 * page);
  char* other = have(anonymous(8 * page), 8 * page);
  have(mremap(at, 4 * page, 4 * page, MREMAP_MAYMOVE | MREMAP_FIXED, other + 4 * page), 4 * page);
}

// Two of ten pages go elsewhere and are still the same mapping's.
NOINLINE static void moved_in_part() {
  char* at = have(anonymous(10 * page), 10 * page);
  have(mremap(at + 4 * page, 2 * page, 5 * page, MREMAP_MAYMOVE), 5 * page);
}

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

NOINLINE static void moved_and_left() {
  char* at = have(anonymous(6 * page), 6 * page);
  have(mremap(at, 6 * page, 6 * page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr), 6 * page);
}

static void result(const char* name, bool failed) { std::printf("%s %d; ", name, failed ? errno : 0); }

NOINLINE static void failing() {
  char* at = have(anonymous(9 * page), 9 * page);
  errno = 0;
  result("unaligned", munmap(at + 1, page) != 0);
  result("nothing", munmap(at, 0) != 0);
  result("beyond", munmap(reinterpret_cast<void*>(uintptr_t{1} << 47), page) != 0);
  result("no file", mmap(at, page, PROT_READ, MAP_PRIVATE | MAP_FIXED, 1234, 0) == MAP_FAILED);
  result("no length", mmap(nullptr, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  result("too much", mmap(nullptr, size_t{1} << 62, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  result("there already", anonymous(page, at, MAP_FIXED_NOREPLACE) == MAP_FAILED);
  result("odd flags", mremap(at, page, 2 * page, 64) == MAP_FAILED);
  result("onto itself", mremap(at, 4 * page, 4 * page, MREMAP_MAYMOVE | MREMAP_FIXED, at + page) == MAP_FAILED);
  result("unaligned move", mremap(at + 1, page, page, MREMAP_MAYMOVE) == MAP_FAILED);
  // What is not mapped may be unmapped.
  result("not mapped", munmap(reinterpret_cast<void*>(uintptr_t{1} << 40), 4 * page) != 0);
  errno = 4711;
  char* other = static_cast<char*>(anonymous(page));
  munmap(other, page);
  std::printf("kept %d", errno);
}

// System calls of its own: one ends, one is halved, one is replaced by what the recorder does not know either.
NOINLINE static void unseen() {
  char* gone = have(anonymous(4 * page), 4 * page);
  syscall(SYS_munmap, gone, 4 * page);
  char* half = have(anonymous(6 * page), 6 * page);
  syscall(SYS_munmap, half + 3 * page, 3 * page);
}

static char* global;
static char** in_block;

NOINLINE static void held_by_a_global() {
  global = static_cast<char*>(anonymous(11 * page)) + 5 * page + 3;
  keep(global);
}

NOINLINE static void held_by_a_block() { in_block[1] = static_cast<char*>(anonymous(12 * page)); }

NOINLINE static void held_in_part() {
  char* at = in_parts();
  in_block[2] = at + 9 * page;
}

NOINLINE static void held_by_what_it_holds() {
  char* at = static_cast<char*>(anonymous(13 * page));
  std::memcpy(at + page, &at, sizeof at);
  have(at, 13 * page);
}

// A block that only a mapping has is as lost as the mapping, or as held.
NOINLINE static void block_in(char* at) {
  char* block = static_cast<char*>(std::malloc(1003));
  std::memcpy(at, &block, sizeof block);
}

NOINLINE static void lost() { have(anonymous(14 * page), 14 * page); }

static void map_in_threads() {
  std::vector<std::thread> threads;
  for (int id = 0; id < 8; id++) {
    threads.emplace_back([id] {
      Random random{static_cast<uint64_t>(id)};
      for (int i = 0; i < 4000; i++) {
        size_t pages = 3 + random.below(12);
        char* at = static_cast<char*>(anonymous(pages * page));
        if (at == MAP_FAILED) std::abort();
        size_t cut = 1 + random.below(static_cast<unsigned>(pages - 2));
        if (random.one_in(2)) {
          // Over a part of it, which is never free meanwhile: another thread would get that.
          char* over = static_cast<char*>(anonymous(page, at + cut * page, MAP_FIXED));
          if (over != at + cut * page) std::abort();
          munmap(at, pages * page);
        } else {
          munmap(at + cut * page, page);
          munmap(at, cut * page);
          munmap(at + (cut + 1) * page, (pages - cut - 1) * page);
        }
      }
      for (int i = 0; i < 5; i++) {
        char* at = static_cast<char*>(anonymous(3 * page));
        munmap(at + page, page);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

NOINLINE static void many(int number) {
  for (int i = 0; i < number; i++) {
    // Neighbours with other rights: the kernel joins none.
    int rights = i % 2 ? PROT_READ : PROT_READ | PROT_WRITE;
    if (mmap(nullptr, page, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) std::abort();
  }
}

static double seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

// Nanoseconds for a pair of mmap and munmap.
static void cost(int times) {
  double start = seconds();
  for (int i = 0; i < times; i++) munmap(anonymous(4 * page), 4 * page);
  std::printf("%.0f\n", (seconds() - start) / times * 1e9);
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "each";
  in_block = static_cast<char**>(std::calloc(4, sizeof(char*)));
  checkpoint("start");
  if (is(mode, "each")) {
    each();
  } else if (is(mode, "clean")) {
    for (int i = 0; i < 100; i++) {
      each();
      unmap_all();
    }
    char* at = in_parts();
    munmap(at, 20 * page);
    munmap(side_by_side(true), 40 * page);
    count = 0;
  } else if (is(mode, "parts")) {
    in_parts();
  } else if (is(mode, "several")) {
    side_by_side(true);
  } else if (is(mode, "over")) {
    mapped_over();
    mapped_over_all();
  } else if (is(mode, "moved")) {
    grown();
    shrunk();
    moved();
    moved_in_part();
    moved_and_left();
  } else if (is(mode, "errors")) {
    failing();
  } else if (is(mode, "unseen")) {
    unseen();
  } else if (is(mode, "holders")) {
    held_by_a_global();
    held_by_a_block();
    held_in_part();
    held_by_what_it_holds();
    lost();
    block_in(seen(count - 1));
    block_in(in_block[1] + 8 * page);
  } else if (is(mode, "fork")) {
    for (int i = 0; i < 3; i++) have(anonymous(page), page);
    pid_t child = fork();
    if (child == 0) {
      unmap_all();
      for (int i = 0; i < 5; i++) have(anonymous(2 * page), 2 * page);
      return 0;
    }
    waitpid(child, nullptr, 0);
  } else if (is(mode, "threads")) {
    map_in_threads();
  } else if (is(mode, "many")) {
    many(20000);
  } else if (is(mode, "cost")) {
    cost(argc > 2 ? std::atoi(argv[2]) : 200000);
  } else {
    return 2;
  }
  return 0;
}
