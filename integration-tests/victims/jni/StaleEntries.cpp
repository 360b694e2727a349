// Native half of StaleEntries.java.
#include <alloca.h>
#include <jni.h>

#include "victim.h"

extern "C" void with_garbage(JNIEnv* env, const char* name, void* function, long pad);

// Calls function(env, name) with `pad` bytes of stack below, and with a frame-pointer register that
// holds none, as code without frame pointers may.
asm(R"(
.globl with_garbage
.type with_garbage, @function
with_garbage:
  .cfi_startproc
  push %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_offset rbp, -16
  push %rbx
  .cfi_adjust_cfa_offset 8
  .cfi_offset rbx, -24
  mov %rsp, %rbx
  .cfi_def_cfa rbx, 24
  sub %rcx, %rsp
  movabs $0x9000000000000040, %rbp
  call *%rdx
  mov %rbx, %rsp
  pop %rbx
  pop %rbp
  ret
  .cfi_endproc
.size with_garbage, .-with_garbage
)");

__attribute__((noinline, optimize("no-omit-frame-pointer"))) static int innocent(int x) {
  volatile int words[4] = {x};
  return words[0] + 1;
}

extern "C" JNIEXPORT void JNICALL Java_StaleEntries_look(JNIEnv* env, jclass, jint pad) {
  void* find = reinterpret_cast<void*>(env->functions->FindClass);
  if (pad & 8) {
    // Odd multiples of 8 leave the stack aligned at the call.
    with_garbage(env, "java/lang/String", find, pad);
  } else {
    volatile char* space = static_cast<char*>(alloca(pad));
    space[0] = 1;
    env->FindClass("java/lang/String");
    space[1] = 2;
  }
}

extern "C" JNIEXPORT jlong JNICALL Java_StaleEntries_address(JNIEnv*, jclass) {
  innocent(1);
  return reinterpret_cast<jlong>(&innocent) + 12;
}

NOINLINE static void block(jint size) { plant(size); }

extern "C" JNIEXPORT void JNICALL Java_StaleEntries_leak(JNIEnv*, jclass, jint size) {
  block(size);
  asm volatile("");
}

// Calls StaleEntries.back(depth); `pad` bytes of stack lie between.
extern "C" JNIEXPORT void JNICALL Java_StaleEntries_nested(JNIEnv* env, jclass type, jint depth,
                                                           jint pad) {
  volatile char* space = static_cast<char*>(alloca(pad));
  space[0] = 1;
  jmethodID back = env->GetStaticMethodID(type, "back", "(ID)V");
  // The open list, the list, the array: three ways to pass the same arguments.
  switch (pad % 3) {
    case 0:
      env->CallStaticVoidMethod(type, back, depth, 0.5);
      break;
    case 1: {
      jvalue arguments[2];
      arguments[0].i = depth;
      arguments[1].d = 0.5;
      env->CallStaticVoidMethodA(type, back, arguments);
      break;
    }
    default: {
      auto call = [](JNIEnv* env, jclass type, jmethodID method, ...) {
        va_list list;
        va_start(list, method);
        env->CallStaticVoidMethodV(type, method, list);
        va_end(list);
      };
      call(env, type, back, depth, 0.5);
    }
  }
  space[1] = 2;
}
