//! The image outlives the process, however that ends, and the process outlives whatever happens to the image.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use integration_tests::{Recording, Report, artefacts, cpp, process};

fn assert_planted(report: &Report, state: &str) {
    let process = report.process();
    let site = process.site_of(1_999_993);
    assert_eq!(site.count, 3);
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

#[test]
fn an_image_is_complete_however_the_process_ends() {
    for how in ["return", "exit", "quick_exit", "_exit"] {
        let run = Recording::of(cpp("endings"))
            .args([how])
            .run()
            .expect_code(5);
        let report = run.report();
        assert_eq!(report.process().site_of(1_999_993).count, 3, "{how}");
        // Nothing of the process's own runs after these two.
        let abrupt = how == "_exit" || how == "quick_exit";
        let expected: &[&str] = if abrupt {
            &["finished", "killed"]
        } else {
            &["finished"]
        };
        assert!(
            expected.contains(&report.process().state.as_str()),
            "{how}: {report:#?}"
        );
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
    assert_eq!(
        run.ended.stderr, "",
        "the program's own stderr is not the place to say so"
    );
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
    assert_says_that_the_disk_was_full(&growing_on(&disk, &[]));
}

#[test]
fn a_disk_that_fills_up_meanwhile_does_not_disturb_the_program() {
    let Some(disk) = SmallDisk::mount("200m") else {
        return;
    };
    let filler = disk.path().join("filler");
    let run = growing_on(&disk, &[filler.to_str().expect("paths are UTF-8")]);
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
            Some(0 | 23) => {}
            Some(1) => assert!(
                !ended.stderr.trim().is_empty(),
                "an error without a word: {ended}"
            ),
            _ => panic!("the reporter must not crash: {ended}"),
        }
        assert!(!ended.stderr.contains("panicked"), "{ended}");
    }
}
