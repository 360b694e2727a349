// Native half of FirmHolders.java.
#include <jni.h>

#include "victim.h"

extern "C" JNIEXPORT jlong JNICALL Java_FirmHolders_allocate(JNIEnv*, jclass, jint bytes) {
  char* block = new char[static_cast<size_t>(bytes)];
  keep(block);
  return reinterpret_cast<jlong>(block);
}
