// `running LIBRARY`: calls `run` of that library.
#include "victim.h"

int main(int, char **arguments) {
  void *library = dlopen(arguments[1], RTLD_NOW);
  if (library == nullptr) return 2;
  reinterpret_cast<void (*)()>(dlsym(library, "run"))();
  return 0;
}
