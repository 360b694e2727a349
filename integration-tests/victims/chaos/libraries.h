// Libraries that come and go at the same addresses: plugin.cpp, built twice with other frames.
#pragma once
#include "control.h"

namespace libraries {

inline const char* plugins[2];

NOINLINE inline uint64_t piece_libraries(Step& step) {
  Random random = step.random();
  for (long i = 0; i < step.number("rounds"); i++) {
    void* library = dlopen(plugins[random.below(2)], random.one_in(3) ? RTLD_LAZY : RTLD_NOW);
    if (!library) give_up("open a library");
    auto pair = reinterpret_cast<void (*)()>(dlsym(library, "plugin_pair"));
    auto leak = reinterpret_cast<void (*)(size_t)>(dlsym(library, "plugin_leak"));
    for (unsigned k = random.below(6); k > 0; k--) pair();
    // What `plugin_leak` leaves is `new[]`, whatever the script says; so only those are left here.
    int at = step.left.load();
    if (at < step.leave_count && step.leaves[at].how == How::NewArray) {
      step.left = at + 1;
      leak(step.leaves[at].bytes);
    }
    if (random.one_in(4) && !dlopen(plugins[0], RTLD_NOW | RTLD_NOLOAD)) pair();
    else if (random.one_in(4)) dlclose(dlopen(plugins[0], RTLD_NOW));
    dlclose(library);
  }
  leave_rest(step);
  return random.next();
}

}  // namespace libraries
