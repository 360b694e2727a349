//! Pools that are named by symbol (option `pools`): calls of their functions are redirected.
//!
//! A library that carves objects out of a pool cannot be seen through `malloc`. Where its functions
//! are called through the dynamic linker, their addresses stand in tables (`symbols`) that are
//! rewritten to lead to a stub first. Calls that the linker has resolved inside of a library stand
//! in no table: a function of which no call was found is counted, so that a report never passes
//! over it in silence.
//!
//! Tables are looked at when a library is new: before its first native method is bound, when the
//! JVM looks for its `JNI_OnLoad`, and at checkpoints. What its initialisers do comes earlier.

use crate::IMAGE;
use crate::arch;
use crate::cold::jvm::thunks::in_front_of_pool;
use crate::cold::loading::symbols;
use core::sync::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Relaxed},
};
use hackleak_image::layout::Counter;
use hackleak_options::{PoolFunctions, parse_pools};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

static PAIRS: OnceLock<Vec<PoolFunctions>> = OnceLock::new();
/// Loads and unloads that the loader had counted when the tables were looked at last.
static LOOKED_AT: AtomicU64 = AtomicU64::new(u64::MAX);
static STATE: Mutex<Option<State>> = Mutex::new(None);

#[derive(Default)]
struct State {
    /// Stubs by what they stand for.
    stubs: HashMap<Key, usize>,
    /// Names of the functions of which a call was redirected.
    seen: HashSet<Vec<u8>>,
}

/// A function of a pair, and where it lies.
#[derive(PartialEq, Eq, Hash, Clone, Copy)]
struct Key {
    pair: usize,
    alloc: bool,
    target: usize,
}

/// Reads the file of the option, in the constructor.
///
/// # Errors
///
/// One sentence: the file cannot be read, or a line of it is no pair of functions.
pub fn init(file: &str) -> Result<(), String> {
    if file.is_empty() {
        return Ok(());
    }
    let path = Path::new(file);
    let read = || {
        // A device may never end, and a pipe without a writer never begin.
        match std::fs::metadata(path)?.is_file() {
            true => std::fs::read_to_string(path),
            false => Err(std::io::Error::other("it is not a regular file")),
        }
    };
    let text = read()
        .map_err(|error| format!("the file `{file}` (option pools) cannot be read: {error}"))?;
    let pairs =
        parse_pools(&text).map_err(|error| format!("the file `{file}` (option pools), {error}"))?;
    let _ = PAIRS.set(pairs);
    Ok(())
}

/// Begins to look, once there is an image.
pub fn begin() {
    if let Some(pairs) = PAIRS.get() {
        let names: HashSet<_> = pairs
            .iter()
            .flat_map(|pair| [&pair.alloc, &pair.free])
            .collect();
        IMAGE
            .counter(Counter::PoolFunctionsUnseen)
            .store(names.len() as u64, Relaxed);
        look();
    }
}

/// Redirects the calls of libraries that are new. Takes the loader's lock: not for hooks of the
/// allocator.
pub fn look() {
    let Some(pairs) = PAIRS.get().filter(|pairs| !pairs.is_empty()) else {
        return;
    };
    if !crate::hot::ground::gate::is_open() {
        return;
    }
    let loads = symbols::loads();
    if LOOKED_AT.swap(loads, AcqRel) == loads {
        return;
    }
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    let State { stubs, seen } = state.get_or_insert_default();
    symbols::for_each_reference(|name, reference| {
        let found = pairs.iter().enumerate().find_map(|(pair, functions)| {
            let is = |function: &String| function.as_bytes() == name;
            (is(&functions.alloc) || is(&functions.free)).then(|| (pair, is(&functions.alloc)))
        });
        let Some((pair, alloc)) = found else { return };
        let known = stubs.values().any(|stub| *stub == reference.value());
        let Some(target) = reference.target().filter(|_| !known) else {
            return;
        };
        let key = Key {
            pair,
            alloc,
            target,
        };
        let stub = match stubs.get(&key) {
            Some(stub) => Some(*stub),
            None => stub_for(&pairs[pair], key),
        };
        if let Some(stub) = stub
            && reference.redirect(stub)
        {
            stubs.insert(key, stub);
            if seen.insert(name.to_owned()) {
                IMAGE
                    .counter(Counter::PoolFunctionsUnseen)
                    .fetch_sub(1, Relaxed);
            }
        }
    });
}

fn stub_for(functions: &PoolFunctions, key: Key) -> Option<usize> {
    let (common, argument) = if key.alloc {
        (arch::pool_alloc as *const (), functions.size.unwrap_or(0))
    } else {
        (arch::pool_free as *const (), functions.object)
    };
    in_front_of_pool(key.target, common as usize, usize::from(argument))
}
