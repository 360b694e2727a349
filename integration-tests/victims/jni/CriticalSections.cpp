// Native half of CriticalSections.java.
#include <jni.h>
#include <time.h>

#include "victim.h"

extern "C" JNIEXPORT void JNICALL Java_CriticalSections_leakInside(JNIEnv* env, jclass, jbyteArray array, jint bytes) {
  void* elements = env->GetPrimitiveArrayCritical(array, nullptr);
  // Long enough for the collector to ask for a stop meanwhile.
  timespec pause{0, 200'000};
  nanosleep(&pause, nullptr);
  plant(static_cast<size_t>(bytes));
  nanosleep(&pause, nullptr);
  env->ReleasePrimitiveArrayCritical(array, elements, 0);
}
