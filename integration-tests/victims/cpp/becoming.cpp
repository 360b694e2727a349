// A program that becomes a JVM, in one of the ways that programs have.
//
//   becoming HOW LIBJVM OPTION... MAIN_CLASS ARGUMENT...     options begin with `-`; `-cp PATH` is understood
//
// HOW: local, global, program  dlopen of LIBJVM, and dlsym of its handle, of RTLD_DEFAULT, of the program's handle
//      thread, fork            as `local`, on a second thread, in a forked child
//      linked                  built with -DLINKED and linked with libjvm.so: a plain call
//      extension:FILE          a library built so, loaded with RTLD_LOCAL, as Python loads extensions
//      never                   only looks whether there is a JVM: prints what it found
// Built with -DLINKED and -shared it is that library.
#include <jni.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "victim.h"

using Create = jint (*)(JavaVM**, void**, void*);
using Run = int (*)(int, char**);

static Create found;

static int become(int argc, char** argv) {
  std::vector<std::string> texts;
  int at = 0;
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
  if (found(&vm, reinterpret_cast<void**>(&env), &arguments) != JNI_OK) return 3;
  if (arguments.nOptions != static_cast<jint>(texts.size())) return 4;
  jclass type = env->FindClass(argv[at]);
  if (!type) return 5;
  jmethodID main = env->GetStaticMethodID(type, "main", "([Ljava/lang/String;)V");
  int count = argc - at - 1;
  jobjectArray array = env->NewObjectArray(count, env->FindClass("java/lang/String"), nullptr);
  for (int i = 0; i < count; i++) env->SetObjectArrayElement(array, i, env->NewStringUTF(argv[at + 1 + i]));
  env->CallStaticVoidMethod(type, main, array);
  if (env->ExceptionCheck()) env->ExceptionDescribe();
  vm->DestroyJavaVM();
  return 0;
}

#ifdef LINKED
extern "C" int run_linked(int argc, char** argv) {
  found = JNI_CreateJavaVM;
  return become(argc, argv);
}
#endif

static int by_dlsym(std::string const& how, int argc, char** argv) {
  bool is_local = how != "global" && how != "program";
  void* library = dlopen(argv[0], RTLD_NOW | (is_local ? RTLD_LOCAL : RTLD_GLOBAL));
  void* handle = how == "global" ? RTLD_DEFAULT : how == "program" ? dlopen(nullptr, RTLD_NOW) : library;
  found = reinterpret_cast<Create>(library ? dlsym(handle, "JNI_CreateJavaVM") : nullptr);
  if (!found) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  return become(argc - 1, argv + 1);
}

int main(int argc, char** argv) {
  std::string how = argv[1];
  // Came too late for a record that begins with the JVM.
  char* volatile before = new char[1'555'551];
  *before = 1;
#ifdef LINKED
  if (how == "linked") return run_linked(argc - 3, argv + 3);
#endif
  if (how.rfind("extension:", 0) == 0) {
    void* extension = dlopen(how.c_str() + strlen("extension:"), RTLD_NOW | RTLD_LOCAL);
    auto run = reinterpret_cast<Run>(extension ? dlsym(extension, "run_linked") : nullptr);
    return run ? run(argc - 3, argv + 3) : 2;
  }
  if (how == "never") {
    void* here = dlsym(RTLD_DEFAULT, "JNI_CreateJavaVM");
    char const* error = dlerror();
    void* there = dlsym(dlopen(nullptr, RTLD_NOW), "JNI_CreateJavaVM");
    std::printf("%s, %s, %s\n", here ? "one" : "none", error ? "an error" : "no error", there ? "one" : "none");
    return 0;
  }
  int result = 0;
  if (how == "thread") {
    std::thread([&] { result = by_dlsym(how, argc - 2, argv + 2); }).join();
  } else if (how == "fork") {
    pid_t child = fork();
    if (child == 0) return by_dlsym(how, argc - 2, argv + 2);
    int status = 0;
    waitpid(child, &status, 0);
    result = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  } else {
    result = by_dlsym(how, argc - 2, argv + 2);
  }
  return result;
}
