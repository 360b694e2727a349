//! What is live, by where and when it was allocated: what the tests of a class are compared by.

use super::native_call::{call, longs, selection};
use crate::hot::events::selection;
use hackleak_image::Ownership;
use jni::EnvUnowned;
use jni::objects::{JClass, JLongArray};
use std::collections::HashMap;

/// `long[] liveByStack(int epoch)`: of what was allocated since then, stack, epoch and blocks, one
/// after the other.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_liveByStack<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    epoch: i32,
) -> JLongArray<'local> {
    call(env, |env| {
        let mut blocks: HashMap<(u32, u32), i64> = HashMap::new();
        selection::leaks(selection(epoch, 0, Ownership::Any as i32)?, |_, live| {
            let epoch = selection::epoch_of(live.context());
            *blocks.entry((live.stack(), epoch)).or_default() += 1;
        });
        let rows = blocks
            .into_iter()
            .flat_map(|((stack, epoch), blocks)| [i64::from(stack), i64::from(epoch), blocks]);
        longs(env, &rows.collect::<Vec<i64>>())
    })
}
