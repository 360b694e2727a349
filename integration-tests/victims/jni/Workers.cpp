// Native half of Workers.java.
#include <dlfcn.h>
#include <errno.h>
#include <jni.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

const size_t len = 4096;

// A word of the frames in which the JVM has begun this thread that is the address of no memory; 0 where there is none.
uintptr_t names_nothing() {
  Dl_info info;
  void** frame = static_cast<void**>(__builtin_frame_address(0));
  void** first = nullptr;
  while (*frame > frame) {
    bool of_jvm = dladdr(frame[1], &info) != 0 && strstr(info.dli_fname, "/libjvm.so") != nullptr;
    if (first == nullptr && of_jvm) first = frame;
    frame = static_cast<void**>(*frame);
  }
  for (void** at = frame; first != nullptr && at > first; at--) {
    uintptr_t word = reinterpret_cast<uintptr_t>(*at);
    unsigned char in_core[1];
    void* page = reinterpret_cast<void*>(word & ~(len - 1));
    bool may_be = word > 1ul << 37 && word < 1ul << 40;
    if (may_be && mincore(page, len, in_core) != 0 && errno == ENOMEM) return word;
  }
  return 0;
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

JNIEXPORT jlong JNICALL Java_Workers_map(JNIEnv*, jclass) {
  uintptr_t word = names_nothing();
  void* at = reinterpret_cast<void*>(word & ~(len - 1));
  if (word == 0) return 0;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  void* mapped = mmap(at, len, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (mapped == MAP_FAILED) return 0;
  if (mapped != at) abort();
  return ~reinterpret_cast<jlong>(mapped);
}

JNIEXPORT void JNICALL Java_Workers_unmap(JNIEnv*, jclass, jlong turned) {
  munmap(reinterpret_cast<void*>(~turned), len);
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
