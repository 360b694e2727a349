// Native half of Attaching.java.

#include <jni.h>
#include <pthread.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "victim.h"

static JavaVM* vm;
static pthread_key_t key;
static std::mutex mutex;
static std::condition_variable changed;
static bool let_go = false;
static int attached_now = 0;
static std::vector<std::thread> waiting;

extern "C" JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM* given, void*) {
  vm = given;
  pthread_key_create(&key, [](void*) { vm->DetachCurrentThread(); });
  return JNI_VERSION_1_8;
}

static void check(bool right, const char* what) {
  if (!right) {
    std::fprintf(stderr, "%s\n", what);
    std::abort();
  }
}

NOINLINE static JNIEnv* attach(const char* name, bool daemon) {
  JNIEnv* env = nullptr;
  JavaVMAttachArgs arguments{JNI_VERSION_1_8, const_cast<char*>(name), nullptr};
  void** place = reinterpret_cast<void**>(&env);
  void* given = name == nullptr ? nullptr : &arguments;
  jint result = daemon ? vm->AttachCurrentThreadAsDaemon(place, given)
                       : vm->AttachCurrentThread(place, given);
  check(result == JNI_OK && env != nullptr, "no thread could be attached");
  return env;
}

static std::string name_of(int number) { return "worker-" + std::to_string(number); }

extern "C" JNIEXPORT void JNICALL Java_Attaching_threads(JNIEnv*, jclass, jint count,
                                                         jboolean named, jboolean daemon,
                                                         jint attaches, jint detach) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; i++) {
    threads.emplace_back([=] {
      std::string name = name_of(i + 1);
      for (int n = 0; n < attaches; n++) {
        attach(named ? name.c_str() : nullptr, daemon);
      }
      if (detach == 1) {
        vm->DetachCurrentThread();
        // Once more is no error of the JVM's.
        vm->DetachCurrentThread();
      } else if (detach == 2) {
        pthread_setspecific(key, vm);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

extern "C" JNIEXPORT void JNICALL Java_Attaching_waiting(JNIEnv*, jclass, jint count) {
  let_go = false;
  attached_now = 0;
  for (int i = 0; i < count; i++) {
    waiting.emplace_back([i] {
      std::string name = "pool-" + std::to_string(i + 1);
      attach(name.c_str(), true);
      std::unique_lock<std::mutex> lock(mutex);
      attached_now++;
      changed.notify_all();
      changed.wait(lock, [] { return let_go; });
      lock.unlock();
      vm->DetachCurrentThread();
    });
  }
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait(lock, [count] { return attached_now == count; });
}

extern "C" JNIEXPORT void JNICALL Java_Attaching_letGo(JNIEnv*, jclass) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    let_go = true;
    changed.notify_all();
  }
  for (std::thread& thread : waiting) {
    thread.join();
  }
  waiting.clear();
}

extern "C" JNIEXPORT void JNICALL Java_Attaching_attachAgain(JNIEnv* env, jclass) {
  check(attach("mine", false) == env, "another environment");
}

NOINLINE static void push_and_pop(JNIEnv* env, int pushed, int popped) {
  for (int i = 0; i < pushed; i++) {
    check(env->PushLocalFrame(16) == 0, "no frame");
    asm volatile("");
  }
  for (int i = 0; i < popped; i++) {
    env->PopLocalFrame(nullptr);
  }
}

extern "C" JNIEXPORT void JNICALL Java_Attaching_frames(JNIEnv* env, jclass, jint pushed,
                                                        jint popped) {
  push_and_pop(env, pushed, popped);
}

extern "C" JNIEXPORT void JNICALL Java_Attaching_framesInThread(JNIEnv*, jclass, jint pushed,
                                                                jint popped) {
  std::thread([=] {
    push_and_pop(attach("framing", false), pushed, popped);
    vm->DetachCurrentThread();
  }).join();
}

// Functions that give a local reference, by number.
NOINLINE static jobject make(JNIEnv* env, jclass type, int how) {
  static jmethodID give = env->GetStaticMethodID(type, "give", "()Ljava/lang/Object;");
  switch (how) {
    case 0: return env->NewStringUTF("text");
    case 1: return env->NewLocalRef(type);
    case 2: return env->GetObjectClass(type);
    case 3: return env->CallStaticObjectMethod(type, give);
    case 4: return env->NewByteArray(3);
    case 5: return env->FindClass("java/lang/String");
    case 6: return env->AllocObject(env->GetSuperclass(type));
    case 7: return env->NewObjectArray(1, type, nullptr);
    case 8: {
      jclass object = env->GetSuperclass(type);
      jobject made = env->NewObject(object, env->GetMethodID(object, "<init>", "()V"));
      env->DeleteLocalRef(object);
      return made;
    }
    case 9: {
      jmethodID hash = env->GetMethodID(type, "toString", "()Ljava/lang/String;");
      return env->CallObjectMethod(type, hash);
    }
    case 10: {
      jclass string = env->FindClass("java/lang/String");
      jmethodID of = env->GetStaticMethodID(string, "valueOf", "(I)Ljava/lang/String;");
      jobject made = env->CallStaticObjectMethod(string, of, 70'000);
      env->DeleteLocalRef(string);
      return made;
    }
    case 11: {
      jclass string = env->FindClass("java/lang/String");
      jmethodID of = env->GetStaticMethodID(string, "valueOf", "(D)Ljava/lang/String;");
      jvalue number;
      number.d = 1.5;
      jobject made = env->CallStaticObjectMethodA(string, of, &number);
      env->DeleteLocalRef(string);
      return made;
    }
    case 12: {
      jclass object = env->GetSuperclass(type);
      jmethodID text = env->GetMethodID(object, "toString", "()Ljava/lang/String;");
      jobject made = env->CallNonvirtualObjectMethod(type, object, text);
      env->DeleteLocalRef(object);
      return made;
    }
    default: return env->ToReflectedMethod(type, give, JNI_TRUE);
  }
}

NOINLINE static void make_and_delete(JNIEnv* env, jclass type, int made, int deleted, int how) {
  for (int i = 0; i < made; i++) {
    jobject object = make(env, type, how);
    check(object != nullptr, "no object");
    if (i < deleted) {
      env->DeleteLocalRef(object);
    }
    asm volatile("");
  }
}

extern "C" JNIEXPORT void JNICALL Java_Attaching_references(JNIEnv* env, jclass type, jint made,
                                                            jint deleted, jint how) {
  make_and_delete(env, type, made, deleted, how);
}

extern "C" JNIEXPORT void JNICALL Java_Attaching_referencesInFrames(JNIEnv* env, jclass type,
                                                                    jint frames, jint each) {
  for (int i = 0; i < frames; i++) {
    check(env->PushLocalFrame(each) == 0, "no frame");
    make_and_delete(env, type, each, 0, 0);
    env->PopLocalFrame(nullptr);
  }
}

extern "C" JNIEXPORT void JNICALL Java_Attaching_referencesInThread(JNIEnv* env, jclass type,
                                                                    jint made, jint deleted,
                                                                    jboolean detach) {
  let_go = false;
  attached_now = 0;
  jobject global = env->NewGlobalRef(type);
  std::thread thread([=] {
    JNIEnv* own = attach("handler", true);
    make_and_delete(own, static_cast<jclass>(global), made, deleted, 0);
    own->DeleteGlobalRef(global);
    if (detach) {
      vm->DetachCurrentThread();
    }
    std::unique_lock<std::mutex> lock(mutex);
    attached_now++;
    changed.notify_all();
    changed.wait(lock, [] { return let_go; });
    lock.unlock();
    vm->DetachCurrentThread();
  });
  waiting.push_back(std::move(thread));
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait(lock, [] { return attached_now == 1; });
}
