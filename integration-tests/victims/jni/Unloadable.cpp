// Native half of Unloadable.java.
#include <jni.h>

#include "victim.h"

extern "C" JNIEXPORT void JNICALL Java_Unloadable_plant(JNIEnv*, jclass, jint bytes) {
  plant(static_cast<size_t>(bytes));
  asm volatile("");
}
