// Allocates where there is hardly any stack, and measures how much of it the calls need.
//
//   small_stacks thread BYTES       the first record of a thread whose stack has BYTES
//   small_stacks handler BYTES      a handler on an alternate stack of BYTES; `warm` after it: not the
//                                   first record of its thread
//   small_stacks paint              paints the stack below each call and prints how far it was used
#include <pthread.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

static void *volatile kept;

static void allocate() {
  void *block = malloc(1'000'003);
  kept = block;
  free(block);
  char *array = new char[1'000'033];
  kept = array;
  delete[] array;
}

static void *on_thread(void *) {
  allocate();
  return nullptr;
}

static void on_signal(int) { allocate(); }

static int in_thread(size_t size) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (pthread_attr_setstacksize(&attributes, size) != 0) return 2;
  pthread_t thread;
  if (pthread_create(&thread, &attributes, on_thread, nullptr) != 0) return 3;
  return pthread_join(thread, nullptr);
}

static int in_handler(size_t size, bool warm) {
  if (warm) allocate();
  stack_t stack = {};
  stack.ss_sp = calloc(1, size);
  stack.ss_size = size;
  if (sigaltstack(&stack, nullptr) != 0) return 2;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR1, &action, nullptr);
  return raise(SIGUSR1);
}

constexpr size_t PAINTED = 48 << 10;
constexpr unsigned char PAINT = 0xa5;

// Calls `function` above a painted stretch of stack and tells how many bytes of it were written to.
__attribute__((noinline)) static size_t used(void (*function)()) {
  volatile unsigned char *sp;
  __asm__ volatile("mov %%rsp, %0" : "=r"(sp));
  // Below the stack pointer nothing is in use but the red zone.
  volatile unsigned char *low = sp - 256 - PAINTED;
  for (size_t i = 0; i < PAINTED; i++) low[i] = PAINT;
  function();
  size_t untouched = 0;
  while (untouched < PAINTED && low[untouched] == PAINT) untouched++;
  return PAINTED - untouched;
}

static void call_malloc() { kept = malloc(77); }
static void call_free() { free(kept); }
static void call_new() { kept = operator new(78); }
static void call_delete() { operator delete(kept); }
static void call_calloc() { kept = calloc(7, 11); }
static void call_realloc() { kept = realloc(kept, 4001); }
static void call_array() { kept = operator new[](79); }
static void call_wrong_delete() { operator delete(kept); }

static void paint() {
  struct {
    const char *name;
    void (*function)();
  } calls[] = {{"malloc", call_malloc}, {"free", call_free},       {"new", call_new},
               {"delete", call_delete}, {"calloc", call_calloc},   {"realloc", call_realloc},
               {"free", call_free},     {"new[]", call_array},     {"delete of new[]", call_wrong_delete}};
  // The first turn meets every call for the first time.
  for (int turn = 0; turn < 2; turn++)
    for (auto &call : calls) printf("%s %d %zu\n", call.name, turn, used(call.function));
}

static void *paint_on_thread(void *) {
  paint();
  return nullptr;
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "paint")) {
    static char buffer[1 << 16];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    printf(" ");
    // On a thread of its own: there the first call makes the thread's state, too.
    pthread_t thread;
    if (pthread_create(&thread, nullptr, paint_on_thread, nullptr) != 0) return 3;
    return pthread_join(thread, nullptr);
  }
  if (argc < 3) return 1;
  size_t size = strtoul(argv[2], nullptr, 10);
  int result = !strcmp(argv[1], "thread") ? in_thread(size) : in_handler(size, argc > 3);
  if (result == 0) puts("ok");
  return result;
}
