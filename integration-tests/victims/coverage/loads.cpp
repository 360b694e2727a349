// Loads the library that it is given and lets it leak once: `loads LIBRARY [deepbind] [namespace] [wait]`.
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int count, char** arguments) {
  int flags = RTLD_NOW | RTLD_LOCAL;
  bool wait = false;
  Lmid_t space = LM_ID_BASE;
  for (int at = 2; at < count; at++) {
    if (strcmp(arguments[at], "deepbind") == 0) flags |= RTLD_DEEPBIND;
    if (strcmp(arguments[at], "namespace") == 0) space = LM_ID_NEWLM;
    if (strcmp(arguments[at], "wait") == 0) wait = true;
  }
  void* library = space == LM_ID_BASE ? dlopen(arguments[1], flags) : dlmopen(space, arguments[1], flags);
  if (library == nullptr) {
    fprintf(stderr, "%s\n", dlerror());
    return 9;
  }
  void (*leak)() = reinterpret_cast<void (*)()>(dlsym(library, "leak"));
  leak();
  if (wait) {
    puts("loaded");
    fflush(stdout);
    pause();
  }
  return 0;
}
