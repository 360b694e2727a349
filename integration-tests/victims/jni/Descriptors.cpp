// Native half of Descriptors.java.
#include <fcntl.h>
#include <jni.h>
#include <unistd.h>

extern "C" JNIEXPORT void JNICALL Java_Descriptors_opened(JNIEnv*, jclass, jint times,
                                                          jboolean release) {
  for (int i = 0; i < times; i++) {
    int number = open("/proc/self/status", O_RDONLY);
    if (release) close(number);
  }
}
