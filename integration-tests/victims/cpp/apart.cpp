// Loads a library into a namespace of its own, where the recorder is not.
//
//   apart LIBRARY kept|closed|both|missing
#include "victim.h"

static void lose_in(void* library, size_t bytes) {
  if (library == nullptr) std::abort();
  reinterpret_cast<void (*)(size_t)>(dlsym(library, "plugin_leak"))(bytes);
}

int main(int, char** arguments) {
  const char* what = arguments[2];
  checkpoint("start");
  if (is(what, "missing")) {
    keep(dlmopen(LM_ID_NEWLM, "/nowhere/missing.so", RTLD_NOW));
    return 0;
  }
  if (is(what, "both")) lose_in(dlopen(arguments[1], RTLD_NOW), 1'999'981);
  void* library = dlmopen(LM_ID_NEWLM, arguments[1], RTLD_NOW);
  lose_in(library, 1'999'982);
  if (is(what, "closed")) dlclose(library);
  // The namespace that the program is in is seen.
  if (is(what, "kept")) dlclose(dlmopen(LM_ID_BASE, "libm.so.6", RTLD_NOW | RTLD_DEEPBIND));
}
