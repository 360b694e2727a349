// Native half of ReplacedBlocks.java.
#include <jni.h>

#include "victim.h"

extern "C" JNIEXPORT jlong JNICALL Java_ReplacedBlocks_allocate(JNIEnv*, jclass, jint bytes) {
  char* block = new char[static_cast<size_t>(bytes)];
  keep(block);
  return reinterpret_cast<jlong>(block);
}

extern "C" JNIEXPORT void JNICALL Java_ReplacedBlocks_free(JNIEnv*, jclass, jlong block) {
  delete[] reinterpret_cast<char*>(block);
}
