//! What scopes have had of native memory, for the Java side's limits.

use super::native_call::{Failure, call, longs};
use crate::hot::events::peaks;
use jni::EnvUnowned;
use jni::objects::{JClass, JLongArray};

/// `void beginCounting(int scope)`
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_beginCounting<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    scope: i32,
) {
    call(env, |_| match peaks::begin(scope as u32) {
        true => Ok(()),
        false => Err(Failure::NotRecorded(
            "there is no room for more scopes with limits".to_owned(),
        )),
    });
}

/// `long[] counted(int scope)`: the most bytes that were live at once, and the allocations.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_counted<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    scope: i32,
) -> JLongArray<'local> {
    call(env, |env| {
        let had = peaks::had(scope as u32);
        longs(env, &[had.peak as i64, had.allocations as i64])
    })
}

/// `void endCounting()`
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_endCounting<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
) {
    call(env, |_| {
        peaks::end();
        Ok(())
    });
}
