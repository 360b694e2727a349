//! The judgings that the Java side asks for.

use super::java_heap::Heap;
use super::native_call::{Failure, call, selection};
use crate::cold::process::lifecycle;
use crate::cold::questions::holders::{self, Java, Stop};
use crate::hot::events::selection::Selection;
use hackleak_options::{Held, Options};
use jni::EnvUnowned;
use jni::objects::{JClass, JObject, JObjectArray};
use jvmti_bindings::sys::jni::jobject;

/// `int owned(int epoch, int scope, int ownership)`: the number of what was noted, or 0.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_owned<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    epoch: i32,
    scope: i32,
    ownership: i32,
) -> i32 {
    call(env, |_| {
        let selection = selection(epoch, scope, ownership)?;
        let noted = match Heap::without_names() {
            Some(mut heap) => holders::owned(selection, &mut heap),
            None => Ok(0),
        };
        let number = noted.map_err(|stop| Failure::NotRecorded(stop.to_string()))?;
        Ok(number as i32)
    })
}

/// `int judge(int epoch, int scope, int ownership, Object[] finished, int owned)`: the number of
/// the judging.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_judge<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    epoch: i32,
    scope: i32,
    ownership: i32,
    finished: JObjectArray<'local, JObject<'local>>,
    owned: i32,
) -> i32 {
    call(env, |env| {
        let mut objects: Vec<JObject> = Vec::new();
        for index in 0..finished.len(env)? {
            let object = finished.get_element(env, index)?;
            if !object.is_null() {
                objects.push(object);
            }
        }
        let references = objects.iter().map(|object| object.as_raw() as jobject);
        let judged = judge(
            selection(epoch, scope, ownership)?,
            false,
            references.collect(),
            owned as u32,
        );
        let number = judged.map_err(|stop| Failure::NotRecorded(stop.to_string()))?;
        Ok(number as i32)
    })
}

/// `int judgeFirm(int epoch, int scope, int ownership)`: the number of the judging, or 0.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_judgeFirm<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    epoch: i32,
    scope: i32,
    ownership: i32,
) -> i32 {
    call(env, |_| {
        // What goes wrong here goes wrong again, and is told, after settling.
        let mut heap = Heap::statics_of_this_thread();
        let statics = heap.as_mut().map(|heap| heap as &mut dyn Java);
        let selection = selection(epoch, scope, ownership)?;
        let judged = holders::judge_firm(selection, statics).unwrap_or(None);
        Ok(judged.unwrap_or(0) as i32)
    })
}

/// What the Java side needs to know of the option `held`: `unknown` where nobody can tell who holds
/// what, `fail` where it makes no difference.
pub fn what_for(options: &Options) -> &'static str {
    match options.held {
        Held::Fail => "fail",
        _ if !holders::can_judge() => "unknown",
        Held::Note | Held::Ignore => "differs",
    }
}

/// Finds out who holds what, Java's objects among those who could, where there is a JVM; not
/// `finished`.
pub fn judge(
    selection: Selection,
    at_exit: bool,
    finished: Vec<jobject>,
    owned: u32,
) -> Result<u32, Stop> {
    let held_fails = lifecycle::options().is_some_and(|options| options.held == Held::Fail);
    let mut heap = Heap::of_this_thread(finished, at_exit || held_fails);
    let java = heap.as_mut().map(|heap| heap as &mut dyn Java);
    holders::judge(selection, at_exit, java, owned)
}
