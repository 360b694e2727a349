// The allocator's own functions: storms of realloc, alignments, sized and array deletes, failure under limits.
#pragma once
#include <sys/resource.h>

#include <cerrno>

#include "chaos.h"

namespace memory {

NOINLINE inline uint64_t piece_realloc(Step& step) {
  Random random = step.random();
  void* held[24] = {};
  long rounds = step.number("rounds");
  auto most = static_cast<unsigned>(step.number("most"));
  for (long i = 0; i < rounds; i++) {
    void*& place = held[random.below(24)];
    switch (random.below(5)) {
      case 0:
        // Frees, and gives nothing.
        if (place && std::realloc(place, 0)) give_up("free by realloc");
        place = nullptr;
        break;
      case 1:
        place = reallocarray(place, even(random, most), 2);
        break;
      case 2:
        std::free(place);
        place = std::calloc(3, even(random, most));
        break;
      default:
        place = std::realloc(place, even(random, most));
        break;
    }
    keep(place);
    // A realloc that fails leaves the block as it was.
    if (place && random.one_in(40) && std::realloc(place, ~size_t{0} >> 1)) give_up("fail");
    if (i % (rounds / 8 + 1) == 0) leave_one(step);
  }
  for (void* block : held) std::free(block);
  leave_rest(step);
  return random.next();
}

struct alignas(256) Wide {
  char bytes[512];
};

struct Narrow {
  virtual ~Narrow() {}
  char bytes[22];
};

struct Derived : Narrow {
  char more[32];
};

NOINLINE inline uint64_t piece_aligned(Step& step) {
  Random random = step.random();
  uint64_t bad = 0;
  for (long i = 0; i < step.number("rounds"); i++) {
    size_t alignment = size_t{16} << random.below(9);
    void* block = nullptr;
    switch (random.below(8)) {
      case 0:
        if (posix_memalign(&block, alignment, even(random, 5000)) != 0) give_up("align");
        break;
      case 1: block = aligned_alloc(alignment, alignment * (1 + random.below(4))); break;
      case 2: block = memalign(alignment, even(random, 5000)); break;
      case 3: block = valloc(even(random, 5000)), alignment = 4096; break;
      case 4: block = pvalloc(even(random, 5000)), alignment = 4096; break;
      case 5: {
        auto* wide = new Wide[1 + random.below(3)];
        bad += reinterpret_cast<uintptr_t>(wide) % 256 != 0;
        delete[] wide;
        break;
      }
      case 6: {
        Narrow* object = new Derived;
        keep(object);
        delete object;
        auto* many = new Derived[1 + random.below(9)];
        keep(many);
        delete[] many;
        break;
      }
      default:
        block = ::operator new(even(random, 2000), std::nothrow);
        ::operator delete(block, std::nothrow);
        block = nullptr;
    }
    bad += reinterpret_cast<uintptr_t>(block) % alignment != 0;
    if (block && random.one_in(3)) block = std::realloc(block, even(random, 6000));
    std::free(block);
    if (i % 32 == 0) leave_one(step);
  }
  leave_rest(step);
  return bad;
}

// Lowers a limit for all that follows; what is left of it must do for the rest of the script.
NOINLINE inline uint64_t piece_limit(Step& step) {
  leave_one(step);
  auto amount = static_cast<rlim_t>(step.number("to"));
  int what = step.is("what", "files") ? RLIMIT_NOFILE : step.is("what", "size") ? RLIMIT_FSIZE : RLIMIT_AS;
  rlimit limit{};
  getrlimit(what, &limit);
  if (what == RLIMIT_AS) {
    // As much above what is mapped now: a recorded process has more mapped.
    long pages = 0;
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    char text[64] = {};
    if (file >= 0 && read(file, text, sizeof text - 1) > 0) pages = std::atol(text);
    if (file >= 0) close(file);
    if (pages == 0) give_up("ask for the mapped size");
    amount += static_cast<rlim_t>(pages) * 4096;
  }
  limit.rlim_cur = amount;
  if (setrlimit(what, &limit) != 0) give_up("lower a limit");
  leave_rest(step);
  return static_cast<uint64_t>(step.number("to"));
}

// Closes what the program did not open: everything, or everything but the three standard descriptors.
NOINLINE inline uint64_t piece_close(Step& step) {
  leave_one(step);
  auto from = static_cast<unsigned>(step.number("from"));
  if (close_range(from, ~0u, 0) != 0) give_up("close descriptors");
  Random random = step.random();
  uint64_t sum = churn(random, 100);
  // The numbers are the program's own now.
  int mine[8];
  for (int& file : mine) file = open("mine", O_RDWR | O_CREAT, 0666);
  leave_rest(step);
  sum += churn(random, 100);
  for (int file : mine) {
    if (write(file, "mine", 4) != 4) give_up("write to a file of its own");
    if (from > 2 || step.is("keep", "no")) close(file);
  }
  return sum;
}

}  // namespace memory
