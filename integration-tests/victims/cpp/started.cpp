// Threads: every way to start, join and detach them.
//
//   started each|clean|refused|fork|many|mapped
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <thread>

#include "victim.h"

static sem_t running;

static void* runs(void* name) {
  if (name) pthread_setname_np(pthread_self(), static_cast<char*>(name));
  sem_post(&running);
  for (;;) pause();
}

static void* ends(void* value) { return value; }

static void* leaves(void* value) { pthread_exit(value); }

static int ends_in_c(void*) { return 7; }

static int runs_in_c(void*) {
  runs(nullptr);
  return 0;
}

static int threads() {
  DIR* folder = opendir("/proc/self/task");
  int count = 0;
  while (dirent* entry = readdir(folder)) count += entry->d_name[0] != '.';
  closedir(folder);
  return count;
}

static void wait_until_alone(int but = 1) {
  while (threads() > but) usleep(1000);
}

static void check(bool is_right, const char* what) {
  if (is_right) return;
  std::fprintf(stderr, "wrong: %s\n", what);
  std::exit(3);
}

static pthread_t make(void* (*routine)(void*), bool detached = false, void* argument = nullptr) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, detached ? PTHREAD_CREATE_DETACHED : PTHREAD_CREATE_JOINABLE);
  pthread_t id;
  check(pthread_create(&id, &attributes, routine, argument) == 0, "pthread_create");
  pthread_attr_destroy(&attributes);
  return id;
}

NOINLINE static void still_running() {
  for (int i = 0; i < 3; i++) make(runs, false, const_cast<char*>("worker"));
}

NOINLINE static void mapped() {
  for (int i = 0; i < 10000; i++) {
    check(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, "mmap");
  }
}

NOINLINE static void after_mappings() {
  for (int i = 0; i < 200; i++) make(ends);
}

NOINLINE static void detached_and_running() {
  for (int i = 0; i < 2; i++) pthread_detach(make(runs));
  keep(make(runs, true));
}

NOINLINE static void never_joined() {
  for (int i = 0; i < 5; i++) make(ends);
  for (int i = 0; i < 2; i++) make(leaves);
}

NOINLINE static void of_the_library() { std::thread(runs, nullptr).detach(); }

NOINLINE static void of_c() {
  thrd_t id;
  check(thrd_create(&id, runs_in_c, nullptr) == thrd_success, "thrd_create");
  check(thrd_create(&id, ends_in_c, nullptr) == thrd_success, "thrd_create");
}

// A thread that only the kernel knows, with no thread-local memory of its own: it may do system calls alone.
static int runs_beside(void*) {
  for (;;) asm volatile("syscall" : : "a"(SYS_pause) : "rcx", "r11", "memory");
}

static int ends_beside(void*) { return 0; }

static void beside(int (*routine)(void*)) {
  constexpr size_t kStack = 64 << 10;
  static char stacks[8][kStack] __attribute__((aligned(16)));
  static int used = 0;
  constexpr int kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  check(clone(routine, stacks[used++] + kStack, kThread, nullptr) > 0, "clone");
}

NOINLINE static void by_clone() {
  for (int i = 0; i < 4; i++) beside(runs_beside);
  for (int i = 0; i < 2; i++) beside(ends_beside);
}

static void each() {
  by_clone();
  still_running();
  detached_and_running();
  never_joined();
  of_the_library();
  of_c();
  for (int i = 0; i < 8; i++) sem_wait(&running);
  wait_until_alone(9 + 4);
}

static timespec soon() {
  timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 60;
  return until;
}

static void clean() {
  void* value = nullptr;
  int seven = 7;
  for (auto routine : {ends, leaves}) {
    check(pthread_join(make(routine, false, &seven), &value) == 0 && value == &seven, "join");
    pthread_t id = make(routine);
    timespec until = soon();
    check(pthread_timedjoin_np(id, nullptr, &until) == 0, "timedjoin");
    id = make(routine);
    check(pthread_clockjoin_np(id, nullptr, CLOCK_REALTIME, &until) == 0, "clockjoin");
    id = make(routine);
    while (pthread_tryjoin_np(id, nullptr) == EBUSY) usleep(1000);
    make(routine, true);
    pthread_detach(make(routine));
    id = make(routine);
    wait_until_alone();
    // It has ended before it is detached.
    pthread_detach(id);
  }
  pthread_t id = make(runs);
  sem_wait(&running);
  pthread_cancel(id);
  check(pthread_join(id, &value) == 0 && value == PTHREAD_CANCELED, "cancel");
  // The C library's own function of that name, as programs find it that look it up.
  using Join = int (*)(pthread_t, void**);
  auto join = reinterpret_cast<Join>(dlsym(dlopen("libc.so.6", RTLD_NOW), "pthread_join"));
  check(join && join(make(ends), nullptr) == 0, "join by its address");
  std::thread([] {}).join();
  std::thread([] {}).detach();
  int result = 0;
  thrd_t c;
  thrd_create(&c, ends_in_c, nullptr);
  check(thrd_join(c, &result) == thrd_success && result == 7, "thrd_join");
  thrd_create(&c, ends_in_c, nullptr);
  thrd_detach(c);
  // One that ends by a system call runs no destructors.
  make([](void*) -> void* { for (;;) syscall(SYS_exit, 0); }, true);
  wait_until_alone();
}

// What is refused is none: no process has room for such a stack.
static void refused() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  check(pthread_attr_setstacksize(&attributes, size_t{1} << 46) == 0, "setstacksize");
  for (int i = 0; i < 20; i++) {
    pthread_t id;
    check(pthread_create(&id, &attributes, ends, nullptr) != 0, "it was not refused");
  }
}

// The parent's threads are none of the child's.
NOINLINE static void forks() {
  still_running();
  for (int i = 0; i < 3; i++) sem_wait(&running);
  pid_t child = fork();
  if (child == 0) {
    make(runs, true, const_cast<char*>("of the child"));
    sem_wait(&running);
    std::exit(0);
  }
  int status = 0;
  check(waitpid(child, &status, 0) == child && status == 0, "the child");
}

// More than the recorder has places for, one after the other and side by side; identifiers come again and again.
static void many() {
  std::thread makers[4];
  for (auto& maker : makers) {
    maker = std::thread([] {
      for (int i = 0; i < 5000; i++) {
        if (i % 2) {
          pthread_join(make(ends), nullptr);
        } else {
          make(ends, true);
        }
      }
    });
  }
  for (auto& maker : makers) maker.join();
  never_joined();
  wait_until_alone();
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  sem_init(&running, 0, 0);
  if (is(mode, "each")) {
    each();
  } else if (is(mode, "clean")) {
    clean();
  } else if (is(mode, "refused")) {
    refused();
  } else if (is(mode, "fork")) {
    forks();
  } else if (is(mode, "many")) {
    many();
  } else if (is(mode, "mapped")) {
    mapped();
    after_mappings();
  } else {
    return 2;
  }
  return 0;
}
