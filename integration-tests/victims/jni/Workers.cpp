#include <jni.h>
#include <stdlib.h>

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

}
