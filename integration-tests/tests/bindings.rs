//! The bindings that the recorder calls the JVM through, against the headers of each JDK.

use std::collections::BTreeMap;
use std::mem::{offset_of, size_of};
use std::process::Command;

use integration_tests::Jdk;
use integration_tests::java::header_program;
use integration_tests::process;
use jvmti_bindings::sys::jni::JNINativeInterface_ as Jni;
use jvmti_bindings::sys::jvmti::{
    JVMTI_EVENT_CLASS_LOAD, JVMTI_EVENT_NATIVE_METHOD_BIND, JVMTI_EVENT_VM_DEATH,
    JVMTI_EVENT_VM_START, jvmtiCapabilities, jvmtiEventCallbacks as Callbacks, jvmtiFrameInfo,
    jvmtiInterface_1_ as Functions, jvmtiLineNumberEntry,
};

macro_rules! offsets {
    ($prefix:literal, $type:ident: $($name:ident)*) => {
        [$((format!("{}.{}", $prefix, stringify!($name)), offset_of!($type, $name))),*]
    };
}

macro_rules! capabilities {
    ($($name:ident $set:ident)*) => {
        [$((format!("capability.{}", stringify!($name)), {
            let mut only = jvmtiCapabilities::default();
            only.$set(true);
            bit(only)
        })),*]
    };
}

/// The only bit that is set.
fn bit(capabilities: jvmtiCapabilities) -> usize {
    // The structure is four words of flags; its debug form prints them.
    let text = format!("{capabilities:?}");
    let words = text
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|word| word.parse::<u32>().ok());
    let set: Vec<(usize, u32)> = words.enumerate().filter(|(_, word)| *word != 0).collect();
    match set[..] {
        [(index, word)] if word.is_power_of_two() => index * 32 + word.trailing_zeros() as usize,
        _ => panic!("not one bit: {text}"),
    }
}

fn bindings() -> BTreeMap<String, usize> {
    let mut known = BTreeMap::new();
    known.extend(offsets!("jvmti", Functions: AddCapabilities Deallocate ForceGarbageCollection
        GetClassSignature GetJNIFunctionTable GetLineNumberTable GetMethodDeclaringClass GetMethodName
        GetObjectHashCode GetPotentialCapabilities GetSourceFileName GetStackTrace SetEventCallbacks
        SetEventNotificationMode SetJNIFunctionTable));
    known.extend(offsets!("callback", Callbacks: ClassLoad NativeMethodBind VMDeath VMStart));
    known.extend(
        offsets!("jni", Jni: AllocObject DefineClass DeleteGlobalRef DeleteLocalRef
        DeleteWeakGlobalRef ExceptionDescribe FindClass GetArrayLength GetBooleanArrayElements
        GetDoubleArrayElements GetFieldID GetMethodID GetPrimitiveArrayCritical GetStaticFieldID
        GetStaticMethodID GetStringChars GetStringCritical GetStringLength GetStringUTFChars
        MonitorEnter MonitorExit NewDirectByteBuffer NewGlobalRef NewObjectA NewWeakGlobalRef
        RegisterNatives ReleaseBooleanArrayElements ReleaseDoubleArrayElements
        ReleasePrimitiveArrayCritical ReleaseStringChars ReleaseStringCritical
        ReleaseStringUTFChars ThrowNew),
    );
    known.extend(capabilities!(
        can_generate_early_vmstart set_can_generate_early_vmstart
        can_generate_native_method_bind_events set_can_generate_native_method_bind_events
        can_get_line_numbers set_can_get_line_numbers
        can_get_source_file_name set_can_get_source_file_name
    ));
    let sizes = [
        ("jvmtiFrameInfo", size_of::<jvmtiFrameInfo>()),
        ("jvmtiLineNumberEntry", size_of::<jvmtiLineNumberEntry>()),
    ];
    known.extend(sizes.map(|(name, size)| (format!("size.{name}"), size)));
    let events = [
        ("VM_START", JVMTI_EVENT_VM_START),
        ("VM_DEATH", JVMTI_EVENT_VM_DEATH),
        ("CLASS_LOAD", JVMTI_EVENT_CLASS_LOAD),
        ("NATIVE_METHOD_BIND", JVMTI_EVENT_NATIVE_METHOD_BIND),
    ];
    known.extend(events.map(|(name, number)| (format!("event.{name}"), number as usize)));
    known
}

#[test]
fn bindings_agree_with_the_headers_of_every_jdk() {
    let known = bindings();
    for jdk in Jdk::all() {
        let ended = process::run(&mut Command::new(header_program(jdk, "interface_layout")));
        let ended = ended.expect_code(0);
        let headers: BTreeMap<String, usize> = ended
            .stdout
            .lines()
            .map(|line| {
                let (name, offset) = line.split_once(' ').expect("name and offset");
                (name.to_owned(), offset.parse().expect("a number"))
            })
            .collect();
        assert_eq!(headers, known, "JDK {}", jdk.feature);
    }
}
