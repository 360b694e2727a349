// Native half of Assertions.java.
#include <jni.h>

#include "victim.h"

extern "C" JNIEXPORT void JNICALL Java_Assertions_leak(JNIEnv*, jclass, jint bytes) {
  plant(static_cast<size_t>(bytes));
}
