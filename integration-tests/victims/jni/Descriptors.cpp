// Native half of Descriptors.java.
#include <fcntl.h>
#include <jni.h>
#include <unistd.h>

#include <vector>

extern "C" JNIEXPORT void JNICALL Java_Descriptors_opened(JNIEnv*, jclass, jint times,
                                                          jboolean release) {
  for (int i = 0; i < times; i++) {
    int number = open("/proc/self/status", O_RDONLY);
    if (release) close(number);
  }
}

// One that is opened at the first use and stays, as that of a source of random numbers.
static int source = -1;

extern "C" JNIEXPORT void JNICALL Java_Descriptors_used(JNIEnv*, jclass) {
  if (source < 0) source = open("/proc/self/maps", O_RDONLY);
}

// Files that a database keeps open.
struct File {
  const char* name;
  int number;
};
static std::vector<File*>* files;

extern "C" JNIEXPORT void JNICALL Java_Descriptors_keep(JNIEnv*, jclass, jint times) {
  files = new std::vector<File*>;
  for (int i = 0; i < times; i++) {
    files->push_back(new File{"status", open("/proc/self/status", O_RDONLY)});
  }
}

// Gives the files back; whether it closes them, too, is the caller's choice.
extern "C" JNIEXPORT void JNICALL Java_Descriptors_drop(JNIEnv*, jclass, jboolean release) {
  for (File* file : *files) {
    if (release) close(file->number);
    delete file;
  }
  delete files;
  files = nullptr;
}
