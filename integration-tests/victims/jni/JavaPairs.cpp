// Native half of JavaPairs.java.
#include <jni.h>

#include "victim.h"

NOINLINE static char* inner(jint bytes) {
  char* block = new char[static_cast<size_t>(bytes)];
  keep(block);
  return block;
}

extern "C" JNIEXPORT jlong JNICALL Java_JavaPairs_allocate(JNIEnv*, jclass, jint bytes) {
  return reinterpret_cast<jlong>(inner(bytes));
}

extern "C" JNIEXPORT void JNICALL Java_JavaPairs_free(JNIEnv*, jclass, jlong block) {
  delete[] reinterpret_cast<char*>(block);
}
