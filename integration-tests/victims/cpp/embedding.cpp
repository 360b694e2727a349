// A program that embeds a JVM in a way that the recorder does not meet: it asks for the function by its version. So with
// LD_PRELOAD alone the JNI boundary is watched from the first use of HackLeak on.
//
//   embedding LIBJVM OPTION... MAIN_CLASS ARGUMENT...     options begin with `-`; `-cp PATH` is understood
#include <jni.h>

#include <string>
#include <vector>

#include "victim.h"

using Create = jint (*)(JavaVM**, void**, void*);

static int run_main(JNIEnv* env, const char* name, char** arguments, int count) {
  jclass type = env->FindClass(name);
  if (!type) return 1;
  jmethodID main = env->GetStaticMethodID(type, "main", "([Ljava/lang/String;)V");
  jobjectArray array = env->NewObjectArray(count, env->FindClass("java/lang/String"), nullptr);
  for (int i = 0; i < count; i++) env->SetObjectArrayElement(array, i, env->NewStringUTF(arguments[i]));
  env->CallStaticVoidMethod(type, main, array);
  return env->ExceptionCheck() ? 1 : 0;
}

int main(int argc, char** argv) {
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
  auto create = reinterpret_cast<Create>(library ? dlvsym(library, "JNI_CreateJavaVM", "SUNWprivate_1.1") : nullptr);
  if (!create) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  std::vector<std::string> texts;
  int at = 2;
  for (; at < argc && argv[at][0] == '-'; at++) {
    if (is(argv[at], "-cp")) {
      texts.push_back(std::string("-Djava.class.path=") + argv[++at]);
    } else {
      texts.push_back(argv[at]);
    }
  }
  std::vector<JavaVMOption> options;
  for (std::string& text : texts) options.push_back({text.data(), nullptr});
  JavaVMInitArgs arguments{JNI_VERSION_1_8, static_cast<jint>(options.size()), options.data(), JNI_FALSE};
  JavaVM* vm = nullptr;
  JNIEnv* env = nullptr;
  if (create(&vm, reinterpret_cast<void**>(&env), &arguments) != JNI_OK) return 3;
  int result = run_main(env, argv[at], argv + at + 1, argc - at - 1);
  if (result != 0) env->ExceptionDescribe();
  vm->DestroyJavaVM();
  return result;
}
