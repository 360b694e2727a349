// A thread-local variable of a library. How it is reached is a matter of flags.
#include "thread_locals.h"

static thread_local char *volatile local;

extern "C" void keep_local(uintptr_t disguised) { keep_in(&local, disguised); }
