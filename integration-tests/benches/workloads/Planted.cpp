// The natives of generated.Callers.
#include <jni.h>

#include "planted.h"

extern "C" JNIEXPORT void JNICALL Java_generated_Callers_leakNew(JNIEnv*, jclass, jint size) {
  planted_new(size);
  KEEP(size);
}

extern "C" JNIEXPORT void JNICALL Java_generated_Callers_leakMalloc(JNIEnv*, jclass, jint size) {
  planted_malloc(size);
  KEEP(size);
}

extern "C" JNIEXPORT void JNICALL Java_generated_Callers_twin(JNIEnv*, jclass, jint size) {
  freed_twin(size);
  KEEP(size);
}
