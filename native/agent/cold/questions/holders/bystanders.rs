//! Threads that hold nothing of the program's: the JVM's collectors and compilers, and those that
//! do the JVM's own work in Java.
//!
//! Their stacks are deep in the JVM's code, whose frames have places that nothing was written to,
//! so old words lie there. Nothing of the program's runs on such a stack, so no word on it can be
//! one of its pointers. What runs is told by the code that the words of the stack point into.
//!
//! Java code may wait in the JVM or in native code of the JDK's. The same is true then of the
//! younger part of its thread's stack: a read has eight kilobytes there for small answers, most of
//! them old words. What such code was given, the Java frames that called it have as well. Frames
//! are followed for that, as far as they can be, because among old words there are addresses of
//! code, too. And it is true of the frames in which the JVM begins a thread, before it calls the
//! first Java method.

use super::Stop;
use super::maps::{Mapping, Of};
use super::memory::{Memory, WORD};
use super::objects::Objects;
use super::table::Table;
use super::threads::{self, Thread};
use super::waiting::Standing;
use crate::IMAGE;
use core::cell::LazyCell;
use core::ops::Range;
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::layout::flags;
use std::collections::HashMap;

/// How names begin, as the kernel cuts them, of threads that run nothing of the program's, whatever
/// addresses of code lie on their stacks: the heap is walked on one of them, some walk other
/// threads' frames, some make code, and one waits for processes that have ended.
const OF_THE_JVM_ALONE: [&str; 26] = [
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
    "ZDirector",
    "XDirector",
    "ZDriver",
    "XDriver",
    "ZStat",
    "XStat",
    "ZUncommitter",
    "XUncommitter",
    "ZUnmapper",
    "XUnmapper",
    "RuntimeWorker#",
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
enum CodeOwner {
    /// A library's or the program's.
    Program,
    /// A library's of the JDK, which Java code alone calls.
    Jdk,
    /// Code that was generated: Java's.
    Generated,
}

/// A range of code.
#[derive(Clone, Copy)]
struct Code {
    start: usize,
    end: usize,
    owner: CodeOwner,
}

/// Where the Java frames of threads begin that have left Java code for the JVM's or for native
/// code.
#[derive(Default)]
pub struct JavaStacks {
    /// The code of Java's methods, and of what the JVM has generated for them.
    pub code: Range<usize>,
    /// The kernel's numbers of the threads, and the stack pointers of their youngest Java frames.
    pub positions: HashMap<u32, usize>,
    /// Where a Java method returns to that the JVM or native code has called; 0 if that is not
    /// known.
    pub call_return: usize,
}

/// All code that may hold something while it runs.
pub struct Codes {
    all: Table<Code>,
    /// The JVM's own, which holds nothing.
    jvm: Range<usize>,
}

impl Codes {
    pub fn of(objects: &Objects, maps: &[Mapping]) -> Result<Codes, Stop> {
        let mut codes = Table::new();
        for (start, end, is_for_java) in objects.code.iter().copied() {
            let owner = if is_for_java {
                CodeOwner::Jdk
            } else {
                CodeOwner::Program
            };
            codes.push(Code { start, end, owner })?;
        }
        let generated = |mapping: &&Mapping| mapping.executable && mapping.of == Of::Anonymous;
        for mapping in maps.iter().filter(generated) {
            codes.push(Code {
                start: mapping.start,
                end: mapping.end,
                owner: CodeOwner::Generated,
            })?;
        }
        codes.sort_unstable_by_key(|code| code.start);
        Ok(Codes {
            all: codes,
            jvm: objects.jvm.clone(),
        })
    }

    fn owner_of(&self, word: u64) -> Option<CodeOwner> {
        let address = word as usize;
        let after = self.all.partition_point(|code| code.start <= address);
        let code = self.all.get(after.checked_sub(1)?)?;
        (address < code.end).then_some(code.owner)
    }

    /// That part of the thread's stack which may hold something.
    pub fn part_of_program(
        &self,
        memory: &Memory,
        thread: &Thread,
        java: &JavaStacks,
    ) -> Range<usize> {
        let start = self.start_of_program(memory, thread, java);
        start..self.end_of_program(memory, thread, java).max(start)
    }

    /// Where that part of the thread's stack ends. If the JVM has made the thread, the oldest
    /// frames are the JVM's, up to those that called the first Java method; the oldest address of
    /// Java code on the stack is in them or below them, and what that method returns to is below
    /// them. If the oldest address is of native code, as on an agent's own thread, all of the stack
    /// counts: that code has variables above its address.
    fn end_of_program(&self, memory: &Memory, thread: &Thread, java: &JavaStacks) -> usize {
        let (start, end) = thread.stack;
        if !self.jvm.contains(&thread.routine) {
            return end;
        }
        let (mut oldest, mut first_return) = (None, None);
        memory.runs(start..end, |at, words| {
            if java.call_return != 0 {
                let is_return = |word: &u64| *word as usize == java.call_return;
                let found = words.iter().rposition(is_return);
                first_return = found.map(|index| at + (index + 1) * WORD).or(first_return);
            }
            let found = words.iter().enumerate().rev().find_map(|(index, word)| {
                let owner = self.owner_of(*word)?;
                Some((at + (index + 1) * WORD, owner))
            });
            oldest = found.or(oldest);
        });
        match oldest {
            Some((above, CodeOwner::Generated)) => first_return.unwrap_or(above),
            _ => end,
        }
    }

    /// Where that part of the thread's stack begins which may hold something. Below it are the
    /// frames of what Java code waits in, if that is the JVM's, the JDK's and the C library's
    /// alone.
    fn start_of_program(&self, memory: &Memory, thread: &Thread, java: &JavaStacks) -> usize {
        let (start, end) = thread.stack;
        let position = java.positions.get(&thread.tid).copied();
        match (thread.waits, position) {
            (Some(waits), Some(position))
                if waits.position == start
                    && (start..end).contains(&position)
                    && self.only_runtime_waits(memory, waits, position, &java.code)
                    // If it has gone on meanwhile, it may have left other frames there.
                    && Standing::of(thread.tid) == Some(waits) =>
            {
                position
            }
            _ => start,
        }
    }

    /// Whether none of the program's native code is between where the thread waits and the Java
    /// frames that begin at `java`, whose code is in `code`.
    fn only_runtime_waits(
        &self,
        memory: &Memory,
        waits: Standing,
        java: usize,
        code: &Range<usize>,
    ) -> bool {
        const MOST_FRAMES: usize = 64;
        let word = |at: usize| memory.word(at).map(|word| word as usize);
        let mut at = waits;
        for _ in 0..MOST_FRAMES {
            match self.owner_of(at.code as u64) {
                // Nothing but Java code calls these libraries.
                Some(CodeOwner::Jdk) => return true,
                Some(CodeOwner::Program) => return false,
                Some(CodeOwner::Generated) => return code.contains(&at.code),
                None => {}
            }
            match at.caller(word).filter(|caller| caller.position <= java) {
                Some(caller) => at = caller,
                None => break,
            }
        }
        // Frames that cannot be followed: those of the program would have left an address of its
        // code, as may old ones.
        let mut only = true;
        memory.runs(at.position..java, |_, words| {
            only = only
                && words.iter().all(|word| match self.owner_of(*word) {
                    Some(CodeOwner::Program) => false,
                    Some(CodeOwner::Generated) => code.contains(&(*word as usize)),
                    Some(CodeOwner::Jdk) | None => true,
                });
        });
        only
    }

    /// Whether something of the program's runs on the thread, which may then hold something.
    pub fn run_on(&self, memory: &Memory, thread: &Thread) -> bool {
        let name = LazyCell::new(|| threads::name(thread.tid));
        if is_of_the_jvm_alone(&name) {
            return false;
        }
        let mut found = None;
        memory.runs(thread.stack.0..thread.stack.1, |_, words| {
            if found != Some(CodeOwner::Program) {
                let best = words.iter().filter_map(|word| self.owner_of(*word)).min();
                found = [found, best].into_iter().flatten().min();
            }
        });
        match found {
            None => false,
            Some(CodeOwner::Program | CodeOwner::Jdk) => true,
            Some(CodeOwner::Generated) => !OF_THE_JVM.contains(&&**name),
        }
    }
}

#[cfg(test)]
mod tests;
