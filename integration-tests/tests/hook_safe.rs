//! What is in [`FOLDERS`] runs inside the program's allocations: it never allocates, locks, formats
//! or panics on purpose.
//!
//! The layers (`layers.rs`) keep it from calling `native/agent/cold`. This test reads the calls in
//! it by name. A function that is called elsewhere, though it stands there, is in [`ELSEWHERE`]
//! with the reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

const FOLDERS: [&str; 2] = ["native/agent/hot", "native/hackleak-platform/src"];

/// Functions there that hooks do not call, or whose call is harmless: the end of the file's path,
/// the function, and why.
const ELSEWHERE: [(&str, &str, &str); 12] = [
    ("events/peaks.rs", "begin", "a test with a limit begins"),
    ("events/peaks.rs", "end", "such a test ends"),
    ("ground/boundary.rs", "init", "called in the constructor"),
    (
        "ground/boundary.rs",
        "said",
        "after a panic; formats into a buffer on the stack",
    ),
    (
        "ground/module_policy.rs",
        "init",
        "called in the constructor",
    ),
    (
        "ground/module_policy.rs",
        "set_jdk",
        "called when the JVM is found",
    ),
    (
        "hackleak-platform/src/peek.rs",
        "new",
        "opens a file by a short name, which takes no memory",
    ),
    (
        "jvm/methods.rs",
        "name_all",
        "called in native code, by `cold` alone",
    ),
    (
        "jvm/mod.rs",
        "lacks_for_tests",
        "a test's switch, asked for once",
    ),
    (
        "jvm/thread_list.rs",
        "layout",
        "waits for a thread that reads the same tables, once",
    ),
    (
        "jvm/vm_structs.rs",
        "init",
        "called when the JVM has started",
    ),
    (
        "thread.rs",
        "change_stack",
        "a box of nothing takes no memory",
    ),
];

/// Files that no recorder is built with: tests of what is concurrent, and of each walk.
const FOR_TESTS: [&str; 2] = ["concurrent_map/interleaved.rs", "unwind/verify.rs"];

/// Macros that allocate, format, write or panic.
const MACROS: [&str; 14] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "eprint",
    "eprintln",
    "format",
    "panic",
    "print",
    "println",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "writeln",
];

/// Methods that allocate, wait for another thread, or panic.
const METHODS: [&str; 17] = [
    "collect",
    "expect",
    "expect_err",
    "get_or_init",
    "into_boxed_slice",
    "into_owned",
    "join",
    "lock",
    "read_to_end",
    "read_to_string",
    "repeat",
    "to_owned",
    "to_string",
    "to_string_lossy",
    "to_vec",
    "unwrap",
    "unwrap_err",
];

/// Types whose functions allocate.
const TYPES: [&str; 13] = [
    "Arc", "BTreeMap", "BTreeSet", "Box", "CString", "File", "HashMap", "HashSet", "OsString",
    "PathBuf", "Rc", "String", "Vec",
];

/// Modules of the standard library whose functions allocate.
const LIBRARIES: [&str; 4] = ["env", "fs", "io", "thread"];

/// The calls in a file that are not hook-safe.
#[derive(Default)]
struct Calls {
    /// The functions around, the outermost first.
    around: Vec<String>,
    /// Function and call.
    found: BTreeSet<(String, String)>,
}

impl Calls {
    fn note(&mut self, call: String) {
        let function = self.around.last().cloned().unwrap_or_default();
        self.found.insert((function, call));
    }
}

/// Whether it is for unit tests or the build that checks stacks, which no program is recorded with.
fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = match &attribute.meta {
            syn::Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string(),
            _ => return false,
        };
        text.contains("test") || text == "feature = \"verify\""
    })
}

impl<'ast> Visit<'ast> for Calls {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_for_tests(&item.attrs) {
            self.around.push(item.sig.ident.to_string());
            visit::visit_item_fn(self, item);
            self.around.pop();
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            self.around.push(item.sig.ident.to_string());
            visit::visit_impl_item_fn(self, item);
            self.around.pop();
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        // It is evaluated by the compiler, panics and all.
        let _ = item;
    }

    fn visit_expr_const(&mut self, block: &'ast syn::ExprConst) {
        let _ = block;
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        if METHODS.contains(&name.as_str()) {
            self.note(format!(".{name}()"));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        let steps: Vec<String> = path
            .path
            .segments
            .iter()
            .map(|step| step.ident.to_string())
            .collect();
        let before = &steps[..steps.len() - 1];
        let allocates = before.iter().any(|step| TYPES.contains(&step.as_str()))
            || before.first().is_some_and(|first| first == "std")
                && before
                    .get(1)
                    .is_some_and(|library| LIBRARIES.contains(&library.as_str()));
        if allocates {
            self.note(steps.join("::"));
        }
        visit::visit_expr_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let name = item.path.segments.last().map(|step| step.ident.to_string());
        if let Some(name) = name.filter(|name| MACROS.contains(&name.as_str())) {
            self.note(format!("{name}!"));
        }
        // What is in a macro are tokens: read as calls where they are such.
        let tokens = item.tokens.to_string().replace(' ', "");
        for method in METHODS {
            if tokens.contains(&format!(".{method}(")) {
                self.note(format!(".{method}()"));
            }
        }
    }
}

/// The calls that are not hook-safe in the text of a file: function and call.
fn calls(text: &str) -> BTreeSet<(String, String)> {
    let mut calls = Calls::default();
    calls.visit_file(&syn::parse_file(text).expect("a source file"));
    calls.found
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_owned();
        if path.is_dir() && name != "tests" {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") && name != "tests" {
            found.push(path);
        }
    }
    found
}

#[test]
fn hot_code_neither_allocates_nor_locks_nor_panics() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let all: Vec<PathBuf> = FOLDERS
        .iter()
        .flat_map(|folder| sources(&root.join(folder)))
        .collect();
    assert!(all.len() > 60, "only {} files were found", all.len());
    let mut faults = Vec::new();
    let mut needed = BTreeSet::new();
    for path in all
        .iter()
        .filter(|path| !FOR_TESTS.iter().any(|file| path.ends_with(file)))
    {
        for (function, call) in calls(&fs::read_to_string(path).expect("a source file")) {
            let known = ELSEWHERE
                .iter()
                .position(|(file, is, _)| path.ends_with(file) && *is == function);
            match known {
                Some(at) => drop(needed.insert(at)),
                None => faults.push(format!("{}: {function} calls {call}", path.display())),
            }
        }
    }
    for (at, (file, function, _)) in ELSEWHERE.iter().enumerate() {
        if !needed.contains(&at) {
            faults.push(format!(
                "{file}: {function} is hook-safe: take it out of the list"
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn calls_are_found_where_they_are() {
    let found = calls(
        "fn a() { let x: Vec<u8> = b.iter().collect(); }
         impl T { fn c(&self) { self.lock().unwrap(); String::new(); } }
         fn d() { guarded(|| format!(\"{}\", e)); hot!(f.to_vec()); std::fs::read(g); }
         const H: () = assert!(true);
         #[cfg(test)] mod tests { fn i() { vec![1]; } }
         fn j(k: &Vec<u8>) -> u8 { k[0] }",
    );
    let found: Vec<String> = found
        .iter()
        .map(|(function, call)| format!("{function} {call}"))
        .collect();
    let expected = [
        "a .collect()",
        "c .lock()",
        "c .unwrap()",
        "c String::new",
        "d .to_vec()",
        "d format!",
        "d std::fs::read",
    ];
    assert_eq!(found, expected);
}
