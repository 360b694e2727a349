// A child made without exec shares the parent's recorder state. It must stay out of the parent's image: what it leaks
// and what it frees happened in another address space.
//
//   forking fork | _Fork | clone | nested
//
// The parent leaks 3 blocks of 1,999,993 bytes and keeps one of 1,500,007; the child frees its copy of that one and
// leaks 7 blocks of 2,999,999. `clone` is the raw system call and `_Fork` runs no atfork handler, so neither tells
// anybody. `nested` forks from a second thread while a third one allocates, and the child forks again.
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "victim.h"

static char* kept;
static std::atomic<bool> done;

NOINLINE static void child() {
  delete[] kept;
  for (int i = 0; i < 7; i++) plant(2'999'999);
  for (int i = 0; i < 100'000; i++) {
    char* block = new char[i % 100];
    keep(block);
    delete[] block;
  }
}

static pid_t split(const char* how) {
  if (is(how, "_Fork")) return _Fork();
  if (is(how, "clone")) return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  return fork();
}

static void split_and_wait(const char* how) {
  pid_t pid = split(how);
  if (pid == 0) {
    child();
    if (is(how, "nested")) {
      kept = nullptr;
      pid_t grandchild = fork();
      if (grandchild == 0) {
        child();
        _exit(9);
      }
      int status = 0;
      waitpid(grandchild, &status, 0);
      if (WEXITSTATUS(status) != 9) _exit(1);
    }
    _exit(9);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  std::printf("child: exited %d with %d\n", WIFEXITED(status), WEXITSTATUS(status));
}

int main(int, char** argv) {
  kept = new char[1'500'007];
  keep(kept);
  checkpoint("start");
  if (is(argv[1], "nested")) {
    std::thread busy([] {
      while (!done) {
        char* block = new char[40];
        keep(block);
        delete[] block;
      }
    });
    std::thread([&] { split_and_wait(argv[1]); }).join();
    done = true;
    busy.join();
  } else {
    split_and_wait(argv[1]);
  }
  for (int i = 0; i < 3; i++) plant(1'999'993);
  return 0;
}
