// Limits that are lowered while the program runs, or were low when it began. The program says what it noticed.
//
//   limits lowered BYTES HOW WHO   grows, leaks 3 of 11,003, lowers its file-size limit, grows over 40 MiB and leaks 4 of
//                                  12,007. HOW: default | ignored | handled | blocked | pending. WHO sets the limit: self, or
//                                  other (a child, from outside)
//   limits under fsize|as BYTES …  lowers the limit and becomes `limits …`
//   limits own BYTES HOW           leaks 5 of 13,009, limits its address space by setrlimit or prlimit, leaks 5 more, and
//                                  says how many MiB it can have then
//   limits small                   leaks 5 of 13,009
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string>
#include <vector>

#include "victim.h"

static std::atomic<int> signals{0};

static void count(int) { signals++; }

static bool is_pending() {
  sigset_t set;
  sigpending(&set);
  return sigismember(&set, SIGXFSZ) == 1;
}

static bool is_blocked() {
  sigset_t set;
  sigprocmask(SIG_BLOCK, nullptr, &set);
  return sigismember(&set, SIGXFSZ) == 1;
}

static void prepare(const char* how) {
  if (is(how, "ignored")) std::signal(SIGXFSZ, SIG_IGN);
  if (is(how, "handled")) std::signal(SIGXFSZ, count);
  if (is(how, "blocked") || is(how, "pending")) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    sigprocmask(SIG_BLOCK, &set, nullptr);
  }
  // One that the program has waiting is its own.
  if (is(how, "pending")) raise(SIGXFSZ);
}

static void limit(const char* who, rlim_t bytes) {
  rlimit lower = {bytes, RLIM_INFINITY};
  getrlimit(RLIMIT_FSIZE, &lower);
  lower.rlim_cur = bytes;
  if (is(who, "self")) {
    setrlimit(RLIMIT_FSIZE, &lower);
    return;
  }
  pid_t pid = fork();
  if (pid == 0) _exit(prlimit(getppid(), RLIMIT_FSIZE, &lower, nullptr) == 0 ? 0 : 1);
  int status = 0;
  waitpid(pid, &status, 0);
  if (WEXITSTATUS(status) != 0) std::abort();
}

NOINLINE static void plant_many(int count, size_t bytes) {
  for (int i = 0; i < count; i++) plant(bytes);
}

// Every block lies in memory that was not in use before; nothing is left.
NOINLINE static void grow() {
  std::vector<char*> blocks;
  for (int i = 0; i < 4'000; i++) blocks.push_back(new char[10'240]);
  for (char* block : blocks) delete[] block;
}

int main(int argc, char** argv) {
  if (is(argv[1], "under")) {
    rlim_t bytes = std::strtoull(argv[3], nullptr, 10);
    rlimit lower = {bytes, bytes};
    setrlimit(is(argv[2], "as") ? RLIMIT_AS : RLIMIT_FSIZE, &lower);
    argv[3] = argv[0];
    execv("/proc/self/exe", argv + 3);
    return 1;
  }
  if (is(argv[1], "own")) {
    rlim_t bytes = std::strtoull(argv[2], nullptr, 10);
    rlimit lower = {bytes, RLIM_INFINITY};
    plant_many(5, 13'009);
    if (is(argv[3], "prlimit") ? prlimit(0, RLIMIT_AS, &lower, nullptr) : setrlimit(RLIMIT_AS, &lower)) return 1;
    plant_many(5, 13'009);
    int mib = 0;
    while (std::malloc(1 << 20)) mib++;
    std::printf("%d MiB\n", mib);
    return 6;
  }
  if (is(argv[1], "small")) {
    plant_many(5, 13'009);
    return 6;
  }
  if (argc != 5) return 2;
  prepare(argv[3]);
  plant_many(3, 11'003);
  limit(argv[4], std::strtoull(argv[2], nullptr, 10));
  grow();
  plant_many(4, 12'007);
  // What it prints may go to a file.
  rlimit again = {0, 0};
  getrlimit(RLIMIT_FSIZE, &again);
  again.rlim_cur = again.rlim_max;
  setrlimit(RLIMIT_FSIZE, &again);
  std::printf("signals %d, waiting %d, blocked %d\n", signals.load(), is_pending(), is_blocked());
  return 6;
}
