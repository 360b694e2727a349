// Native half of Workers.java.
#include <jni.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace {

std::thread worker;
std::mutex lock;
std::condition_variable wake;
bool made, ends;
std::atomic<bool> spins;

__attribute__((noinline)) void* block() { return calloc(1, 4000); }

__attribute__((noinline)) void litter(void* mine) {
  void* volatile words[4096];
  for (void* volatile& word : words) word = mine;
}

void run(int blocks, bool waits) {
  void* volatile last = nullptr;
  for (int i = 0; i < blocks; i++) last = block();
  std::unique_lock<std::mutex> locked(lock);
  made = true;
  wake.notify_all();
  if (waits) {
    while (!ends) wake.wait(locked);
  } else {
    locked.unlock();
    while (spins) continue;
  }
  free(last);
}

}  // namespace

extern "C" {

JNIEXPORT void JNICALL Java_Workers_work(JNIEnv*, jclass, jint blocks, jboolean waits) {
  made = ends = false;
  spins = true;
  worker = std::thread(run, blocks, waits == JNI_TRUE);
  std::unique_lock<std::mutex> locked(lock);
  while (!made) wake.wait(locked);
}

JNIEXPORT void JNICALL Java_Workers_end(JNIEnv*, jclass) {
  {
    std::lock_guard<std::mutex> locked(lock);
    ends = true;
    spins = false;
    wake.notify_all();
  }
  worker.join();
}

JNIEXPORT jlong JNICALL Java_Workers_pipe(JNIEnv*, jclass) {
  int ends[2];
  if (pipe(ends) != 0) abort();
  return static_cast<jlong>(ends[1]) << 32 | ends[0];
}

JNIEXPORT jlong JNICALL Java_Workers_leak(JNIEnv*, jclass) {
  // The frames of Java code come first.
  volatile char frames[2048] = {};
  void* mine = block();
  litter(mine);
  if (frames[0] != 0) abort();
  return ~reinterpret_cast<jlong>(mine);
}

JNIEXPORT void JNICALL Java_Workers_free(JNIEnv*, jclass, jlong turned) {
  free(reinterpret_cast<void*>(~turned));
}

JNIEXPORT void JNICALL Java_Workers_write(JNIEnv*, jclass, jlong pipe) {
  for (int fd : {static_cast<int>(pipe >> 32), static_cast<int>(pipe)}) {
    if (fd == static_cast<int>(pipe >> 32) && write(fd, "x", 1) != 1) abort();
    close(fd);
  }
}

}
