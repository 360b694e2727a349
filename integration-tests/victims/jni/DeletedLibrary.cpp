// A library that is deleted as soon as it is loaded. Its constructor leaks 3,999,971 bytes, each call of its function
// 1,999,993; with OWN_MALLOC from an allocator of its own that nobody outside can see.
#include <cstddef>

#ifdef OWN_MALLOC
static char pool[8 << 20];
static size_t used;
extern "C" __attribute__((visibility("hidden"))) void *malloc(size_t bytes) {
    void *block = pool + used;
    used += (bytes + 15) & ~size_t{15};
    return block;
}
#else
extern "C" void *malloc(size_t);
#endif
#ifndef NAME
#define NAME named
#endif
#define PASTE(name) Java_DeletedLibrary_##name
#define METHOD(name) PASTE(name)

static void *volatile last;

__attribute__((constructor)) static void constructed() {
    last = malloc(3'999'971);
    last = nullptr;
}

extern "C" void METHOD(NAME)(void *, void *) {
    last = malloc(1'999'993); // here: planted
    last = nullptr;
}
