//! The lists of a dump, each cut at the limit.

use hackleak_image::frame::BCI_NATIVE;
use hackleak_image::layout::{
    self, CONTEXT_IGNORED, CONTEXT_INHERITED, InvalidFree, Kind, Release, module_flags,
};
use hackleak_image::reader::LoadedModule;
use hackleak_image::{Frame, Image};

use super::live::{Amount, Live};
use super::model::{
    DumpedBlock, DumpedCheckpoint, DumpedContext, DumpedInvalidFree, DumpedModule, DumpedScope,
    DumpedStack, DumpedThread, List, Listed, Lists,
};
use crate::model::InvalidFreeKind;

/// The most frames of a stack that are listed. A damaged tree may go round in circles.
const MAX_FRAMES: usize = 1 << 10;

/// Reads the lists that are asked for.
pub(super) fn read(image: &Image, live: &Live, lists: &[List], limit: usize) -> Lists {
    let mut read = Lists::default();
    for list in lists {
        match list {
            List::Records => read.records = Some(records(image, live)),
            List::Stacks => read.stacks = Some(stacks(image, live, limit)),
            List::Modules => read.modules = Some(modules(image, limit)),
            List::Threads => read.threads = Some(threads(image, limit)),
            List::Scopes => read.scopes = Some(scopes(image, limit)),
            List::Checkpoints => read.checkpoints = Some(checkpoints(image, limit)),
            List::InvalidFrees => read.invalid_frees = Some(invalid_frees(image, limit)),
        }
    }
    read
}

fn hex(number: u64) -> String {
    format!("{number:#x}")
}

/// The names of the bits that are set.
fn bits(bits: u32, names: &[(u32, &str)]) -> Vec<String> {
    let set = names.iter().filter(|(bit, _)| bits & bit != 0);
    set.map(|(_, name)| (*name).to_owned()).collect()
}

fn records(image: &Image, live: &Live) -> Listed<DumpedBlock> {
    let shown = live.first.iter().map(|record| DumpedBlock {
        address: hex(record.address),
        bytes: record.size,
        kind: record.kind.name().to_owned(),
        stack: record.stack,
        context: context(image, record.context),
    });
    Listed {
        total: live.total(),
        shown: shown.collect(),
    }
}

fn context(image: &Image, index: u32) -> DumpedContext {
    let Some(found) = image.context(index) else {
        return DumpedContext {
            index,
            ..DumpedContext::default()
        };
    };
    DumpedContext {
        index,
        epoch: found.epoch,
        scope: found.scope,
        thread: found.thread,
        flags: bits(
            found.flags,
            &[
                (CONTEXT_IGNORED, "ignored"),
                (CONTEXT_INHERITED, "inherited"),
            ],
        ),
    }
}

fn stacks(image: &Image, live: &Live, limit: usize) -> Listed<DumpedStack> {
    let mut largest: Vec<(u32, Amount)> = live.stacks.iter().map(|(k, v)| (*k, *v)).collect();
    largest.sort_by_key(|(node, sum)| (std::cmp::Reverse(sum.bytes), *node));
    let shown = largest.iter().take(limit).map(|(node, sum)| {
        let stack = image.stack_up_to(*node, MAX_FRAMES);
        DumpedStack {
            stack: *node,
            blocks: sum.blocks,
            bytes: sum.bytes,
            frames: stack.frames.iter().map(|it| frame(image, *it)).collect(),
            incomplete: stack.incomplete,
        }
    });
    Listed {
        total: largest.len() as u64,
        shown: shown.collect(),
    }
}

/// A frame as the image has it, not symbolised.
fn frame(image: &Image, frame: Frame) -> String {
    match frame {
        Frame::Native { module, vaddr } => {
            let path = image.module(module).map(|module| module.path);
            match path.as_deref() {
                Some("") | None => format!("module {module}+{vaddr:#x}"),
                Some(path) => format!("{path}+{vaddr:#x}"),
            }
        }
        Frame::Java { method, bci } => {
            let at = match bci {
                BCI_NATIVE => "native".to_owned(),
                bci => format!("bci {bci}"),
            };
            match image.method(method) {
                Some(method) => {
                    format!("{}.{}{} {at}", method.class, method.name, method.signature)
                }
                None => format!("method {method} {at}"),
            }
        }
        Frame::Marker(marker) => format!("[{marker:?}]"),
        Frame::Address(address) => hex(address),
    }
}

fn modules(image: &Image, limit: usize) -> Listed<DumpedModule> {
    const FLAGS: [(u32, &str); 4] = [
        (module_flags::RECORDER, "recorder"),
        (module_flags::EXECUTABLE, "executable"),
        (module_flags::APART, "apart"),
        (module_flags::ALLOCATOR, "allocator"),
    ];
    let dumped = |module: LoadedModule| DumpedModule {
        index: module.index,
        build_id: module.build_id_hex(),
        start: hex(module.mapped.start),
        end: hex(module.mapped.end),
        bias: hex(module.bias),
        flags: bits(module.flags, &FLAGS),
        path: module.path,
    };
    Listed::of(image.modules().map(dumped), limit)
}

fn threads(image: &Image, limit: usize) -> Listed<DumpedThread> {
    let dumped = image.threads().map(|thread| DumpedThread {
        index: thread.index,
        tid: thread.record.tid,
        name: thread.name,
        ended: thread.record.ended,
        allocations: thread.record.allocations,
        frees: thread.record.frees,
        bytes: thread.record.bytes,
        freed_bytes: thread.record.freed_bytes,
        remembered_walks: thread.record.remembered_walks,
        full_walks: thread.record.full_walks,
        java_asks: thread.record.java_asks,
        java_fallbacks: thread.record.java_fallbacks,
    });
    Listed::of(dumped, limit)
}

fn scopes(image: &Image, limit: usize) -> Listed<DumpedScope> {
    let dumped = image.scopes().map(|scope| DumpedScope {
        scope: scope.number,
        name: scope.name,
        parent: scope.record.parent,
        closed: scope.record.closed,
    });
    Listed::of(dumped, limit)
}

fn checkpoints(image: &Image, limit: usize) -> Listed<DumpedCheckpoint> {
    let dumped = image.checkpoints().map(|checkpoint| DumpedCheckpoint {
        epoch: checkpoint.record.epoch,
        label: checkpoint.label,
        thread: checkpoint.record.thread,
        unix_ns: checkpoint.record.unix_ns,
    });
    Listed::of(dumped, limit)
}

fn invalid_frees(image: &Image, limit: usize) -> Listed<DumpedInvalidFree> {
    let unknown = |number: u32| format!("unknown {number}");
    let dumped = |invalid_free: InvalidFree| {
        let kind = invalid_free.allocated.kind();
        DumpedInvalidFree {
            problem: layout::InvalidFreeKind::from_number(invalid_free.problem).map_or_else(
                || unknown(invalid_free.problem),
                |kind| InvalidFreeKind::from(kind).name().to_owned(),
            ),
            released_by: Release::from_number(invalid_free.release).map_or_else(
                || unknown(invalid_free.release),
                |release| release.name().to_owned(),
            ),
            address: hex(invalid_free.address),
            detail: invalid_free.detail,
            bytes: invalid_free.allocated.size(),
            kind: Kind::from_number(kind)
                .map_or_else(|| unknown(kind.into()), |kind| kind.name().to_owned()),
            freed: invalid_free.freed as u32,
            allocated: invalid_free.allocated.stack(),
        }
    };
    Listed::of(image.invalid_frees().map(dumped), limit)
}
