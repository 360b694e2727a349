//! One function per parser: returns for any bytes, in bounded memory, without a panic.

use std::cell::RefCell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use hackleak_image::Image;
use hackleak_options::{Options, PoolFunctions, parse_pools};
use hackleak_report::baseline::Baseline;
use hackleak_report::coverage::libraries;
use hackleak_report::dump::{Dump, List};
use hackleak_report::model::{Frame, JavaFrame, Judgement, Kind, NativeFrame, Site};
use hackleak_report::suppress::Suppressions;
use hackleak_report::text_log::{LogOptions, LogReport};
use hackleak_report::{Process, Report, Selection, TextLog, render};

use crate::corpus;

/// A parser.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, also of its fuzz target and its folder of seeds.
    pub name: &'static str,
    /// Reads the bytes and everything that follows from them.
    pub run: fn(&[u8]),
    /// Bytes to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every parser.
pub const ALL: &[Target] = &[
    Target {
        name: "image",
        run: image,
        seeds: corpus::patches,
    },
    Target {
        name: "log",
        run: log,
        seeds: || corpus::texts("log"),
    },
    Target {
        name: "suppressions",
        run: suppressions,
        seeds: || corpus::texts("suppressions"),
    },
    Target {
        name: "options",
        run: options,
        seeds: || corpus::texts("options"),
    },
    Target {
        name: "baseline",
        run: baseline,
        seeds: || corpus::texts("baseline"),
    },
    Target {
        name: "pools",
        run: pools,
        seeds: || corpus::texts("pools"),
    },
];

thread_local! {
    /// The images of the corpus, and a folder with a file that holds the damaged one.
    static IMAGES: RefCell<Option<Images>> = const { RefCell::new(None) };
}

/// The unit in which images are copied.
const PAGE: u64 = 4096;

struct Images {
    whole: Vec<Vec<u8>>,
    /// Offsets at which an image has anything but zeros, by eight bytes.
    written: Vec<Vec<u64>>,
    folder: tempfile::TempDir,
}

impl Images {
    fn new() -> Images {
        let whole = corpus::images();
        let written = whole
            .iter()
            .map(|image| {
                let words = image.chunks(8).enumerate();
                let used = words.filter(|(_, word)| word.iter().any(|byte| *byte != 0));
                used.map(|(number, _)| 8 * number as u64).collect()
            })
            .collect();
        Images {
            whole,
            written,
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
        }
    }
}

/// An image: the bytes say how one of the corpus is damaged. The first chooses it, the next two cut
/// it off (in 256ths of its length; 0 is not at all), and every six that follow overwrite a word
/// that is not zero: two bytes choose it, one says how, three are the new value.
///
/// Images are megabytes of mostly zeros, so a fuzzer would hardly ever touch what matters in them.
pub fn image(data: &[u8]) {
    IMAGES.with_borrow_mut(|images| {
        let images = images.get_or_insert_with(Images::new);
        let path = images.folder.path().join("damaged.hackleak");
        damage(images, data, &path);
        read_image(&path);
    });
}

fn damage(images: &Images, data: &[u8], path: &Path) {
    let number = usize::from(data.first().copied().unwrap_or(0)) % images.whole.len();
    let whole = &images.whole[number];
    let written = &images.written[number];
    let file = File::create(path).expect("the temporary folder is writable");
    file.set_len(whole.len() as u64)
        .expect("the temporary folder is writable");
    // Zeros are holes: an image is megabytes of them.
    let mut pages = written.iter().map(|at| at / PAGE).collect::<Vec<_>>();
    pages.dedup();
    for page in pages {
        let start = (page * PAGE) as usize;
        let end = whole.len().min(start + PAGE as usize);
        file.write_all_at(&whole[start..end], page * PAGE)
            .expect("the temporary folder is writable");
    }
    for patch in data.get(3..).unwrap_or_default().chunks_exact(6) {
        let at = written[(usize::from(patch[0]) << 8 | usize::from(patch[1])) % written.len()];
        let [low, middle, high] = [patch[3], patch[4], patch[5]];
        let value = u64::from(u32::from_le_bytes([low, middle, high, 0]));
        let start = at as usize;
        let mut old = [0; 8];
        old[..whole.len().min(start + 8) - start]
            .copy_from_slice(&whole[start..whole.len().min(start + 8)]);
        let old = u64::from_le_bytes(old);
        let new = match patch[2] % 8 {
            0 => value,
            1 => old ^ 1 << (value % 64),
            2 => old.wrapping_add(value),
            3 => old.wrapping_sub(value),
            4 => u64::MAX,
            5 => value << 40 | old & 0xff_ffff_ffff,
            6 => value << 16,
            _ => 0,
        };
        file.write_all_at(&new.to_le_bytes(), at)
            .expect("the temporary folder is writable");
    }
    if let Some([low, high]) = data.get(1..3) {
        let cut = u64::from(*low) << 8 | u64::from(*high);
        if cut > 0 {
            let length = (whole.len() as u64 >> 8) * (cut >> 8) + (cut & 0xff);
            file.set_len(length.min(whole.len() as u64))
                .expect("the temporary folder is writable");
        }
    }
}

fn read_image(path: &Path) {
    dump_image(path);
    let Ok(whole) = Process::of_image(path, &Selection::default()) else {
        return;
    };
    let selection = Selection {
        since: Some(2),
        scope: Some(1),
        ..Selection::default()
    };
    let since = Process::of_image(path, &selection);
    let report = Report::new(vec![whole].into_iter().chain(since).collect());
    printable(&render::text(&report, None));
    render::lines(&report, None);
    render::message(&report, None);
    render::json(&report).expect("a report is JSON");
    report.verdict();
    if let Ok(image) = Image::open(path) {
        libraries(&image);
    }
}

/// What `hackleak dump` does with it.
fn dump_image(path: &Path) {
    let lists = [
        List::Records,
        List::Stacks,
        List::Modules,
        List::Threads,
        List::Scopes,
        List::Checkpoints,
        List::InvalidFrees,
    ];
    if let Ok(mut dump) = Dump::of_image(path, &lists, 10) {
        printable(&render::dump(&dump));
        dump.redact(true).expect("a dump is JSON");
        render::json(&dump).expect("a dump is JSON");
    }
}

/// A text log.
pub fn log(data: &[u8]) {
    let options = LogOptions {
        blocks_per_site: 3,
        most_live: 1000,
    };
    let log = TextLog::read("log", data, options).expect("memory can be read");
    let report = LogReport::new(vec![log]);
    printable(&render::find_leak(&report));
    render::json(&report).expect("a report is JSON");
    report.verdict();
}

/// What a file says must not steer the terminal.
fn printable(text: &str) {
    let control = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "in {text:?}");
}

/// A file of suppressions.
pub fn suppressions(data: &[u8]) {
    let rules = Suppressions::parse(&String::from_utf8_lossy(data), "file");
    let native = |function: &str| {
        Frame::Native(NativeFrame {
            function: Some(function.to_owned()),
            file: Some("/src/pool.cpp".to_owned()),
            line: Some(7),
            inlined: false,
            module: "/opt/lib/libpool.so".to_owned(),
            offset: "0x1234".to_owned(),
        })
    };
    rules.matches(&Site {
        bytes: 1,
        blocks: 1,
        kind: Kind::New,
        threads: Vec::new(),
        scope: None,
        scopes: Vec::new(),
        owner: None,
        stacks: 1,
        verdict: Judgement::Lost,
        holder: None,
        growth: None,
        baseline: None,
        known: None,
        freed_older: 0,
        also_at: Vec::new(),
        epochs: Vec::new(),
        grown_to: None,
        names: Vec::new(),
        frames: vec![
            native("pool::grow(unsigned long)"),
            native(&"a".repeat(3000)),
            Frame::Java(JavaFrame {
                class: "org.example.Pool".to_owned(),
                method: "grow0".to_owned(),
                file: None,
                line: None,
                native: true,
            }),
            Frame::Mark {
                text: "frames are missing".to_owned(),
            },
        ],
    });
}

/// The text of options; what is accepted reads back as the same options.
pub fn options(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match text.parse::<Options>() {
        Ok(options) => {
            let again = options.to_string().parse::<Options>();
            assert_eq!(again.as_ref(), Ok(&options), "{text:?}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A baseline: what can be read is written, and read again, as the same.
pub fn baseline(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Baseline::parse(&text, "file") {
        Ok(baseline) => {
            let again = Baseline::parse(&baseline.text(), "file");
            let again = again.expect("a baseline reads what it wrote");
            assert_eq!(again.text(), baseline.text());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A file of pools.
pub fn pools(data: &[u8]) {
    match parse_pools(&String::from_utf8_lossy(data)) {
        Ok(pairs) => {
            let whole = |pair: &PoolFunctions| !pair.alloc.is_empty() && !pair.free.is_empty();
            assert!(pairs.iter().all(whole));
        }
        Err(error) => assert!(error.line > 0 && !error.to_string().is_empty()),
    }
}
