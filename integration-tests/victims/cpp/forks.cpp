// Children that go on without exec. The parent of all modes leaks one block of 101,021 bytes before it forks, and one
// of 102,023 when its children have ended.
//
//   forks prefork    five workers: worker i leaks i + 1 blocks of 20,011 + 100 i bytes, does requests that leak nothing,
//                    and ends by exit, _exit, return from main, SIGTERM or SIGKILL
//   forks clean      the same workers, and the parent, without a leak
//   forks daemon     the child of a child, in a session of its own, in /, without descriptors, leaks 2 of 30,013
//   forks threads    forks eight children while four threads allocate; each starts three threads that leak 40,009 each
//   forks frees      the child frees by every function what its parent allocated, resizes one block, and leaks 50,021
//   forks exec       the child allocates 60,013 and becomes `forks executed`, which leaks 61,027
//   forks failing    the child allocates 62,003 and cannot become anything
//   forks SYS_fork   the system call itself
//   forks deep       a child of a child of a child; generation g leaks 70,001 + g
//   forks limited    three children, of which two may not write a byte, leak 80,021 each
//   forks handler    the child is made in a signal handler, where it leaks 90,001
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "victim.h"

static bool leaks = true;

NOINLINE static void leak(size_t bytes) {
  if (leaks) plant(bytes);
}

// Work that leaves nothing behind.
NOINLINE static void serve(int requests) {
  std::map<int, std::string> session;
  for (int i = 0; i < requests; i++) session[i % 50] = std::string(static_cast<size_t>(i % 300), 'x');
}

static int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int worker(int number) {
  for (int i = 0; i <= number; i++) leak(20'011 + 100 * static_cast<size_t>(number));
  serve(2'000);
  switch (number) {
    case 0: exit(0);
    case 1: _exit(0);
    case 2: return 0;
    case 3: raise(SIGTERM);
    default: raise(SIGKILL);
  }
  return 1;
}

static int prefork(bool& is_child) {
  pid_t workers[5];
  for (int i = 0; i < 5; i++) {
    workers[i] = fork();
    if (workers[i] == 0) {
      is_child = true;
      return worker(i);
    }
  }
  for (pid_t pid : workers) std::printf("worker: %d\n", wait_for(pid));
  return 0;
}

static void daemonise() {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (fork() == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    if (chdir("/") != 0) _exit(1);
    umask(0);
    for (int i = 0; i < 1024; i++) close(i);
    open("/dev/null", O_RDWR);
    if (dup(0) != 1 || dup(0) != 2) _exit(2);
    serve(1'000);
    leak(30'013);
    leak(30'013);
    exit(0);
  }
  while (wait(nullptr) > 0) {
  }
}

static void threads() {
  std::atomic<bool> done{false};
  std::vector<std::thread> busy;
  for (int i = 0; i < 4; i++) {
    busy.emplace_back([&] {
      while (!done) serve(20);
    });
  }
  for (int i = 0; i < 8; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      std::thread own[3];
      for (std::thread& thread : own) {
        thread = std::thread([] {
          serve(500);
          leak(40'009);
        });
      }
      for (std::thread& thread : own) thread.join();
      _exit(0);
    }
    std::printf("child: %d\n", wait_for(pid));
  }
  done = true;
  for (std::thread& thread : busy) thread.join();
}

static void frees() {
  char* array = new char[1'201];
  int* one = new int(7);
  void* plain = std::malloc(1'203);
  void* grown = std::malloc(1'205);
  void* aligned = nullptr;
  if (posix_memalign(&aligned, 256, 1'207) != 0) std::abort();
  pid_t pid = fork();
  if (pid == 0) {
    delete[] array;
    delete one;
    std::free(plain);
    std::free(aligned);
    grown = std::realloc(grown, 9'209);
    keep(grown);
    std::free(grown);
    leak(50'021);
    exit(0);
  }
  std::printf("child: %d\n", wait_for(pid));
  delete[] array;
  delete one;
  std::free(plain);
  std::free(grown);
  std::free(aligned);
}

static void exec(const char* program, size_t bytes) {
  pid_t pid = fork();
  if (pid == 0) {
    leak(bytes);
    execl("/proc/self/exe", program, "executed", nullptr);
    _exit(3);
  }
  std::printf("child: %d\n", wait_for(pid));
}

static void failing() {
  pid_t pid = fork();
  if (pid == 0) {
    leak(62'003);
    execl("/nonexistent/program", "program", nullptr);
    _exit(4);
  }
  std::printf("child: %d\n", wait_for(pid));
}

static void by_number() {
#if defined(SYS_fork)
  pid_t pid = static_cast<pid_t>(syscall(SYS_fork));
#else
  pid_t pid = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
#endif
  if (pid == 0) {
    leak(63'029);
    _exit(0);
  }
  std::printf("child: %d\n", wait_for(pid));
}

static void deep(int generation) {
  if (generation > 3) return;
  pid_t pid = fork();
  if (pid == 0) {
    leak(70'001 + static_cast<size_t>(generation));
    deep(generation + 1);
    _exit(0);
  }
  if (wait_for(pid) != 0) std::abort();
}

static void limited() {
  for (int i = 0; i < 3; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      rlimit none = {0, 0};
      if (i > 0) setrlimit(RLIMIT_FSIZE, &none);
      leak(80'021);
      serve(100);
      _exit(0);
    }
    std::printf("child: %d\n", wait_for(pid));
  }
}

static std::atomic<pid_t> handled{0};

static void on_signal(int) {
  pid_t pid = fork();
  if (pid == 0) {
    leak(90'001);
    _exit(0);
  }
  handled = pid;
}

static void handler() {
  std::signal(SIGUSR1, on_signal);
  raise(SIGUSR1);
  std::printf("child: %d\n", wait_for(handled));
}

int main(int, char** argv) {
  std::string mode = argv[1];
  if (mode == "executed") {
    leak(61'027);
    return 0;
  }
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  leaks = mode != "clean";
  leak(101'021);
  bool is_child = false;
  int code = 0;
  if (mode == "prefork" || mode == "clean") code = prefork(is_child);
  if (is_child) return code;
  if (mode == "daemon") daemonise();
  if (mode == "threads") threads();
  if (mode == "frees") frees();
  if (mode == "exec") exec(argv[0], 60'013);
  if (mode == "failing") failing();
  if (mode == "SYS_fork") by_number();
  if (mode == "deep") deep(1);
  if (mode == "limited") limited();
  if (mode == "handler") handler();
  leak(102'023);
  return 0;
}
