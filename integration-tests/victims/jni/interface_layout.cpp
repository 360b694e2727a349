// Prints where the headers of this JDK have what the recorder uses through bindings: one `name offset` per line.
#include <jvmti.h>

#include <cstddef>
#include <cstdio>
#include <cstring>

#define FUNCTION(name) std::printf("jvmti.%s %zu\n", #name, offsetof(jvmtiInterface_1_, name));
#define CALLBACK(name) std::printf("callback.%s %zu\n", #name, offsetof(jvmtiEventCallbacks, name));
#define JNI(name) std::printf("jni.%s %zu\n", #name, offsetof(JNINativeInterface_, name));

static void capability(const char* name, const jvmtiCapabilities& only) {
  const unsigned char* bytes = reinterpret_cast<const unsigned char*>(&only);
  for (size_t bit = 0; bit < 8 * sizeof only; bit++) {
    if (bytes[bit / 8] >> (bit % 8) & 1) std::printf("capability.%s %zu\n", name, bit);
  }
}

#define CAPABILITY(name)            \
  {                                 \
    jvmtiCapabilities only;         \
    std::memset(&only, 0, sizeof only); \
    only.name = 1;                  \
    capability(#name, only);        \
  }

int main() {
  FUNCTION(AddCapabilities)
  FUNCTION(Deallocate)
  FUNCTION(ForceGarbageCollection)
  FUNCTION(GetClassSignature)
  FUNCTION(GetJNIFunctionTable)
  FUNCTION(GetLineNumberTable)
  FUNCTION(GetMethodDeclaringClass)
  FUNCTION(GetMethodName)
  FUNCTION(GetObjectHashCode)
  FUNCTION(GetPotentialCapabilities)
  FUNCTION(GetSourceFileName)
  FUNCTION(GetStackTrace)
  FUNCTION(SetEventCallbacks)
  FUNCTION(SetEventNotificationMode)
  FUNCTION(SetJNIFunctionTable)
  CALLBACK(ClassLoad)
  CALLBACK(NativeMethodBind)
  CALLBACK(VMDeath)
  CALLBACK(VMStart)
  CAPABILITY(can_generate_early_vmstart)
  CAPABILITY(can_generate_native_method_bind_events)
  CAPABILITY(can_get_line_numbers)
  CAPABILITY(can_get_source_file_name)
  JNI(AllocObject)
  JNI(DefineClass)
  JNI(DeleteGlobalRef)
  JNI(DeleteLocalRef)
  JNI(DeleteWeakGlobalRef)
  JNI(ExceptionDescribe)
  JNI(FindClass)
  JNI(GetArrayLength)
  JNI(GetBooleanArrayElements)
  JNI(GetDoubleArrayElements)
  JNI(GetFieldID)
  JNI(GetMethodID)
  JNI(GetPrimitiveArrayCritical)
  JNI(GetStaticFieldID)
  JNI(GetStaticMethodID)
  JNI(GetStringChars)
  JNI(GetStringCritical)
  JNI(GetStringLength)
  JNI(GetStringUTFChars)
  JNI(MonitorEnter)
  JNI(MonitorExit)
  JNI(NewDirectByteBuffer)
  JNI(NewGlobalRef)
  JNI(NewObjectA)
  JNI(NewWeakGlobalRef)
  JNI(RegisterNatives)
  JNI(ReleaseBooleanArrayElements)
  JNI(ReleaseDoubleArrayElements)
  JNI(ReleasePrimitiveArrayCritical)
  JNI(ReleaseStringChars)
  JNI(ReleaseStringCritical)
  JNI(ReleaseStringUTFChars)
  JNI(ThrowNew)
  std::printf("size.jvmtiFrameInfo %zu\n", sizeof(jvmtiFrameInfo));
  std::printf("size.jvmtiLineNumberEntry %zu\n", sizeof(jvmtiLineNumberEntry));
  std::printf("event.VM_START %d\n", JVMTI_EVENT_VM_START);
  std::printf("event.VM_DEATH %d\n", JVMTI_EVENT_VM_DEATH);
  std::printf("event.CLASS_LOAD %d\n", JVMTI_EVENT_CLASS_LOAD);
  std::printf("event.NATIVE_METHOD_BIND %d\n", JVMTI_EVENT_NATIVE_METHOD_BIND);
}
