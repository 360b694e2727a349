//! One look at an image, and a thread that looks again and again.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use hackleak_image::reader::ProcessState;
use hackleak_image::{Image, ImageError};
use hackleak_report::memory::LiveBlocks;
use hackleak_report::model::Memory;

/// A look takes at most one part in so many of the time: the view costs little CPU, however large
/// the image is.
const REST: u32 = 4;

/// Live bytes and blocks of one stack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) bytes: u64,
    pub(super) count: u64,
}

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) epoch: u32,
    pub(super) label: String,
}

/// What an image said at one moment.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) at: Instant,
    /// How long the look took.
    pub(super) took: Duration,
    pub(super) state: ProcessState,
    pub(super) held: Held,
    pub(super) sites: HashMap<u32, Held>,
    /// Allocations recorded since the start.
    pub(super) allocations: u64,
    /// Frees recorded since the start.
    pub(super) frees: u64,
    /// How many checkpoints there are, and the newest ones, oldest first.
    pub(super) checkpoints: usize,
    pub(super) newest: Vec<Taken>,
    /// Whether allocations are missing, or the image is damaged.
    pub(super) incomplete: bool,
    /// What the process has in memory, as far as anybody may see that.
    pub(super) memory: Option<Memory>,
}

/// Samples as they are taken.
pub(super) type Samples = Receiver<Result<Sample, ImageError>>;

/// The newest checkpoints that a sample keeps.
pub(super) const CHECKPOINTS: usize = 20;

/// Looks at the image as it is now.
pub(super) fn take(image: &mut Image) -> Result<Sample, ImageError> {
    let at = Instant::now();
    image.refresh()?;
    let mut sites: HashMap<u32, Held> = HashMap::new();
    let mut held = Held::default();
    let mut blocks = LiveBlocks::default();
    for live in image.live_records(0) {
        blocks.add(&live);
        for sum in [&mut held, sites.entry(live.stack).or_default()] {
            sum.bytes = sum.bytes.saturating_add(live.size);
            sum.count = sum.count.saturating_add(live.count);
        }
    }
    let (mut allocations, mut frees) = (0_u64, 0_u64);
    for thread in image.threads() {
        allocations = allocations.saturating_add(thread.record.allocations);
        frees = frees.saturating_add(thread.record.frees);
    }
    let mut checkpoints = 0;
    let mut newest = std::collections::VecDeque::new();
    for checkpoint in image.checkpoints() {
        checkpoints += 1;
        if newest.len() == CHECKPOINTS {
            newest.pop_front();
        }
        newest.push_back(Taken {
            epoch: checkpoint.record.epoch,
            label: checkpoint.label,
        });
    }
    let state = image.process_state();
    // While the process runs, the file may lag behind its header.
    let incomplete = image.counters().any(|(counter, _)| is_loss(counter))
        || (state != ProcessState::Running && !image.damage().is_empty());
    let memory = Memory::of(image, &blocks, !incomplete);
    Ok(Sample {
        at,
        memory,
        took: at.elapsed(),
        state,
        held,
        sites,
        allocations,
        frees,
        checkpoints,
        newest: newest.into(),
        incomplete,
    })
}

impl Sample {
    /// What is said of the memory, a line each.
    pub(super) fn memory_lines(&self) -> Vec<String> {
        let memory = self.memory.as_ref();
        let line = memory.map(|memory| format!("memory: {}", memory.sentence()));
        let note = memory.and_then(Memory::note);
        line.into_iter()
            .chain(note.map(|note| format!("note: {note}")))
            .collect()
    }
}

fn is_loss(counter: hackleak_image::layout::Counter) -> bool {
    use hackleak_image::layout::Counter;
    matches!(
        counter,
        Counter::DroppedNoSegment | Counter::DroppedAddress | Counter::SegmentsInMemory
    )
}

/// Samples of a thread that looks every `interval`, or less often where a look takes long, and ends
/// when nobody receives them any more, or with an error.
pub(super) fn stream(path: &Path, interval: Duration) -> (Samples, Sender<()>) {
    let path = path.to_owned();
    let (samples, receiver) = mpsc::sync_channel(1);
    let (stop, stopped) = mpsc::channel::<()>();
    thread::spawn(move || {
        let mut image = match Image::open(&path) {
            Ok(image) => image,
            Err(error) => {
                // Nobody waits for it any more if this fails.
                let _ = samples.send(Err(error));
                return;
            }
        };
        loop {
            let sample = take(&mut image);
            let rest = match &sample {
                Ok(sample) => interval.max(sample.took * REST).saturating_sub(sample.took),
                Err(_) => Duration::ZERO,
            };
            let last = sample.is_err();
            if samples.send(sample).is_err() || last {
                return;
            }
            match stopped.recv_timeout(rest) {
                Err(RecvTimeoutError::Timeout) => {}
                _ => return,
            }
        }
    });
    (receiver, stop)
}
/// Opens an image for one of the readers here.
pub(super) fn open(path: &Path) -> anyhow::Result<Image> {
    // Its message names the cause already.
    Image::open(path).map_err(|error| anyhow::anyhow!("{error}"))
}
