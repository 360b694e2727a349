// Native half of Children.java.
#include <jni.h>

#include "victim.h"

extern "C" JNIEXPORT void JNICALL Java_Children_plant(JNIEnv*, jclass) { plant(1'999'993); }
