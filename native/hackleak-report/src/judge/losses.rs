//! What the recorder could not record, said in words.

use hackleak_image::layout::Counter;
use hackleak_image::{Image, Shortage};

use crate::numbers::counted;

/// One sentence per counter that is not zero.
pub(super) fn of_counters(image: &Image) -> impl Iterator<Item = String> {
    image
        .counters()
        // A leak whose Java stack is missing says so in its place; of the others it is no news.
        .filter(|(counter, _)| *counter != Counter::JavaStackMissing)
        .map(|(counter, count)| match counter {
            Counter::SegmentsInMemory => in_memory(image, count),
            _ => sentence(image, counter, count),
        })
}

fn in_memory(image: &Image, count: u64) -> String {
    let shortage = Shortage::of_flags(image.header().flags).unwrap_or(Shortage::Full);
    let segments = counted(count, "segment");
    format!("{segments} in memory only: {}", shortage.reason())
}

pub(crate) fn sentence(image: &Image, counter: Counter, count: u64) -> String {
    use Counter::*;
    let allocations = counted(count, "allocation");
    match counter {
        DroppedNoSegment => format!("{allocations} not recorded: no memory for the live table"),
        DroppedAddress => format!("{allocations} not recorded: unusual address"),
        StackTreeFull => format!("{allocations} without stack: the stack tree is full"),
        StackInterrupted => {
            format!("{allocations} without stack: made in a signal handler inside the recorder")
        }
        StackTruncated => format!("{} cut at the depth limit", counted(count, "stack")),
        StackNoTables => format!("{} without unwind tables", counted(count, "stack")),
        ContextsFull => {
            format!("{allocations} without thread, checkpoint and scope: the contexts are full")
        }
        JavaStackMissing => format!("the JVM gave no Java stack {}", counted(count, "time")),
        JniNestingDeep => {
            format!(
                "{} nested too deeply for the entry stack",
                counted(count, "JNI call")
            )
        }
        NamesFull => format!(
            "{} of methods or modules lost: no room",
            counted(count, "name")
        ),
        ThunksFull => format!(
            "{} not watched: no thunk left",
            counted(count, "native method")
        ),
        ThreadsFull => match count {
            1 => "1 thread without a record of its own".to_owned(),
            _ => format!("{} without a record of their own", counted(count, "thread")),
        },
        SegmentsInMemory => format!("{} in memory only", counted(count, "segment")),
        DeepBindDropped => {
            format!(
                "RTLD_DEEPBIND was taken away in {}, so that what those libraries allocate is seen",
                counted(count, "dlopen call")
            )
        }
        OtherNamespaces => {
            format!(
                "{} of `dlmopen` asked for a namespace of its own: what libraries allocate there is \
                 not seen",
                counted(count, "call")
            )
        }
        LibrariesByPath => {
            let calls = match count {
                1 => "1 call of `dlopen` depends on the search path of its".to_owned(),
                _ => format!("{count} calls of `dlopen` depend on the search path of their"),
            };
            format!("{calls} caller: nobody knows whether what was opened there is still open")
        }
        BuffersFull => format!(
            "{} not watched: the table of buffers is full",
            counted(count, "direct byte buffer")
        ),
        PoolFunctionsUnseen => format!(
            "{} of the option pools not seen: in no library, or called only from inside its own",
            counted(count, "function")
        ),
        TimelineFull => format!("{} of the timeline lost: no room", counted(count, "point")),
        AssertionsFull => {
            format!(
                "the outcome of {} lost: no room",
                counted(count, "assertion")
            )
        }
        InternalErrors => {
            let place = image.stopped_at();
            format!(
                "the recording stopped at an error of the recorder's own ({place}): please report it"
            )
        }
        LogLost => format!(
            "the text log is incomplete: {} failed",
            counted(count, "write")
        ),
        ForksUnrecorded => {
            let children = match count {
                1 => "1 forked child was".to_owned(),
                _ => format!("{count} forked children were"),
            };
            format!("{children} not recorded: no image could be made there")
        }
        FreesWithoutThread => {
            format!(
                "{} of threads that were ending or interrupted, in no thread's numbers",
                counted(count, "free")
            )
        }
    }
}
