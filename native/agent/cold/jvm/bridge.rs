//! The native methods of `dev.hackleak.NativeBridge`.
//!
//! Each goes through [`call`], which turns an error or a panic into a Java exception.

use super::native_call::{Failure, call, longs, selection};
use super::{collect, exit, java_stale, judging, raw_sites};
use crate::IMAGE;
use crate::cold::loading::module_copies;
use crate::cold::process::objects;
use crate::cold::process::{image, lifecycle};
use crate::cold::questions::{checkpoint, handles, holders};
use crate::hot::events::selection;
use crate::hot::jvm::{buffers, method_ids};
use crate::hot::thread;
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::layout::{Check, Counter, Outcome, Scope, flags};
use hackleak_options::{InvalidFrees, Options};
use jni::objects::{JClass, JLongArray, JString};
use jni::{Env, EnvUnowned};
use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;

/// `String describe()`
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_describe<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
) -> JString<'local> {
    call(env, |env| {
        exit::find_exit_check(env);
        let degraded = IMAGE.flags().load(Relaxed) & flags::MEMORY_ONLY != 0;
        let options = lifecycle::options().ok_or_else(|| {
            Failure::NotRecorded("the recorder is only just beginning".to_owned())
        })?;
        let text = format!(
            "image={}\nlibrary={}\npid={}\noptions={}\ndegraded={}\nstrict={}\ninvalid-frees={}\nheld={}\ntrack={}\nrules={}\n",
            image::path(),
            objects::library_path().display(),
            std::process::id(),
            options,
            u8::from(degraded),
            u8::from(options.strict),
            if options.invalid_frees == InvalidFrees::Fail {
                "fail"
            } else {
                "report"
            },
            judging::what_for(options),
            options.track,
            rules(options),
        );
        Ok(env.new_string(text)?)
    })
}

/// What changes with the rules that leave leaks out: their files may be written anew while this
/// runs.
fn rules(options: &Options) -> String {
    let files = options.suppression_files().map(|file| {
        let found = std::fs::metadata(file).ok();
        found.map_or_else(String::new, |found| {
            let (inode, size) = (found.ino(), found.size());
            let (seconds, nanos) = (found.mtime(), found.mtime_nsec());
            format!("{inode}.{size}.{seconds}.{nanos}")
        })
    });
    files.collect::<Vec<_>>().join(",")
}

/// `int checkpoint(String label)`
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_checkpoint<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    label: JString<'local>,
) -> i32 {
    call(env, |env| {
        let label = text(env, label)?;
        method_ids::make();
        if holders::stale::note() | java_stale::note() {
            java_stale::with_noted(|values| holders::stale::watch(values));
        }
        Ok(checkpoint::take(label.as_bytes()) as i32)
    })
}

/// `long[] leaksSince(int epoch, int scope, int ownership)`: blocks and bytes.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_leaksSince<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    epoch: i32,
    scope: i32,
    ownership: i32,
) -> JLongArray<'local> {
    call(env, |env| {
        let (mut blocks, mut bytes) = (0, 0);
        handles::look(epoch as u32);
        selection::leaks(selection(epoch, scope, ownership)?, |_, live| {
            let (count, size) = selection::amount(live);
            blocks += count as i64;
            bytes += size as i64;
        });
        if blocks > 0 {
            // Somebody is going to read their stacks.
            method_ids::make();
        }
        longs(env, &[blocks, bytes])
    })
}

/// `long[] sitesSince(int epoch, int scope, int ownership, int limit)`: the different stacks of
/// what is live, with the kind in the upper 32 bits; null for more than `limit`.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_sitesSince<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    epoch: i32,
    scope: i32,
    ownership: i32,
    limit: i32,
) -> JLongArray<'local> {
    call(env, |env| {
        let most = usize::try_from(limit).unwrap_or(0);
        let mut sites: HashSet<i64> = HashSet::new();
        selection::leaks(selection(epoch, scope, ownership)?, |_, live| {
            if sites.len() <= most {
                sites.insert(i64::from(live.stack()) | i64::from(live.kind()) << 32);
            }
        });
        if sites.len() > most {
            return Ok(JLongArray::default());
        }
        let sites: Vec<i64> = sites.into_iter().collect();
        longs(env, &sites)
    })
}

/// `long invalidFreesSince(int epoch, int scope, int ownership)`
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_invalidFreesSince<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    epoch: i32,
    scope: i32,
    ownership: i32,
) -> i64 {
    call(env, |_| {
        Ok(selection::invalid_frees(selection(epoch, scope, ownership)?) as i64)
    })
}

/// `int modules()`: how many have been loaded so far.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_modules<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
) -> i32 {
    call(env, |_| {
        module_copies::save_new();
        Ok(IMAGE.modules.len(IMAGE.window()) as i32)
    })
}

/// `long[] totals()`: allocations, frees, events that could not be recorded, direct byte buffers
/// whose memory was freed and of which no collection has told yet whether they can be reached.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_totals<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
) -> JLongArray<'local> {
    call(env, |env| {
        let (allocations, frees) = checkpoint::totals();
        let lost: u64 = Counter::DROPPED
            .iter()
            .map(|counter| IMAGE.counter(*counter).load(Relaxed))
            .sum();
        let doubtful = buffers::in_doubt() as i64;
        longs(
            env,
            &[allocations as i64, frees as i64, lost as i64, doubtful],
        )
    })
}

/// `void forceGc()`
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_forceGc<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
) {
    call(env, |_| collect::force().map_err(Failure::NotRecorded));
}

/// `int openScope(String name)`
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_openScope<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    name: JString<'local>,
) -> i32 {
    call(env, |env| {
        let name = text(env, name)?;
        let scope = Scope {
            name: IMAGE.blob(name.as_bytes()),
            closed: 0,
            parent: thread::enter().map_or(0, |thread| thread.entered_scope()),
            written: 1,
            reserved: [0; 3],
        };
        match IMAGE.scopes.push(IMAGE.window(), scope) {
            Some(index) => Ok(index as i32),
            None => Err(Failure::NotRecorded(
                "there is no room for more scopes".to_owned(),
            )),
        }
    })
}

/// What `enterScope` adds to a scope that the thread inherited: the sign bit.
const INHERITED: u32 = 1 << 31;

/// `int enterScope(int scope)`: the thread's scope before.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_enterScope<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    scope: i32,
) -> i32 {
    call(env, |_| match thread::enter() {
        Some(mut thread) => {
            let scope = scope as u32;
            let (before, inherited) = thread.set_scope(scope & !INHERITED, scope & INHERITED != 0);
            Ok((before | if inherited { INHERITED } else { 0 }) as i32)
        }
        None => Ok(0),
    })
}

/// `int closeScope(int scope)`: the epoch that begins.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_closeScope<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    scope: i32,
) -> i32 {
    call(env, |_| Ok(checkpoint::close_scope(scope as u32) as i32))
}

/// `void ignore(boolean on)`
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_ignore<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    on: jni::sys::jboolean,
) {
    call(env, |_| {
        if let Some(mut thread) = thread::enter() {
            thread.set_ignoring(on as u8 != 0);
        }
        Ok(())
    });
}

/// `String rawSites(int epoch, int scope, int ownership, int judging, int limit)`: the reporter's
/// `lines` format without its symbols, for when the reporter cannot read the image.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_rawSites<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    epoch: i32,
    scope: i32,
    ownership: i32,
    judging: i32,
    limit: i32,
) -> JString<'local> {
    call(env, |env| {
        let selection = selection(epoch, scope, ownership)?;
        let lines = raw_sites::lines(selection, judging.max(0) as u32, limit.max(0) as usize);
        Ok(env.new_string(lines)?)
    })
}

/// `void assertion(int check, int outcome, int epoch, int scope, long bytes, long blocks,
/// int sites, String label, String detail)`
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_assertion<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    check: i32,
    outcome: i32,
    epoch: i32,
    scope: i32,
    bytes: i64,
    blocks: i64,
    sites: i32,
    label: JString<'local>,
    detail: JString<'local>,
) {
    call(env, |env| {
        let unknown = || Failure::NotRecorded("no such check or outcome".to_owned());
        let (label, detail) = (text(env, label)?, text(env, detail)?);
        checkpoint::keep_assertion(&checkpoint::Ended {
            check: Check::from_number(check as u32).ok_or_else(unknown)?,
            outcome: Outcome::from_number(outcome as u32).ok_or_else(unknown)?,
            since: epoch.max(0) as u32,
            scope: scope.max(0) as u32,
            bytes: bytes.max(0) as u64,
            blocks: blocks.max(0) as u64,
            sites: sites.max(0) as u32,
            label: &label,
            detail: &detail,
        });
        Ok(())
    });
}

/// The characters of a string; none for `null`.
fn text<'local>(env: &mut Env<'local>, string: JString<'local>) -> Result<String, Failure> {
    if string.is_null() {
        return Ok(String::new());
    }
    Ok(string.try_to_string(env)?)
}
