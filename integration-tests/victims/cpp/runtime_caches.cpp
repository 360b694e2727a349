// What runtimes allocate at first use and keep: `runtime_caches [owned] [exit] WHAT...`. With `owned`, what belongs to the
// caller is not given back either. Ends without exit handlers, so nothing is freed on the way out and nobody
// looks who holds what, but with `exit`.
//
// Linked with --as-needed and free of C++'s library, so that `cxx` is what loads libstdc++.
#include <dlfcn.h>
#include <iconv.h>
#include <locale.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool owned;
static bool exits;

template <typename Function> static Function in(const char *library, const char *name) {
  void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    puts("not installed");
    fflush(stdout);
    _exit(3);
  }
  return reinterpret_cast<Function>(dlsym(handle, name));
}

static void locale() { setlocale(LC_ALL, "C.UTF-8"); }

static void converters() {
  iconv_t converter = iconv_open("UTF-16", "LATIN1");
  if (!owned) iconv_close(converter);
}

static void users() { getpwnam("root"); }

static void hosts() {
  addrinfo *found = nullptr;
  if (getaddrinfo("127.0.0.1", nullptr, nullptr, &found) == 0 && !owned) freeaddrinfo(found);
}

static void dl_error() {
  dlopen("/no/such/library.so", RTLD_NOW);
  dlerror();
}

static void time_zone() {
  setenv("TZ", "Europe/Berlin", 1);
  tzset();
}

static void streams() { puts("a line"); }

static void exit_handlers() {
  for (int handler = 0; handler < 100; ++handler) atexit([] {});
}

// More keys than a thread has room for in its own block.
static void *keys(void *value) {
  pthread_key_t key = 0;
  for (int number = 0; number < 40; ++number) pthread_key_create(&key, nullptr);
  pthread_setspecific(key, value);
  return nullptr;
}

static void specific() { keys(&owned); }

static void threads() {
  pthread_t thread;
  pthread_create(&thread, nullptr, [](void *) -> void * { return nullptr; }, nullptr);
  pthread_join(thread, nullptr);
}

static void cxx() { in<void *>("libstdc++.so.6", "__cxa_throw"); }

static void openmp() {
  auto parallel = in<void (*)(void (*)(void *), void *, unsigned, unsigned)>("libgomp.so.1", "GOMP_parallel");
  parallel([](void *) {}, nullptr, 4, 0);
}

static void openssl() {
  auto method = in<void *(*)()>("libssl.so.3", "TLS_method");
  auto make = in<void *(*)(void *)>("libssl.so.3", "SSL_CTX_new");
  auto give_back = in<void (*)(void *)>("libssl.so.3", "SSL_CTX_free");
  void *context = make(method());
  if (!owned) give_back(context);
}

static const struct {
  const char *name;
  void (*act)();
} actions[] = {
    {"locale", locale},       {"converters", converters}, {"users", users},       {"hosts", hosts},
    {"dlerror", dl_error},    {"timezone", time_zone},    {"streams", streams},   {"atexit", exit_handlers},
    {"specific", specific},   {"threads", threads},       {"cxx", cxx},           {"openmp", openmp},
    {"openssl", openssl},
};

__attribute__((noinline)) static void plant() {
  void *volatile lost = malloc(1999993);
  (void)lost;
}

int main(int count, char **arguments) {
  plant();
  for (int at = 1; at < count; ++at) {
    if (strcmp(arguments[at], "owned") == 0) owned = true;
    if (strcmp(arguments[at], "exit") == 0) exits = true;
    for (const auto &action : actions) {
      if (strcmp(arguments[at], action.name) == 0) action.act();
    }
  }
  fflush(stdout);
  if (exits) exit(0);
  // From a handler, so that nobody looks for holders: without them the rules must do.
  signal(SIGUSR1, [](int) { _exit(0); });
  raise(SIGUSR1);
}
