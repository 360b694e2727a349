// Native half of Opening.java.

#include <jni.h>

#include "victim.h"

// Written so that nobody finds a handle here.
static uintptr_t hidden[64];
static int count;
static void* kept;

static void* open() {
  void* library = dlopen("libresolv.so.2", RTLD_NOW);
  if (!library) std::abort();
  return library;
}

extern "C" JNIEXPORT void JNICALL Java_Opening_open(JNIEnv*, jclass, jint times) {
  for (int i = 0; i < times; i++) hidden[count++] = ~reinterpret_cast<uintptr_t>(open());
}

extern "C" JNIEXPORT void JNICALL Java_Opening_close(JNIEnv*, jclass) {
  while (count > 0) dlclose(reinterpret_cast<void*>(~hidden[--count]));
}

extern "C" JNIEXPORT jlong JNICALL Java_Opening_give(JNIEnv*, jclass) {
  return reinterpret_cast<jlong>(open());
}

extern "C" JNIEXPORT void JNICALL Java_Opening_take(JNIEnv*, jclass, jlong library) {
  dlclose(reinterpret_cast<void*>(library));
}

extern "C" JNIEXPORT void JNICALL Java_Opening_keep(JNIEnv*, jclass) { kept = open(); }

extern "C" JNIEXPORT void JNICALL Java_Opening_letGo(JNIEnv*, jclass) {
  dlclose(kept);
  kept = nullptr;
}
