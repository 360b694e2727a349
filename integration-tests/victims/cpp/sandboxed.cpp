// Forbids itself system calls and goes on. `kill` ends the process for all but a few; else a new program is refused.
// `wrapper` installs the filter by `syscall`, as libseccomp does. `much` allocates more than the image has room for.
// `narrow` allows little more than to write, also no mmap; `strict` is the mode of the kernel that allows no more than that.
// One more word limits the address space before.
// `untimed` forbids to read the processor's time.
// With `child` a forked child does so first, and with `vfork` one that shares memory; the process itself does not.
#include <linux/filter.h>
#include <malloc.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <thread>

#include "victim.h"

#define LOAD BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))
#define ALLOW(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define ANSWER(answer) BPF_STMT(BPF_RET | BPF_K, answer)

static void forbid_nearly_all() {
  sock_filter filter[] = {LOAD,       ALLOW(read),       ALLOW(write), ALLOW(brk),
                          ALLOW(exit), ALLOW(exit_group), ANSWER(SECCOMP_RET_KILL_PROCESS)};
  sock_fprog program = {sizeof filter / sizeof *filter, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) abort();
}

static void forbid(bool kill, bool by_wrapper) {
  // What the C library needs for memory, threads, forks and output.
  sock_filter filter[] = {
      LOAD,
      ALLOW(read),
      ALLOW(write),
      ALLOW(exit),
      ALLOW(exit_group),
      ALLOW(brk),
      ALLOW(mmap),
      ALLOW(munmap),
      ALLOW(mremap),
      ALLOW(mprotect),
      ALLOW(madvise),
      ALLOW(futex),
      ALLOW(clone),
      ALLOW(clone3),
      ALLOW(rseq),
      ALLOW(set_robust_list),
      ALLOW(rt_sigaction),
      ALLOW(rt_sigprocmask),
      ALLOW(wait4),
      ANSWER(SECCOMP_RET_KILL_PROCESS),
  };
  sock_filter refusing[] = {
      LOAD,
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_execve, 0, 1),
      ANSWER(SECCOMP_RET_ERRNO | 1),
      ANSWER(SECCOMP_RET_ALLOW),
  };
  sock_fprog program = {sizeof filter / sizeof *filter, filter};
  if (!kill) program = {sizeof refusing / sizeof *refusing, refusing};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) abort();
  long failed = by_wrapper ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)
                           : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
  if (failed) abort();
}

static void wait_for(pid_t child) {
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) abort();
}

static void forbid_in_children(bool by_wrapper, bool sharing) {
  if (pid_t child = sharing ? vfork() : fork()) return wait_for(child);
  forbid(true, by_wrapper);
  if (!sharing) delete[] new char[100];
  _exit(0);
}

static char* cache;
static char* many[2000];
static char* small[200'000];
static char* room[30'000];

static int in_a_narrow_place(bool strict, bool limited) {
  rlimit limit = {rlim_t{2} << 30, RLIM_INFINITY};
  if (limited && setrlimit(RLIMIT_AS, &limit)) abort();
  // What the C library needs lies there before.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  for (auto& block : room) block = new char[400];
  for (auto& block : room) delete[] block;
  if (strict) {
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)) abort();
  } else {
    forbid_nearly_all();
  }
  plant(1002);
  for (auto& block : small) block = new char[16];
  for (auto& block : small) delete[] block;
  plant(1003);
  if (write(1, "gone on\n", 8) != 8) return 1;
  syscall(SYS_exit, 7);
  return 1;
}

int main(int count, char** arguments) {
  bool kill = false, by_wrapper = false, much = false, child = false, sharing = false;
  for (int index = 1; index < count; index++) {
    kill |= is(arguments[index], "kill");
    by_wrapper |= is(arguments[index], "wrapper");
    much |= is(arguments[index], "much");
    child |= is(arguments[index], "child");
    sharing |= is(arguments[index], "vfork");
  }
  if (is(arguments[1], "narrow") || is(arguments[1], "strict")) return in_a_narrow_place(is(arguments[1], "strict"), count > 2);
  if (is(arguments[1], "untimed") && prctl(PR_SET_TSC, PR_TSC_SIGSEGV)) abort();
  cache = new char[3001];
  plant(1001);
  if (is(arguments[1], "untimed")) {
    for (auto& block : small) block = new char[16];
    for (auto& block : small) {
      delete[] block;
      block = nullptr;
    }
  } else if (child || sharing) {
    forbid_in_children(by_wrapper, sharing);
  } else {
    forbid(kill, by_wrapper);
  }
  plant(1002);
  if (much) {
    for (auto& block : many) block = new char[1 << 20];
    for (auto& block : many) delete[] block;
    std::thread([] { delete[] new char[100]; }).join();
    pid_t child = fork();
    if (child == 0) {
      delete[] new char[100];
      _exit(0);
    }
    wait_for(child);
  }
  keep(cache);
  // The C library would ask what its output is.
  return write(1, "gone on\n", 8) == 8 ? 7 : 1;
}
