//! Threads that hold nothing of the program's: the JVM's collectors and compilers, and those that do
//! the JVM's own work in Java.
//!
//! Their stacks are deep in the JVM's code, whose frames have places that nothing was written to, so
//! old words lie there. Nothing of the program's runs on such a stack, so no word on it can be one of
//! its pointers. What runs is told by the code that the words of the stack point into.

use super::Stop;
use super::maps::{Mapping, Of};
use super::memory::Memory;
use super::objects::Objects;
use super::table::Table;
use super::threads::{self, Thread};
use crate::IMAGE;
use core::cell::LazyCell;
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::layout::flags;

/// How names begin, as the kernel cuts them, of threads that run nothing of the program's, whatever
/// addresses of code lie on their stacks: the heap is walked on one of them, some walk other threads'
/// frames, some make code, and one waits for processes that have ended.
const OF_THE_JVM_ALONE: [&str; 15] = [
    "VM Thread",
    "VM Periodic Tas",
    "VM Operation Th",
    "C1 CompilerThre",
    "C2 CompilerThre",
    "Sweeper thread",
    "GC Thread#",
    "G1 Main Marker",
    "G1 Conc#",
    "G1 Refine#",
    "G1 Service",
    "Shenandoah ",
    "ZWorker",
    "XWorker",
    "process reaper",
];

/// Names of the JVM's threads that run Java code of its own, as the kernel cuts them.
const OF_THE_JVM: [&str; 9] = [
    "Reference Handl",
    "Finalizer",
    "Common-Cleaner",
    "Signal Dispatch",
    "Service Thread",
    "Notification Th",
    "Monitor Deflati",
    "Attach Listener",
    "DestroyJavaVM",
];

/// Whether a thread of this name runs nothing of the program's.
pub fn is_of_the_jvm_alone(name: &str) -> bool {
    let in_jvm = IMAGE.flags().load(Relaxed) & flags::JAVA != 0;
    in_jvm && OF_THE_JVM_ALONE.iter().any(|own| name.starts_with(own))
}

/// Whose code it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    /// A library's or the program's.
    Program,
    /// Code that was generated: Java's.
    Generated,
}

/// A range of code.
#[derive(Clone, Copy)]
struct Code {
    start: usize,
    end: usize,
    whose: Whose,
}

/// All code that may hold something while it runs.
pub struct Codes(Table<Code>);

impl Codes {
    pub fn of(objects: &Objects, maps: &[Mapping]) -> Result<Codes, Stop> {
        let mut codes = Table::new();
        for (start, end) in objects.code.iter().copied() {
            let whose = Whose::Program;
            codes.push(Code { start, end, whose })?;
        }
        let generated = |mapping: &&Mapping| mapping.executable && mapping.of == Of::Anonymous;
        for mapping in maps.iter().filter(generated) {
            codes.push(Code {
                start: mapping.start,
                end: mapping.end,
                whose: Whose::Generated,
            })?;
        }
        codes.sort_unstable_by_key(|code| code.start);
        Ok(Codes(codes))
    }

    fn whose(&self, word: u64) -> Option<Whose> {
        let address = word as usize;
        let after = self.0.partition_point(|code| code.start <= address);
        let code = self.0.get(after.checked_sub(1)?)?;
        (address < code.end).then_some(code.whose)
    }

    /// Whether something of the program's runs on the thread, which may then hold something.
    pub fn run_on(&self, memory: &Memory, thread: &Thread) -> bool {
        let name = LazyCell::new(|| threads::name(thread.tid));
        if is_of_the_jvm_alone(&name) {
            return false;
        }
        let mut found = None;
        memory.runs(thread.stack.0..thread.stack.1, |_, words| {
            if found != Some(Whose::Program) {
                let best = words.iter().filter_map(|word| self.whose(*word)).min();
                found = [found, best].into_iter().flatten().min();
            }
        });
        match found {
            None => false,
            Some(Whose::Program) => true,
            Some(Whose::Generated) => !OF_THE_JVM.contains(&&**name),
        }
    }
}
