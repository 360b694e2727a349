//! Running the real `hackleak` in a temporary folder.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hackleak_image::Frame;
use hackleak_image::layout::{Counter, Kind};
use hackleak_image::reader::testing::ImageBuilder;

/// A `hackleak` that knows nothing of the environment of the tests.
pub fn hackleak() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hackleak"));
    for variable in [
        "HACKLEAK_LIBRARY",
        "HACKLEAK_OPTIONS",
        "LD_PRELOAD",
        "JAVA_TOOL_OPTIONS",
    ] {
        command.env_remove(variable);
    }
    command
}

/// What a run of the command left behind.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

pub fn end(command: &mut Command) -> Ended {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("hackleak can be started");
    Ended {
        code: status.code(),
        stdout: String::from_utf8(stdout).expect("UTF-8"),
        stderr: String::from_utf8(stderr).expect("UTF-8"),
    }
}

/// An image in `folder` with `leaks` live blocks of 1,999,993 bytes in epoch 2.
pub fn image(folder: &Path, name: &str, leaks: u64) -> PathBuf {
    write(folder, name, leaks, |_| {})
}

/// The same of a recorder that lost an allocation.
pub fn lossy_image(folder: &Path, name: &str, leaks: u64) -> PathBuf {
    write(folder, name, leaks, |image| {
        image.counter(Counter::DroppedNoSegment, 1)
    })
}

fn write(folder: &Path, name: &str, leaks: u64, change: fn(&mut ImageBuilder)) -> PathBuf {
    let mut image = ImageBuilder::new();
    let thread = image.thread(4242, "java", 1000, 1000);
    let stack = image.stack(&[Frame::Address(0x1234)]);
    image.checkpoint(2, "start");
    let scope = image.scope("mine");
    let context = image.context(2, scope, thread, 0);
    for block in 0..leaks {
        image.live(
            0x7f00_0000_0010 + 16 * block,
            1_999_993,
            Kind::New,
            stack,
            context,
        );
    }
    change(&mut image);
    let path = folder.join(name);
    image
        .write(&path)
        .expect("the temporary folder is writable");
    path
}
