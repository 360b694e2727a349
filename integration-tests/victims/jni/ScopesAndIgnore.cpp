// Native half of ScopesAndIgnore.java.
#include <jni.h>

#include "victim.h"

extern "C" JNIEXPORT void JNICALL Java_ScopesAndIgnore_plant(JNIEnv*, jclass, jint bytes) {
  plant(static_cast<size_t>(bytes));
}
