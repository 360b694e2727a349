// Loads a library that is to find its own dependencies before the program's.
//
//   deep_bind PLUGIN
#include "victim.h"

int main(int, char** arguments) {
  checkpoint("start");
  void* library = dlopen(arguments[1], RTLD_NOW | RTLD_DEEPBIND);
  auto leak = reinterpret_cast<void (*)(size_t)>(dlsym(library, "plugin_leak"));
  leak(1'999'993);
}
