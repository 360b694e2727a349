// Children: fork, vfork, exec, posix_spawn. A child that goes on without exec leaves blocks of its own.
#pragma once
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "threads.h"

extern char** environ;

namespace processes {

inline const char* own_path;

inline int ended(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

// Starts this program again with another script.
NOINLINE inline uint64_t piece_exec(Step& step) {
  leave_one(step);
  const char* script = step.text("script");
  char* arguments[] = {const_cast<char*>(own_path), const_cast<char*>(script), const_cast<char*>(step.text("said")), nullptr};
  pid_t child = -1;
  if (step.is("how", "spawn")) {
    if (posix_spawn(&child, own_path, nullptr, nullptr, arguments, environ) != 0) give_up("spawn");
  } else {
    child = step.is("how", "vfork") ? vfork() : fork();
    if (child == 0) {
      execv(own_path, arguments);
      _exit(98);
    }
  }
  if (child < 0) give_up("start a child");
  leave_rest(step);
  return static_cast<uint64_t>(ended(child));
}

// A child that goes on: frees the parent's blocks, churns, leaves blocks of its own, perhaps forks again.
NOINLINE inline uint64_t piece_fork(Step& step) {
  Random random = step.random();
  void* held[8];
  for (void*& block : held) block = std::malloc(even(random, 700));
  leave_one(step);
  pid_t child = step.is("how", "_Fork") ? _Fork() : fork();
  if (child < 0) give_up("fork");
  if (child == 0) {
    for (void* block : held) std::free(block);
    uint64_t sum = churn(random, 200);
    if (step.is("nested", "yes")) {
      pid_t second = fork();
      if (second == 0) _exit(static_cast<int>(churn(random, 50) % 50));
      sum += static_cast<uint64_t>(ended(second));
    }
    // The child's own block.
    auto bytes = static_cast<size_t>(step.number("child"));
    if (bytes != 0) leave({How::Malloc, bytes});
    _exit(static_cast<int>(sum % 50));
  }
  uint64_t sum = churn(random, 200);
  int status = ended(child);
  for (void* block : held) std::free(block);
  leave_rest(step);
  return sum * 1000 + static_cast<uint64_t>(status);
}

// Executes a program that does not exist, in a vforked child: the parent's memory was the child's meanwhile.
NOINLINE inline uint64_t piece_failing_exec(Step& step) {
  leave_one(step);
  pid_t child = vfork();
  if (child == 0) {
    execl("/nonexistent/program", "program", nullptr);
    _exit(97);
  }
  leave_rest(step);
  return static_cast<uint64_t>(ended(child));
}

}  // namespace processes
