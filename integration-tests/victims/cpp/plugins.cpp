// Loads and unloads two plugins in turn, and calls them.
//
//   plugins PLUGIN_A PLUGIN_B ROUNDS [LEAKED]    the last LEAKED rounds leak 1,000,003 (A) or 1,100,009 (B) bytes each
//
// Prints how often a plugin's function was found at the address of the other plugin's one before it.
#include "victim.h"

int main(int argc, char** argv) {
  long rounds = std::atol(argv[3]);
  long leaked = argc > 4 ? std::atol(argv[4]) : 0;
  void* last = nullptr;
  long reused = 0;
  checkpoint("start");
  for (long i = 0; i < rounds; i++) {
    void* library = dlopen(argv[1 + i % 2], RTLD_NOW);
    if (!library) {
      std::fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
    void* symbol = dlsym(library, "plugin_pair");
    reused += symbol == last;
    last = symbol;
    for (int k = 0; k < 20; k++) reinterpret_cast<void (*)()>(symbol)();
    if (rounds - i <= leaked) {
      auto leak = reinterpret_cast<void (*)(size_t)>(dlsym(library, "plugin_leak"));
      leak(i % 2 ? 1'100'009 : 1'000'003);
    }
    dlclose(library);
  }
  std::printf("reused %ld\n", reused);
  return 0;
}
