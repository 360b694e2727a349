// Work of which callgrind counts the instructions, case by case: each is done once to warm up, then
// counted. The dumps are told apart by the name that each case gives.
//
//   instructions TIMES
#include <valgrind/callgrind.h>

#include <cstdlib>
#include <new>

static volatile long depth_reached;

// Calls `work` with so many frames of this function between.
template <typename Work>
__attribute__((noinline)) static void below(int frames, Work& work) {
  if (frames == 0) {
    work();
  } else {
    below(frames - 1, work);
  }
  depth_reached = frames;
}

static void* volatile kept;

static void pair_of_new() {
  kept = ::operator new(40);
  ::operator delete(kept);
}

static void pair_of_malloc() {
  kept = malloc(40);
  free(kept);
}

static void grown() {
  kept = malloc(40);
  kept = realloc(kept, 4000);
  free(kept);
}

template <int N>
__attribute__((noinline)) static void place() {
  pair_of_new();
  depth_reached = N;
}

// Sixteen callers in turn.
static void sixteen_places() {
  static void (*const places[])() = {
      place<0>, place<1>, place<2>,  place<3>,  place<4>,  place<5>,  place<6>,  place<7>,
      place<8>, place<9>, place<10>, place<11>, place<12>, place<13>, place<14>, place<15>};
  for (void (*each)() : places) each();
}

// A stack of 24 frames for each number: its bits say which of two functions calls the next.
template <int Kind>
__attribute__((noinline)) static void other_way(int level, unsigned bits) {
  if (level == 0) {
    pair_of_new();
  } else if ((bits >> (level % 12)) & 1) {
    other_way<1>(level - 1, bits);
  } else {
    other_way<0>(level - 1, bits);
  }
  depth_reached = level + Kind;
}

template <typename Work>
static void count(const char* name, int frames, long times, Work work) {
  auto rounds = [&] {
    for (long i = 0; i < times; i++) work();
  };
  below(frames, rounds);
  CALLGRIND_ZERO_STATS;
  below(frames, rounds);
  CALLGRIND_DUMP_STATS_AT(name);
}

int main(int, char** argv) {
  long times = std::atol(argv[1]);
  count("new_5", 5, times, pair_of_new);
  count("new_20", 20, times, pair_of_new);
  count("new_60", 60, times, pair_of_new);
  count("malloc_20", 20, times, pair_of_malloc);
  count("realloc_20", 20, times, grown);
  count("sixteen_places_20", 20, times / 16, sixteen_places);
  unsigned path = 0;
  auto next = [&] { other_way<0>(24, path++ & 0xfff); };
  // The warm-up takes the first half of the paths, so that those that are counted are new.
  count("new_stacks", 0, 1000, next);
  return 0;
}
