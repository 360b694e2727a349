use super::*;
use std::collections::HashMap;
use std::path::PathBuf;

fn look_up(name: &CStr) -> usize {
    // SAFETY: a look-up by name.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }.addr()
}

/// The file of a module; `None` for the kernel's own.
fn file(module: &Module) -> Option<PathBuf> {
    // SAFETY: a name of the loader's for a module that is never unloaded.
    let name = unsafe { CStr::from_ptr(module.name) };
    match name.to_str().expect("a plain path") {
        "" => Some("/proc/self/exe".into()),
        name => name.starts_with('/').then(|| name.into()),
    }
}

/// How many symbols the section of this kind has, by the file's own table of sections.
fn symbols_in_file(file: &[u8]) -> usize {
    const SECTION_LEN: usize = 64;
    const DYNAMIC_SYMBOLS: u64 = 11;
    const SYMBOL_LEN: usize = 24;
    let number = |at: usize, len: usize| {
        let mut bytes = [0; 8];
        bytes[..len].copy_from_slice(&file[at..at + len]);
        u64::from_le_bytes(bytes)
    };
    let (first, count) = (number(40, 8) as usize, number(60, 2) as usize);
    let mut sections = (0..count).map(|index| first + index * SECTION_LEN);
    let section = sections.find(|at| number(at + 4, 4) == DYNAMIC_SYMBOLS);
    number(section.expect("a section of symbols") + 32, 8) as usize / SYMBOL_LEN
}

#[test]
fn each_module_has_as_many_symbols_as_its_file() {
    let mut seen = 0;
    for module in modules() {
        let Some(file) = file(&module) else {
            continue;
        };
        let bytes = std::fs::read(&file).expect("a module's file can be read");
        let found = module.tables().symbol_count();
        assert_eq!(found, symbols_in_file(&bytes), "{}", file.display());
        seen += 1;
    }
    assert!(seen >= 3, "the program, the C library, the loader: {seen}");
}

#[test]
fn functions_are_given_by_name_in_each_of_their_versions() {
    let mut found: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    for_each_function(
        |path| path.ends_with(b"/libc.so.6"),
        |name, start| found.entry(name.to_vec()).or_default().push(start),
    );
    for name in [c"getline", c"fopen", c"qsort", c"setlocale"] {
        let starts = &found[name.to_bytes()];
        assert!(starts.contains(&look_up(name)), "{name:?}");
    }
    assert!(
        found[&b"fmemopen"[..]].len() > 1,
        "an old and a new version"
    );
    assert!(!found.contains_key(&b"environ"[..]), "data is no function");
    let mut none = 0;
    for_each_function(|_| false, |_, _| none += 1);
    assert_eq!(none, 0);
}

extern "C" fn seventy_seven(_of: libc::pid_t) -> libc::pid_t {
    77
}

/// The rights of the memory at this address, as the kernel says them.
fn rights(address: usize) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("a process has mappings");
    let number = |text| usize::from_str_radix(text, 16).expect("an address");
    let mut lines = maps.lines().map(|line| line.split([' ', '-']));
    let line = lines.find_map(|mut parts| {
        let range = number(parts.next()?)..number(parts.next()?);
        range.contains(&address).then(|| parts.next()).flatten()
    });
    line.expect("a mapped address").into()
}

#[test]
fn a_call_goes_where_its_reference_was_led_and_back() {
    // Nobody else in this process calls it.
    // SAFETY: the number of a session, or an error.
    let called = || unsafe { libc::getsid(0) };
    let before = called();
    let mut led = 0;
    for module in &modules() {
        module.references(&mut |name, reference| {
            if name != b"getsid" {
                return;
            }
            led += 1;
            let (was, sealed) = (reference.value(), rights(reference.place));
            assert_eq!(sealed, "r", "the loader has sealed it");
            assert_eq!(reference.target(), Some(look_up(c"getsid")));
            assert!(reference.redirect(seventy_seven as *const () as usize));
            assert_eq!(called(), 77);
            assert_eq!(rights(reference.place), sealed);
            assert!(reference.redirect(was));
        });
    }
    assert_eq!(led, 1, "the reference of this very program");
    assert_eq!(called(), before);
}

#[test]
fn the_recorders_own_references_are_nobodys_business() {
    for_each_reference(|_, reference| assert!(!this_library::has(reference.place)));
}
