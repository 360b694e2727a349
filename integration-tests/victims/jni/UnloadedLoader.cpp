// Native half of UnloadedLoader.java.
#include <jni.h>

#include "victim.h"

extern "C" JNIEXPORT void JNICALL Java_UnloadedLoader_plantAfterwards(JNIEnv*, jclass) { plant(1'300'021); }
