// Two threads that each load a plugin, call it and unload it, over and over.
//
//   closing_in_threads PLUGIN_A PLUGIN_B ROUNDS
#include <thread>

#include "victim.h"

static void close_often(const char* plugin, long rounds) {
  for (long i = 0; i < rounds; i++) {
    void* library = dlopen(plugin, RTLD_NOW);
    if (!library) std::abort();
    reinterpret_cast<void (*)()>(dlsym(library, "plugin_pair"))();
    dlclose(library);
  }
}

int main(int, char** argv) {
  long rounds = std::atol(argv[3]);
  std::thread other(close_often, argv[1], rounds);
  close_often(argv[2], rounds);
  other.join();
  plant(1'999'993);
  return 9;
}
