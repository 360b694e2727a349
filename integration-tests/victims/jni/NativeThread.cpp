// Native half of NativeThread.java.
#include <jni.h>

#include <thread>

#include "victim.h"

static JavaVM* vm;
static jclass type;

NOINLINE static void unattached() {
  plant(1'999'993);  // here: unattached
  asm volatile("");
}

NOINLINE static void detached() {
  plant(999'983);
  asm volatile("");
}

NOINLINE static void attached(JNIEnv* env) {
  env->CallStaticVoidMethod(type, env->GetStaticMethodID(type, "callback", "()V"));
  asm volatile("");
}

NOINLINE static void thread_body() {
  unattached();
  JNIEnv* env = nullptr;
  vm->AttachCurrentThread(reinterpret_cast<void**>(&env), nullptr);
  attached(env);
  vm->DetachCurrentThread();
  detached();
}

extern "C" JNIEXPORT void JNICALL Java_NativeThread_start(JNIEnv* env, jclass self) {
  env->GetJavaVM(&vm);
  type = static_cast<jclass>(env->NewGlobalRef(self));
  std::thread(thread_body).join();
  env->DeleteGlobalRef(type);
}

extern "C" JNIEXPORT void JNICALL Java_NativeThread_plant(JNIEnv*, jclass) {
  plant(2'999'999);
  asm volatile("");
}
