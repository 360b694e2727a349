// Native half of BoundEarlier.java.
#include <jni.h>

#include "victim.h"

extern "C" JNIEXPORT void JNICALL Java_BoundEarlier_plant(JNIEnv*, jclass, jint bytes) {
  plant(static_cast<size_t>(bytes));
  asm volatile("");
}
