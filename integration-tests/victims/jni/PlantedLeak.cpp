// Native half of PlantedLeak.java.
#include <jni.h>

#include "victim.h"

NOINLINE static char* inner(size_t bytes) {
  char* block = new char[bytes];  // here: planted
  keep(block);
  return block;
}

extern "C" JNIEXPORT void JNICALL Java_PlantedLeak_plant(JNIEnv*, jclass, jint bytes, jboolean free) {
  char* block = inner(static_cast<size_t>(bytes));
  if (free) delete[] block;
}
