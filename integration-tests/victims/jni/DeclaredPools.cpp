// Native half of DeclaredPools.java: a pool whose functions other code calls by their symbols, and one that nobody can see.
#include <jni.h>

#include <cstddef>
#include <stdexcept>

#define METHOD(result, name) extern "C" JNIEXPORT result JNICALL Java_DeclaredPools_##name
#define NOINLINE __attribute__((noinline))

static char pool[100 * 64];
static int next;

// Throws and allocates on its way, which must find its way back through the recorder's code.
extern "C" NOINLINE void* arena_take(void* from, size_t size, int odd, int a, int b, int c) {
  try {
    delete new char[999'983];
    if (odd) throw std::runtime_error("odd");
  } catch (const std::runtime_error&) {
  }
  if (a + b + c != 6 || size < 64) throw std::invalid_argument("arguments were changed");
  return static_cast<char*>(from) + 64 * (next++ % 100);
}

extern "C" NOINLINE void arena_give(void*, void* object) {
  if (object == nullptr) throw std::invalid_argument("null");
}

extern "C" NOINLINE void* counted_take() { return pool + 64 * (next++ % 100); }

struct Table {
  void* (*take)();
};
extern "C" Table table = {counted_take};

__attribute__((visibility("hidden"))) NOINLINE void* hidden_take(int at) { return pool + at; }
__attribute__((visibility("hidden"))) NOINLINE void hidden_give(void* object) { *static_cast<char*>(object) = 0; }

METHOD(jlong, take)(JNIEnv*, jclass, jint size) {
  return reinterpret_cast<jlong>(arena_take(pool, size, next & 1, 1, 2, 3));
}
METHOD(void, give)(JNIEnv*, jclass, jlong object) { arena_give(pool, reinterpret_cast<void*>(object)); }
METHOD(jlong, takeThroughTable)(JNIEnv*, jclass) { return reinterpret_cast<jlong>(table.take()); }
METHOD(void, hidden)(JNIEnv*, jclass) { hidden_give(hidden_take(1)); }
