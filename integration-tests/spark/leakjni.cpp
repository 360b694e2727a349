// What the job's UDFs call. Sizes that nothing else has: 100,003 bytes of new[] and 30,011 of
// malloc.
#include <jni.h>

#include <cstdlib>
#include <cstring>

namespace {
void *volatile sink;

void lose(void *block, int bytes) {
  memset(block, 1, bytes);
  sink = block;
  sink = nullptr;
}
}  // namespace

extern "C" {
__attribute__((noinline)) void leak_new(int bytes) { lose(new char[bytes], bytes); }
__attribute__((noinline)) void leak_malloc(int bytes) { lose(malloc(bytes), bytes); }

JNIEXPORT void JNICALL Java_leak_Native_leakNew(JNIEnv *, jclass, jint bytes) { leak_new(bytes); }
JNIEXPORT void JNICALL Java_leak_Native_leakMalloc(JNIEnv *, jclass, jint bytes) { leak_malloc(bytes); }
JNIEXPORT void JNICALL Java_leak_Native_clean(JNIEnv *, jclass, jint bytes) {
  char *block = new char[bytes];
  memset(block, 1, bytes);
  sink = block;
  sink = nullptr;
  delete[] block;
}
}
