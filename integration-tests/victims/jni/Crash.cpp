// Native half of Crash.java.
#include <jni.h>

#include "victim.h"

static volatile int* volatile nowhere = nullptr;

extern "C" JNIEXPORT void JNICALL Java_Crash_plant(JNIEnv*, jclass) {
  plant(1'999'993);
  asm volatile("");
}

extern "C" JNIEXPORT void JNICALL Java_Crash_crash(JNIEnv*, jclass) { *nowhere = 1; }
