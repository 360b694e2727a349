// Mapped memory that native code leaves, gives back and keeps.
#include <jni.h>
#include <sys/mman.h>

#include <cstdlib>

static void* kept[16];
static int count;

static void* pages(size_t number) {
  void* at = mmap(nullptr, number * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) std::abort();
  return at;
}

extern "C" JNIEXPORT void JNICALL Java_Mappings_mapped(JNIEnv*, jclass, jint times, jboolean release) {
  for (jint i = 0; i < times; i++) {
    void* at = pages(4);
    if (release) munmap(at, 4 * 4096);
  }
}

extern "C" JNIEXPORT void JNICALL Java_Mappings_keep(JNIEnv*, jclass, jint times) {
  for (jint i = 0; i < times; i++) kept[count++] = pages(3);
}

// What was kept is unmapped, or only forgotten.
extern "C" JNIEXPORT void JNICALL Java_Mappings_drop(JNIEnv*, jclass, jboolean release) {
  while (count > 0) {
    void* at = kept[--count];
    kept[count] = nullptr;
    if (release) munmap(at, 3 * 4096);
  }
}

// The address in a `long` of a Java object.
extern "C" JNIEXPORT jlong JNICALL Java_Mappings_address(JNIEnv*, jclass) {
  return reinterpret_cast<jlong>(pages(5)) + 8192;
}

// Unmaps one and keeps its address, as a careless program does.
static char* old;

extern "C" JNIEXPORT void JNICALL Java_Mappings_forget(JNIEnv*, jclass) {
  old = static_cast<char*>(pages(40));
  munmap(old, 40 * 4096);
}

// Maps something at that address and keeps it nowhere but in the mapping itself, as the head of an arena does.
// False where somebody else has the place.
extern "C" JNIEXPORT jboolean JNICALL Java_Mappings_again(JNIEnv*, jclass) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  void* at = mmap(old, 40 * 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (at == MAP_FAILED) return false;
  *static_cast<void**>(at) = at;
  return true;
}
