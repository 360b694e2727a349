// Programs that end without an exit, by every function that does so. Each drops 3 blocks of 5,003 bytes first. A
// variable of the program has 5,011 bytes, a local variable of `main` 5,021, and a block of it 5,101.
//
//   leaving FUNCTION           _exit, _Exit, quick_exit, exit_group, or exec… and SYS_execve: `leaving done` then
//   leaving fails FUNCTION     the function finds no program; the process drops 5,033 bytes and returns from main
//   leaving refused FUNCTION [END]
//                              the same with a file that can be executed and is no program; or it leaves by END
//   leaving small FUNCTION     the same, and exit, on a thread with the smallest stack that there can be
//   leaving handler            _exit in the handler of a signal
//   leaving vfork | clone      a child that shares the memory of the process becomes `leaving done`
//   leaving inherited          the child and its child attach 5,201 and 5,203 bytes to blocks of the first process; both
//                              free and resize other such blocks, which had 5,301 and 5,303 bytes of theirs, and drop a
//                              block at the address of the first
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <csignal>

#include "victim.h"

struct Entry {
  Entry* next;
  char* data;
};

static char* volatile of_program;
static Entry* volatile entries;
static char self[4096];
static char word[] = "leaving", done[] = "done";
static char* arguments[] = {word, done, nullptr};
extern char** environ;

NOINLINE static void drop() {
  for (int i = 0; i < 3; i++) plant(5'003);
}

static void leave(const char* how, const char* path) {
  if (is(how, "exit")) std::exit(0);
  if (is(how, "_exit")) _exit(0);
  if (is(how, "_Exit")) std::_Exit(0);
  if (is(how, "quick_exit")) std::quick_exit(0);
  if (is(how, "exit_group")) syscall(SYS_exit_group, 0);
  if (is(how, "execv")) execv(path, arguments);
  if (is(how, "execve")) execve(path, arguments, environ);
  if (is(how, "execvp")) execvp(path, arguments);
  if (is(how, "execvpe")) execvpe(path, arguments, environ);
  if (is(how, "execl")) execl(path, word, done, nullptr);
  if (is(how, "execlp")) execlp(path, word, done, nullptr);
  if (is(how, "execle")) execle(path, word, done, nullptr, environ);
  if (is(how, "fexecve")) fexecve(open(path, O_RDONLY | O_CLOEXEC), arguments, environ);
  if (is(how, "SYS_execve")) syscall(SYS_execve, path, arguments, environ);
}

static void wait_for(pid_t child) {
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) std::abort();
}

NOINLINE static void attach(Entry* entry, size_t bytes) { entry->data = new char[bytes]; }

// Both entries know a block of this process's until they are gone.
NOINLINE static void lose(Entry*& freed, Entry*& resized) {
  attach(freed, 5'301);
  delete freed;
  // The next block has its address.
  Entry* next = new Entry{};
  if (next != freed) std::abort();
  keep(next);
  attach(resized, 5'303);
  Entry* moved = static_cast<Entry*>(std::realloc(resized, 5'401));
  moved->data = nullptr;
  of_program = reinterpret_cast<char*>(moved);
  freed = resized = nullptr;
}

static void inherited() {
  Entry* freed[2] = {new Entry{}, new Entry{}};
  Entry* resized[2];
  for (Entry*& entry : resized) entry = static_cast<Entry*>(std::calloc(1, sizeof(Entry)));
  pid_t child = fork();
  if (child == 0) {
    attach(entries, 5'201);
    lose(freed[0], resized[0]);
    pid_t grandchild = fork();
    if (grandchild == 0) {
      attach(entries->next, 5'203);
      lose(freed[1], resized[1]);
      _exit(0);
    }
    wait_for(grandchild);
    std::exit(0);
  }
  wait_for(child);
}

int main(int count, char** argv) {
  const char* how = argv[1];
  if (is(how, "done")) {
    std::puts("done");
    return 0;
  }
  if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) std::abort();
  of_program = new char[5'011];
  char* volatile of_main = new char[5'021];
  Entry* volatile list = new Entry{nullptr, new char[5'101]};
  for (int i = 0; i < 4; i++) entries = new Entry{entries, nullptr};
  drop();
  if (is(how, "fails") || is(how, "refused")) {
    leave(argv[2], is(how, "fails") ? "/no/such/program" : "/proc/self/maps");
    char name[] = "/tmp/leaving-XXXXXX";
    int file = mkstemp(name);
    if (is(how, "refused")) {
      if (fchmod(file, 0700) != 0 || write(file, "\x7f" "none", 5) != 5) std::abort();
      close(file);
      leave(argv[2], name);
    }
    unlink(name);
    plant(5'033);
    if (count > 3) leave(argv[3], self);
  } else if (is(how, "small")) {
    pthread_attr_t smallest;
    pthread_attr_init(&smallest);
    pthread_attr_setstacksize(&smallest, PTHREAD_STACK_MIN);
    pthread_t thread;
    auto work = [](void* function) -> void* {
      leave(static_cast<char*>(function), self);
      return nullptr;
    };
    if (pthread_create(&thread, &smallest, work, argv[2])) std::abort();
    pthread_join(thread, nullptr);
  } else if (is(how, "handler")) {
    signal(SIGUSR1, [](int) { _exit(0); });
    raise(SIGUSR1);
  } else if (is(how, "vfork")) {
    pid_t child = vfork();
    if (child == 0) {
      execv(self, arguments);
      _exit(1);
    }
    wait_for(child);
  } else if (is(how, "clone")) {
    static char stack[1 << 16];
    auto become = [](void*) {
      execv(self, arguments);
      return 1;
    };
    wait_for(clone(become, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, nullptr));
  } else if (is(how, "inherited")) {
    inherited();
  } else {
    leave(how, self);
    std::abort();
  }
  std::puts("returned");
  keep(list->data);
  return of_main == nullptr;
}
