// What every piece of the chaos victim needs: the script, the blocks that a step leaves behind, churn and output.
//
// Blocks that stay have odd sizes, which no other block of the script has; all others have even sizes. So whoever reads
// the record knows of each block whose it is. Nothing here allocates for itself: the script lies in static memory, and
// each line of output opens and closes its file, since a step may close every descriptor or lower a limit.
#pragma once
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdarg>
#include <new>

#include "../cpp/victim.h"

enum class How { Malloc, Calloc, Realloc, Memalign, New, NewArray, NewAligned };

struct Leave {
  How how;
  size_t bytes;
};

struct Step {
  char name[24];
  char parameters[12][96];
  int parameter_count;
  Leave leaves[64];
  int leave_count;
  std::atomic<int> left;

  const char* text(const char* key) const {
    size_t length = std::strlen(key);
    for (int i = 0; i < parameter_count; i++) {
      if (std::strncmp(parameters[i], key, length) == 0 && parameters[i][length] == '=') return parameters[i] + length + 1;
    }
    return "";
  }
  bool is(const char* key, const char* value) const { return ::is(text(key), value); }
  long number(const char* key) const { return std::atol(text(key)); }
  Random random() const { return {std::strtoull(text("seed"), nullptr, 10)}; }
};

inline const char* output_path = "said";

// One line of output, in whatever state the process is.
__attribute__((format(printf, 1, 2))) inline void say(const char* format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  int length = std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  int file = open(output_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) return;
  if (write(file, line, static_cast<size_t>(length)) != length) std::abort();
  close(file);
}

[[noreturn]] inline void give_up(const char* what) {
  say("could not %s\n", what);
  _exit(99);
}

// Leaves a block: nothing keeps its address.
NOINLINE inline void leave(Leave what) {
  void* block = nullptr;
  switch (what.how) {
    case How::Malloc: block = std::malloc(what.bytes); break;
    case How::Calloc: block = std::calloc(1, what.bytes); break;
    case How::Realloc: block = std::realloc(std::malloc(24), what.bytes); break;
    case How::Memalign: block = memalign(64, what.bytes); break;
    case How::New: block = ::operator new(what.bytes); break;
    case How::NewArray: block = ::operator new[](what.bytes); break;
    case How::NewAligned: block = ::operator new(what.bytes, std::align_val_t{128}); break;
  }
  if (block) static_cast<char*>(block)[what.bytes - 1] = 1;
  keep(block);
}

// Leaves the next block of the step, if there is one left; any thread may ask.
NOINLINE inline void leave_one(Step& step) {
  int at = step.left.fetch_add(1);
  if (at < step.leave_count) leave(step.leaves[at]);
}

inline void leave_rest(Step& step) {
  while (step.left.load() < step.leave_count) leave_one(step);
}

inline size_t even(Random& random, unsigned most) { return 2 + 2 * random.below(most / 2); }

// A block that is made and unmade in one of many ways.
NOINLINE inline uint64_t pair(Random& random, unsigned most) {
  size_t bytes = even(random, most);
  char* block = nullptr;
  unsigned how = random.below(6);
  switch (how) {
    case 0: block = static_cast<char*>(std::malloc(bytes)); break;
    case 1: block = static_cast<char*>(std::calloc(2, bytes)); break;
    case 2: block = new char[bytes]; break;
    case 3: block = static_cast<char*>(::operator new(bytes)); break;
    case 4: block = static_cast<char*>(::operator new(bytes, std::align_val_t{64})); break;
    default: block = static_cast<char*>(std::realloc(nullptr, bytes)); break;
  }
  keep(block);
  uint64_t sum = bytes;
  if (block) {
    block[0] = static_cast<char>(bytes);
    block[bytes - 1] = static_cast<char>(how);
    keep(*block);
  }
  switch (how) {
    case 2: delete[] block; break;
    case 3: ::operator delete(block, bytes); break;
    case 4: ::operator delete(block, bytes, std::align_val_t{64}); break;
    default: std::free(block); break;
  }
  return sum * 31 + how;
}

NOINLINE inline uint64_t churn(Random& random, int rounds, unsigned most = 600) {
  void* held[16] = {};
  uint64_t sum = 0;
  for (int i = 0; i < rounds; i++) {
    sum = sum * 131 + pair(random, most);
    void*& place = held[random.below(16)];
    std::free(place);
    place = std::malloc(even(random, most));
    keep(place);
  }
  for (void* block : held) std::free(block);
  return sum;
}

// Keeps timers out until a thread has allocated once, in scripts that say so.
inline bool warms;

inline void hold_timers(bool hold) {
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  if (warms) pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &alarm, nullptr);
}

// Each thread begins with it.
inline void begin_thread() {
  void* first = std::malloc(24);
  keep(first);
  std::free(first);
  hold_timers(false);
}

struct Thread {
  pthread_t handle;
  void start(void* (*function)(void*), void* argument, size_t stack = 0) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (stack != 0 && pthread_attr_setstacksize(&attributes, stack) != 0) give_up("set a stack size");
    hold_timers(true);
    if (pthread_create(&handle, &attributes, function, argument) != 0) give_up("start a thread");
    hold_timers(false);
    pthread_attr_destroy(&attributes);
  }
  void join() const { pthread_join(handle, nullptr); }
};
