// Native half of NativeExceptions.java.
#include <jni.h>

#include <stdexcept>
#include <string>

#include "victim.h"

NOINLINE static void throw_and_catch(const std::string& message) {
  try {
    throw std::runtime_error(message);
  } catch (std::exception& e) {
    keep(e);
  }
}

extern "C" JNIEXPORT void JNICALL Java_NativeExceptions_thrower(JNIEnv* env, jclass type, jint depth) {
  std::string text(100, 'x');
  throw_and_catch(text);
  if (depth > 0) {
    env->CallStaticVoidMethod(type, env->GetStaticMethodID(type, "again", "(I)V"), depth - 1);
    return;
  }
  env->ThrowNew(env->FindClass("java/lang/IllegalStateException"), "from native");
}

extern "C" JNIEXPORT void JNICALL Java_NativeExceptions_plant(JNIEnv*, jclass) {
  plant(1'999'993);
  asm volatile("");
}
