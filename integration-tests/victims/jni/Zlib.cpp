// Native half of Zlib.java: code under test that uses the system's zlib for itself.

#include <dlfcn.h>
#include <jni.h>

#include <cstdio>
#include <cstdlib>

namespace {
// As large as zlib's z_stream, and all zeros: zlib then takes its memory by malloc.
struct Stream {
  char bytes[112];
};
static Stream stream;
}  // namespace

extern "C" JNIEXPORT void JNICALL Java_Zlib_stream(JNIEnv*, jclass, jboolean open) {
  void* library = dlopen("libz.so.1", RTLD_NOW);
  auto init = reinterpret_cast<int (*)(Stream*, const char*, int)>(dlsym(library, "inflateInit_"));
  auto end = reinterpret_cast<int (*)(Stream*)>(dlsym(library, "inflateEnd"));
  int wrong = open ? init(&stream, "1.2", sizeof(Stream)) : end(&stream);
  if (wrong != 0) {
    std::fprintf(stderr, "zlib gives %d\n", wrong);
    std::abort();
  }
}
