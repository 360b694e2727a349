// Native half of Started.java: threads that run until they are told to end.

#include <jni.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include <vector>

namespace {
sem_t running;
sem_t told;
sem_t over;
std::vector<pthread_t> threads;

void* run(void*) {
  sem_post(&running);
  sem_wait(&told);
  sem_post(&over);
  return nullptr;
}
}  // namespace

extern "C" JNIEXPORT void JNICALL Java_Started_start(JNIEnv*, jclass, jint times) {
  sem_init(&running, 0, 0);
  sem_init(&told, 0, 0);
  sem_init(&over, 0, 0);
  threads.resize(times);
  for (auto& thread : threads) {
    if (pthread_create(&thread, nullptr, run, nullptr) != 0) _exit(3);
  }
  for (int i = 0; i < times; i++) sem_wait(&running);
}

extern "C" JNIEXPORT void JNICALL Java_Started_end(JNIEnv*, jclass, jboolean join) {
  for (size_t i = 0; i < threads.size(); i++) sem_post(&told);
  for (size_t i = 0; i < threads.size(); i++) sem_wait(&over);
  for (auto& thread : threads) {
    if (join) pthread_join(thread, nullptr);
  }
}
