// Native half of Chaos.java. Blocks that stay are `new[]`; a size of 0 leaves nothing.
#include <jni.h>
#include <pthread.h>
#include <unistd.h>

#include <csetjmp>
#include <csignal>

#include "../chaos/garbage.h"
#include "victim.h"

#define NATIVE(type, name, ...) extern "C" JNIEXPORT type JNICALL Java_Chaos_##name(JNIEnv* env, jclass, ##__VA_ARGS__)

NOINLINE static void pair(size_t bytes) {
  char* block = new char[bytes];
  keep(block);
  delete[] block;
}

NOINLINE static void leave(jint bytes) {
  if (bytes == 0) return pair(38);
  plant(static_cast<size_t>(bytes));
  asm volatile("");
}

NOINLINE static void call(JNIEnv* env, jobject task, jint nest) {
  jclass type = env->GetObjectClass(task);
  env->CallVoidMethod(task, env->GetMethodID(type, "run", "(I)V"), nest);
  asm volatile("");
}

NATIVE(void, touch, jint bytes) {
  (void)env;
  pair(static_cast<size_t>(bytes));
  asm volatile("");
}

NATIVE(void, plant, jint bytes) {
  (void)env;
  leave(bytes);
  asm volatile("");
}

NATIVE(jint, back, jint before, jint after, jobject task) {
  leave(before);
  call(env, task, 1);
  if (env->ExceptionCheck()) return 0;
  leave(after);
  return 1;
}

NATIVE(void, throwing, jint bytes) {
  leave(bytes);
  env->ThrowNew(env->FindClass("Chaos$Odd"), "from native code");
  pair(30);
}

NATIVE(void, through, jint bytes, jint after, jobject task, jboolean clear) {
  leave(bytes);
  call(env, task, 0);
  if (clear) {
    env->ExceptionClear();
    leave(after);
  }
  pair(26);
}

NOINLINE static void jump_below(jint depth, jint bytes, jmp_buf& target) {
  volatile char frame[40];
  frame[0] = 1;
  if (depth > 0) jump_below(depth - 1, bytes, target);
  leave(bytes);
  if (frame[0] == 1) longjmp(target, 1);
  keep(frame);
}

NATIVE(void, jump, jint bytes, jint depth) {
  (void)env;
  jmp_buf target;
  if (setjmp(target) == 0) jump_below(depth, bytes, target);
  pair(44);
}

struct Garbled {
  JNIEnv* env;
  jint bytes;
  jobject task;
};

static void garbled_inner(void* argument) {
  auto& self = *static_cast<Garbled*>(argument);
  leave(self.bytes);
  if (self.task) call(self.env, self.task, 0);
  pair(28);
  asm volatile("");
}

NATIVE(void, garbled, jint bytes, jobject task, jlong seed) {
  Random random{static_cast<uint64_t>(seed)};
  Garbled self{env, bytes, task};
  uint64_t value = strange::garbage(random);
  (random.one_in(2) ? strange_call : strange_call_untold)(garbled_inner, &self, value);
  pair(32);
}

__attribute__((noinline, optimize("no-omit-frame-pointer"))) static int framed(int x) {
  volatile int numbers[4] = {x};
  return numbers[0] + 1;
}

// Numbers that a walker may take for an address of code, of a function that keeps a frame pointer too, or of the stack.
NATIVE(jlong, misleading, jint which) {
  (void)env;
  volatile char here = static_cast<char>(framed(which));
  keep(here);
  if (which == 0) return reinterpret_cast<jlong>(&here) + 4096;
  if (which < 3) return reinterpret_cast<jlong>(&call) + which;
  return reinterpret_cast<jlong>(&framed) + 12;
}

NATIVE(void, critical, jbyteArray array, jint bytes) {
  void* elements = env->GetPrimitiveArrayCritical(array, nullptr);
  leave(bytes);
  *static_cast<char*>(elements) = 4;
  env->ReleasePrimitiveArrayCritical(array, elements, 0);
}

struct Attaching {
  JavaVM* vm;
  jint bytes, step;
};

static void* attach(void* argument) {
  auto& self = *static_cast<Attaching*>(argument);
  for (int i = 0; i < 3; i++) {
    pair(static_cast<size_t>(self.bytes));
    JNIEnv* env = nullptr;
    self.vm->AttachCurrentThread(reinterpret_cast<void**>(&env), nullptr);
    // FindClass of an attached thread asks the system class loader, which has it.
    jclass type = env->FindClass("ChaosPieces");
    env->CallStaticVoidMethod(type, env->GetStaticMethodID(type, "fromNativeThread", "(I)V"), self.step);
    self.vm->DetachCurrentThread();
    pair(static_cast<size_t>(self.bytes));
  }
  return nullptr;
}

NATIVE(void, attached, jint threads, jint bytes, jint step) {
  Attaching self{nullptr, bytes, step};
  env->GetJavaVM(&self.vm);
  pthread_t all[8];
  for (int i = 0; i < threads; i++) pthread_create(&all[i], nullptr, attach, &self);
  for (int i = 0; i < threads; i++) pthread_join(all[i], nullptr);
}

NATIVE(jobject, wrap, jint bytes) {
  char* block = new char[bytes];
  keep(block);
  return env->NewDirectByteBuffer(block, bytes);
}

static void look_up(void* env) { static_cast<JNIEnv*>(env)->FindClass("java/util/Optional"); }

// Calls back into Java (class loading) from a frame of that size, with garbage in rbp, and returns: what was noted of it
// is stale then.
NATIVE(void, lookUp, jint pad, jlong seed) {
  Random random{static_cast<uint64_t>(seed)};
  uint64_t value = random.one_in(2) ? strange::garbage(random) : 0x8000'0000'0000'0020;
  auto* frame = static_cast<volatile char*>(__builtin_alloca(static_cast<size_t>(pad)));
  frame[0] = 1;
  strange_call(look_up, env, value);
  if (pad % 32 == 0) pair(22);
  keep(*frame);
}

NATIVE(void, raise, jint signal) {
  (void)env;
  if (signal == SIGKILL) kill(getpid(), SIGKILL);
  raise(signal);
}
