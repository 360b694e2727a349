//! The image outlives the process, however that ends, and the process outlives whatever happens to
//! the image.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use integration_tests::{Recording, Report, artefacts, cpp, process};

fn assert_planted(report: &Report, state: &str) {
    let process = report.process();
    let site = process.site_of(1_999_993);
    assert_eq!(site.blocks, 3);
    assert_eq!(site.names()[..2], ["planted", "main"]);
    assert_eq!(process.state, state);
}

#[test]
fn sigkill_in_the_middle_of_the_work_loses_nothing() {
    let recording = Recording::of(cpp("endings")).args(["busy"]);
    let (mut victim, running) = recording.start();
    victim.wait_for_output("ready");
    std::thread::sleep(Duration::from_millis(300));
    assert_planted(&running.report(), "running");
    let ended = victim.kill();
    assert_eq!(ended.signal(), Some(9));
    let run = running.ended(ended);
    assert_planted(&run.report_since("start"), "killed");
    run.report().process().assert_nothing_lost();
}

fn on_disk(images: &[PathBuf]) -> u64 {
    let [image] = images else {
        panic!("one process: {images:?}");
    };
    image.metadata().expect("it is there").blocks() * 512
}

/// A report takes from the disk what an image does not need, once nobody writes there any more.
#[test]
fn a_report_on_a_process_that_is_gone_leaves_little_on_the_disk() {
    let recording = Recording::of(cpp("endings")).args(["busy"]);
    let (mut victim, running) = recording.start();
    victim.wait_for_output("ready");
    let before = on_disk(&running.images());
    assert_planted(&running.report(), "running");
    assert!(
        on_disk(&running.images()) >= before,
        "the process still writes there"
    );
    let run = running.ended(victim.kill());
    assert_planted(&run.report(), "killed");
    let after = on_disk(&run.images());
    assert!(after * 2 < before, "{after} of {before} bytes are left");
    assert_planted(&run.report(), "killed");
}

#[test]
fn an_image_is_complete_however_the_process_ends() {
    for how in ["return", "exit", "quick_exit", "_exit"] {
        let run = Recording::of(cpp("endings"))
            .args([how])
            .run()
            .expect_code(5);
        let report = run.report();
        assert_eq!(report.process().site_of(1_999_993).blocks, 3, "{how}");
        assert_eq!(report.process().state, "finished", "{how}: {report:#?}");
    }
}

#[test]
fn an_image_survives_abort_and_segmentation_faults() {
    for (how, signal) in [("abort", 6), ("segv", 11)] {
        let run = Recording::of(cpp("endings")).args([how]).run();
        assert_eq!(run.ended.signal(), Some(signal), "{}", run.ended);
        assert_planted(&run.report(), "killed");
    }
}

#[test]
fn main_may_leave_before_the_other_threads() {
    let run = Recording::of(cpp("endings"))
        .args(["thread"])
        .run()
        .expect_code(0);
    let report = run.report();
    assert_eq!(report.process().blocks_of(1_999_993), 4);
    assert_eq!(report.process().state, "finished");
}

/// A small tmpfs that is unmounted at the end; only root can mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Option<SmallDisk> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut command = Command::new("mount");
        command
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path());
        let ended = process::run(&mut command);
        if !ended.status.success() {
            println!("SKIPPED: only root can mount a tmpfs: {}", ended.stderr);
            return None;
        }
        Some(SmallDisk(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn growing_on(disk: &SmallDisk, arguments: &[&str]) -> integration_tests::Run {
    let bare = Recording::bare(cpp("growing"))
        .args(["300000"])
        .run()
        .expect_code(7);
    let recording = Recording::of(cpp("growing"))
        .out(disk.path())
        .args(["300000"]);
    let run = recording.args(arguments).run().expect_code(7);
    assert_eq!(run.ended.stdout, bare.ended.stdout);
    run
}

fn assert_says_that_the_disk_was_full(run: &integration_tests::Run) {
    let report = run.report();
    let process = report.process();
    let notes = process.notes.join("\n");
    assert!(
        notes.contains("file system was full"),
        "it degraded silently: {process:#?}"
    );
    assert!(
        process.counters["segmentsInMemory"] > 0,
        "{:?}",
        process.counters
    );
}

#[test]
fn a_disk_too_small_for_the_image_does_not_disturb_the_program() {
    let Some(disk) = SmallDisk::mount("256k") else {
        return;
    };
    let run = growing_on(&disk, &[]);
    let lines: Vec<&str> = run.ended.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{}", run.ended);
    assert!(
        lines[0].ends_with("the file system was full"),
        "{}",
        lines[0]
    );
    assert_says_that_the_disk_was_full(&run);
}

#[test]
fn a_disk_without_room_for_a_byte_is_said_in_one_line() {
    let Some(disk) = SmallDisk::mount("64k") else {
        return;
    };
    fs::write(disk.path().join("filler"), vec![b'x'; 64 << 10]).expect("that much fits");
    let recording = Recording::of(cpp("endings")).out(disk.path());
    let run = recording.args(["return"]).run().expect_code(5);
    let lines: Vec<&str> = run.ended.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{}", run.ended);
    assert!(
        lines[0].starts_with("hackleak: not recording: "),
        "{}",
        lines[0]
    );
    assert!(lines[0].contains("file system was full"), "{}", lines[0]);
}

#[test]
fn a_disk_that_fills_up_meanwhile_does_not_disturb_the_program() {
    let Some(disk) = SmallDisk::mount("200m") else {
        return;
    };
    let filler = disk.path().join("filler");
    let run = growing_on(&disk, &[filler.to_str().expect("paths are UTF-8")]);
    assert_eq!(
        run.ended.stderr, "",
        "the program's own stderr is not the place to say so"
    );
    assert_says_that_the_disk_was_full(&run);
}

#[test]
fn an_out_folder_that_cannot_be_made_is_one_clear_line() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("file");
    fs::write(&file, "no folder").expect("a temporary folder is writable");
    let options = format!("follow=all,out={}/below", file.display());
    let recording = Recording::bare(cpp("endings")).args(["return"]);
    let recording = recording
        .env("LD_PRELOAD", artefacts::recorder())
        .env("HACKLEAK_OPTIONS", options);
    let run = recording.run().expect_code(5);
    assert_eq!(run.ended.stderr.lines().count(), 1, "{}", run.ended);
    assert!(run.ended.stderr.contains("below"), "{}", run.ended);
}

/// An image of a process that ended well, to be damaged.
fn sound_image(folder: &Path) -> PathBuf {
    let run = Recording::of(cpp("endings"))
        .args(["return"])
        .run()
        .expect_code(5);
    let copy = folder.join("image.hackleak");
    fs::copy(&run.images()[0], &copy).expect("an image can be copied");
    copy
}

#[test]
fn a_damaged_image_is_a_clear_error_and_never_a_crash() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let image = sound_image(folder.path());
    let sound = fs::read(&image).expect("an image can be read");
    let mut damaged: Vec<Vec<u8>> = Vec::new();
    for length in [0, 1, 7, 64, 4096, sound.len() / 2, sound.len() - 1] {
        damaged.push(sound[..length.min(sound.len())].to_vec());
    }
    // Every byte of the first page that means anything, and a sample of the rest.
    let mut positions: Vec<usize> = (0..4096.min(sound.len()))
        .filter(|p| sound[*p] != 0)
        .collect();
    let used: Vec<usize> = (4096..sound.len()).filter(|p| sound[*p] != 0).collect();
    positions.extend(used.iter().step_by((used.len() / 100).max(1)));
    for position in positions {
        let mut bytes = sound.clone();
        bytes[position] ^= 0xff;
        damaged.push(bytes);
    }
    println!("{} damaged images", damaged.len());
    for bytes in damaged {
        fs::write(&image, bytes).expect("a temporary folder is writable");
        let mut command = Command::new(artefacts::cli());
        command.args(["report", "--format", "json"]).arg(&image);
        let ended = process::run(&mut command);
        match ended.status.code() {
            // Some damage cannot be seen, such as another size of a block.
            Some(0 | 23 | 24) => {}
            Some(1) => assert!(
                !ended.stderr.trim().is_empty(),
                "an error without a word: {ended}"
            ),
            _ => panic!("the reporter must not crash: {ended}"),
        }
        assert!(!ended.stderr.contains("panicked"), "{ended}");
    }
}

/// A small generator of numbers that look random, the same in each run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % end as u64) as usize
    }
}

/// The exit code of the report, and its verdicts.
fn judged(image: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(artefacts::cli());
    let ended = process::run(command.args(["report", "--format", "lines"]).arg(image));
    assert!(!ended.stderr.contains("panicked"), "{ended}");
    let verdict = ended
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("verdict\t"));
    (ended.status.code(), verdict.unwrap_or("none").to_owned())
}

/// A process without a leak, whose image is cut at random lengths.
#[test]
fn a_cut_image_is_never_clean() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let whole = clean_image(folder.path());
    let length = fs::metadata(&whole).expect("it is there").len() as usize;
    let mut numbers = Numbers(0x0199_9993);
    let cut = folder.path().join("cut.hackleak");
    for round in 0..60 {
        let at = match round {
            0 => 4096,
            1 => length - 1,
            _ => numbers.below(length),
        };
        fs::copy(&whole, &cut).expect("an image can be copied");
        let file = fs::OpenOptions::new()
            .write(true)
            .open(&cut)
            .expect("it can be opened");
        file.set_len(at as u64).expect("it can be cut");
        let expected = match at {
            ..4096 => (Some(1), "none".to_owned()),
            _ => (Some(24), "incomplete".to_owned()),
        };
        assert_eq!(judged(&cut), expected, "cut at {at} of {length}");
    }
}

/// The same, with pages and whole segments that are wiped out.
#[test]
fn a_wiped_out_image_is_never_clean() {
    const PAGE: usize = 4096;
    const SEGMENT: usize = PAGE + (1 << 20);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let whole = clean_image(folder.path());
    let sound = fs::read(&whole).expect("an image can be read");
    // Names of methods and texts may be unknown, and texts leave gaps: all else must be there.
    let kind = |at: usize| u32::from_le_bytes(sound[at + 4..at + 8].try_into().expect("4 bytes"));
    let segments: Vec<usize> = (PAGE..sound.len()).step_by(SEGMENT).collect();
    let used: Vec<usize> = segments
        .iter()
        .flat_map(|segment| (*segment..segment + SEGMENT).step_by(PAGE))
        .filter(|page| sound[*page..page + PAGE].iter().any(|byte| *byte != 0))
        .filter(|page| {
            let segment = segments.partition_point(|start| start <= page) - 1;
            let data = *page > segments[segment];
            !(data && matches!(kind(segments[segment]), 5 | 6))
        })
        .collect();
    let mut numbers = Numbers(17);
    let damaged = folder.path().join("damaged.hackleak");
    for round in 0..60 {
        let (start, len) = match round % 3 {
            0 => (segments[numbers.below(segments.len())], SEGMENT),
            1 => (used[numbers.below(used.len())], PAGE),
            // From the middle of a page: the file of a machine that lost power.
            _ => (
                used[numbers.below(used.len())] / 512 * 512,
                PAGE + 512 * numbers.below(8),
            ),
        };
        let mut bytes = sound.clone();
        let end = bytes.len().min(start + len);
        bytes[start..end].fill(0);
        fs::write(&damaged, bytes).expect("a temporary folder is writable");
        let (code, verdict) = judged(&damaged);
        assert!(matches!(code, Some(23 | 24)), "{start}+{len}: {code:?}");
        assert!(
            verdict != "clean" && verdict != "none",
            "{start}+{len}: {verdict}"
        );
    }
}

/// An image that is clean as a whole.
fn clean_image(folder: &Path) -> PathBuf {
    let run = Recording::of(cpp("variants"))
        .args(["clean"])
        .run()
        .expect_code(0);
    let whole = folder.join("whole.hackleak");
    fs::copy(&run.images()[0], &whole).expect("an image can be copied");
    assert_eq!(judged(&whole), (Some(0), "clean".to_owned()));
    whole
}

#[test]
fn a_run_into_a_full_disk_is_incomplete() {
    for size in ["64k", "3m"] {
        let Some(disk) = SmallDisk::mount(size) else {
            return;
        };
        let mut command = Command::new(artefacts::cli());
        command
            .args(["run", "--follow", "all", "--out"])
            .arg(disk.path().join("out"));
        command.arg("--").arg(cpp("variants")).arg("clean");
        let ended = process::run(&mut command).expect_code(24);
        assert!(ended.stderr.contains("incomplete"), "{ended}");
    }
}
