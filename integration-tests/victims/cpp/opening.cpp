// Opens libraries in every way, and closes them or not.
//
//   opening each|clean|held|many|constructor|fork|path LIBRARY
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#include "victim.h"

static void check(bool is_right, const char* what) {
  if (is_right) return;
  std::fprintf(stderr, "wrong: %s\n", what);
  std::exit(3);
}

static void* open(const char* name, int flags = RTLD_NOW) {
  void* library = dlopen(name, flags);
  check(library != nullptr, "dlopen");
  return library;
}

NOINLINE static void never_closed(const char* path) {
  for (int i = 0; i < 3; i++) keep(open(path));
}

NOINLINE static void closed_too_seldom(const char* path) {
  void* library = nullptr;
  for (int i = 0; i < 7; i++) library = open(path, RTLD_LAZY | RTLD_GLOBAL);
  for (int i = 0; i < 2; i++) check(dlclose(library) == 0, "dlclose");
}

NOINLINE static void by_bare_name() {
  for (int i = 0; i < 2; i++) keep(open("libresolv.so.2"));
}

NOINLINE static void looked_for() {
  // It is loaded by now: what asks without loading counts, too.
  for (int i = 0; i < 4; i++) keep(open("libresolv.so.2", RTLD_NOW | RTLD_NOLOAD));
}

NOINLINE static void in_own_namespace() {
  keep(dlmopen(LM_ID_BASE, "libresolv.so.2", RTLD_NOW));
}

NOINLINE static void all_closed(const char* path) {
  for (const char* name : {path, "libm.so.6", "libanl.so.1"}) {
    void* library = open(name);
    void* again = open(name);
    check(library == again, "one handle for one library");
    check(dlclose(library) == 0 && dlclose(again) == 0, "dlclose");
  }
  // What failed is not open, and says so itself.
  for (const char* name : {"/nowhere/missing.so", "libmissing_altogether.so"}) {
    check(dlopen(name, RTLD_NOW) == nullptr, "a missing library");
    const char* error = dlerror();
    check(error && std::strstr(error, "missing"), "the error of a missing library");
    check(dlerror() == nullptr, "one error only");
  }
  check(dlopen("libanl.so.1", RTLD_NOW | RTLD_NOLOAD) == nullptr, "unloaded");
  // The program itself is always open.
  keep(open(nullptr));
}

static void* in_data;
struct Owner {
  long before = 1;
  void* library = nullptr;
};
static Owner* owner;

NOINLINE static void kept_in_data(const char* path) {
  in_data = open(path);
  keep(in_data);
}
NOINLINE static void kept_in_object() {
  owner = new Owner;
  owner->library = open("libresolv.so.2");
  keep(owner);
}

int main(int, char** arguments) {
  const char* what = arguments[1];
  const char* path = arguments[2];
  checkpoint("start");
  if (is(what, "each")) {
    never_closed(path);
    closed_too_seldom(path);
    by_bare_name();
    looked_for();
    in_own_namespace();
    all_closed("libm.so.6");
  } else if (is(what, "clean")) {
    for (int i = 0; i < 3; i++) all_closed(path);
  } else if (is(what, "held")) {
    kept_in_data(path);
    kept_in_object();
  } else if (is(what, "many")) {
    for (int i = 0; i < 10'000; i++) dlclose(open(i % 2 ? path : "libresolv.so.2"));
    never_closed(path);
  } else if (is(what, "constructor")) {
    never_closed(path);
  } else if (is(what, "fork")) {
    never_closed(path);
    if (pid_t child = fork()) {
      int status = 1;
      check(waitpid(child, &status, 0) == child && status == 0, "the child");
      return 0;
    }
    // What the parent has opened is not the child's to lose.
    keep(open("libresolv.so.2"));
  } else if (is(what, "path")) {
    // Only this program's own path leads there.
    keep(open("plugin.so"));
    // By now it is known by its name.
    keep(open("plugin.so"));
    // No folder of the path has it.
    keep(open("libresolv.so.2"));
    check(dlopen("$ORIGIN/missing.so", RTLD_NOW) == nullptr, "a missing library");
    check(dlerror() && !dlerror(), "one error");
  }
}
