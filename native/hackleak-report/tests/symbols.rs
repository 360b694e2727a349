//! Symbols of a real little program, compiled here.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hackleak_image::Frame as ImageFrame;
use hackleak_image::layout::Kind;
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_report::model::{Frame, NativeFrame};
use hackleak_report::{Process, Selection};
use support::BLOCK;

/// `outer` calls `opaque` through two functions that are inlined into it.
const SOURCE: &str = r#"
namespace shop {
__attribute__((noinline)) void* opaque(int n) { asm volatile("" : "+r"(n)); return (void*)(long)n; }
__attribute__((always_inline)) static inline void* inner(int n) {
  void* p = opaque(n + 1);
  asm volatile("" ::"r"(p) : "memory");
  return p;
}
__attribute__((always_inline)) static inline void* middle(int n) { return inner(n * 2); }
#ifdef LOCAL
namespace {
#endif
__attribute__((noinline)) void* outer(int n) {
  void* p = middle(n);
  asm volatile("" ::"r"(p) : "memory");
  return p;
}
#ifdef LOCAL
}
#endif
}
int main(int argc, char**) { return shop::outer(argc) == nullptr; }
"#;

struct Program {
    folder: tempfile::TempDir,
    file: PathBuf,
    build_id: Vec<u8>,
    /// The return address of the call to `opaque` in `outer`.
    address: u64,
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("the tool is installed");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Program {
    fn compile(flags: &[&str]) -> Program {
        let folder = tempfile::tempdir().expect("temporary folder");
        let source = folder.path().join("shop.cpp");
        fs::write(&source, SOURCE).expect("write");
        let file = folder.path().join("shop");
        let mut compiler = Command::new("g++");
        compiler
            .args(["-O2", "-Wl,--build-id=sha1"])
            .args(flags)
            .arg("-o")
            .arg(&file)
            .arg(source);
        output(&mut compiler);
        let (build_id, address) = (build_id(&file), return_address(&file));
        Program {
            folder,
            file,
            build_id,
            address,
        }
    }

    /// The native frames of a block that was allocated there, and the notes.
    fn frames_of_build(&self, build_id: &[u8]) -> (Vec<NativeFrame>, Vec<String>) {
        let mut image = ImageBuilder::new();
        let module = image.module(self.file.to_str().expect("UTF-8"), build_id, 0);
        let stack = image.stack(&[ImageFrame::Native {
            module,
            vaddr: self.address,
        }]);
        image.live(BLOCK, 1, Kind::New, stack, 0);
        let path = self.folder.path().join("1.hackleak");
        image.write(&path).expect("write");
        let process = Process::of_image(&path, &Selection::default()).expect("an image");
        let frames = process.leaks.sites[0]
            .frames
            .iter()
            .map(|frame| match frame {
                Frame::Native(native) => native.clone(),
                other => panic!("not native: {other:?}"),
            });
        (frames.collect(), process.notes)
    }

    fn frames(&self) -> (Vec<NativeFrame>, Vec<String>) {
        self.frames_of_build(&self.build_id)
    }
}

fn build_id(file: &Path) -> Vec<u8> {
    let notes = output(Command::new("readelf").arg("-n").arg(file));
    let (_, id) = notes.split_once("Build ID: ").expect("a build-id");
    let digits = id.split_whitespace().next().expect("digits").as_bytes();
    let pairs = digits
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal"))
        .collect()
}

fn return_address(file: &Path) -> u64 {
    let code = output(
        Command::new("objdump")
            .args(["-d", "--no-show-raw-insn"])
            .arg(file),
    );
    let outer = code
        .split("\n\n")
        .find(|code| code.contains("5outerEi>:"))
        .expect("outer");
    let mut lines = outer
        .lines()
        .skip_while(|line| !line.contains("_ZN4shop6opaqueEi"));
    let after = lines.nth(1).expect("an instruction after the call").trim();
    let address = after.split(':').next().expect("address");
    u64::from_str_radix(address, 16).expect("hexadecimal")
}

fn line_of(text: &str) -> Option<u32> {
    let line = SOURCE
        .lines()
        .position(|line| line.contains(text))
        .expect("in the source");
    Some(line as u32 + 1)
}

fn short(function: &Option<String>) -> &str {
    let name = function.as_deref().unwrap_or("?");
    let name = name.rsplit("::").next().unwrap_or(name);
    name.split('(').next().unwrap_or(name)
}

#[test]
fn inlined_functions_are_frames_of_their_own() {
    let program = Program::compile(&["-g"]);
    let (frames, notes) = program.frames();
    let names: Vec<&str> = frames.iter().map(|frame| short(&frame.function)).collect();
    assert_eq!(names, ["inner", "middle", "outer"]);
    let lines: Vec<Option<u32>> = frames.iter().map(|frame| frame.line).collect();
    let expected = ["opaque(n + 1)", "inner(n * 2)", "= middle(n)"].map(line_of);
    assert_eq!(lines, expected);
    assert_eq!(
        frames.iter().map(|frame| frame.inlined).collect::<Vec<_>>(),
        [true, true, false]
    );
    assert_eq!(frames[2].function.as_deref(), Some("shop::outer(int)"));
    assert!(
        frames[0]
            .file
            .as_deref()
            .is_some_and(|file| file.ends_with("/shop.cpp"))
    );
    assert_eq!(frames[2].offset, format!("{:#x}", program.address - 1));
    assert!(
        !notes.iter().any(|note| note.contains("symbols")),
        "{notes:?}"
    );
}

#[test]
fn functions_of_local_types_have_their_full_name() {
    let program = Program::compile(&["-g", "-DLOCAL"]);
    let (frames, _) = program.frames();
    assert_eq!(
        frames[2].function.as_deref(),
        Some("shop::(anonymous namespace)::outer(int)")
    );
}

#[test]
fn without_debug_information_the_symbol_table_names_the_function() {
    let (frames, _) = Program::compile(&[]).frames();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].function.as_deref(), Some("shop::outer(int)"));
    assert_eq!(frames[0].line, None);
}

#[test]
fn another_build_lends_no_symbols() {
    let program = Program::compile(&["-g"]);
    let (frames, notes) = program.frames_of_build(&[1, 2, 3]);
    assert_eq!((frames.len(), &frames[0].function), (1, &None));
    assert!(
        notes
            .iter()
            .any(|note| note.contains("another build") && note.contains("010203"))
    );
}

#[test]
fn a_kept_copy_stands_in_for_a_file_that_is_gone() {
    let program = Program::compile(&["-g"]);
    let kept = program.folder.path().join("modules");
    fs::create_dir(&kept).expect("create");
    let digits: String = program
        .build_id
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fs::rename(&program.file, kept.join(&digits)).expect("move");
    let (frames, notes) = program.frames();
    assert_eq!(short(&frames[0].function), "inner");
    assert_eq!(frames[0].module, program.file.to_string_lossy());
    assert!(
        !notes.iter().any(|note| note.contains("symbols")),
        "{notes:?}"
    );

    fs::remove_file(kept.join(&digits)).expect("remove");
    let (frames, notes) = program.frames();
    assert_eq!(frames[0].function, None);
    assert!(
        notes.iter().any(|note| note.contains("the file is gone")),
        "{notes:?}"
    );
}

#[test]
fn separate_debug_information_is_found_by_its_link() {
    let program = Program::compile(&["-g"]);
    let debug = program.folder.path().join("shop.debug");
    let mut objcopy = Command::new("objcopy");
    output(
        objcopy
            .arg("--only-keep-debug")
            .arg(&program.file)
            .arg(&debug),
    );
    output(Command::new("strip").arg("-g").arg(&program.file));
    let mut link = Command::new("objcopy");
    output(
        link.arg(format!("--add-gnu-debuglink={}", debug.display()))
            .arg(&program.file),
    );
    let (frames, _) = program.frames();
    assert_eq!(short(&frames[0].function), "inner");
}
