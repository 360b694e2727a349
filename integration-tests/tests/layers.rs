//! The code has floors: what stands on one imports only what stands below it.
//!
//! ARCHITECTURE.md has the floors of the recorder and of the crates, from the top down, and this
//! test holds the code against them. In the other crates no modules import each other. A room is a
//! file or a folder. In the order of the table each room may import those that come after it. Rooms
//! that are joined by `+` import each other: a circle that is still to be opened, and has to be
//! one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The rooms in the block of ARCHITECTURE.md that begins with this line: each with its place in the
/// order, which joined rooms share.
fn floors(block: &str) -> BTreeMap<String, usize> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let start = format!("```{block}\n");
    let at = text.find(&start).unwrap_or_else(|| panic!("no {start:?}"));
    let rest = &text[at + start.len()..];
    let mut rooms = BTreeMap::new();
    for floor in rest.split("```").next().unwrap_or_default().lines() {
        let (_, names) = floor.split_once(':').unwrap_or(("", floor));
        for joined in names.split_whitespace() {
            let place = rooms.len();
            for room in joined.split('+') {
                let known = rooms.insert(room.to_owned(), place);
                assert_eq!(known, None, "{room} stands there twice");
            }
        }
    }
    rooms
}

type Module = Vec<String>;
/// What imports what, by module.
type Imports = BTreeSet<(Module, Module)>;

/// All source files below a folder, by module.
fn modules(folder: &Path) -> BTreeMap<Module, PathBuf> {
    let mut found = BTreeMap::new();
    let mut open = vec![(folder.to_owned(), Vec::new())];
    while let Some((folder, path)) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let entry = entry.expect("an entry").path();
            let stem = entry
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let below = |name: String| [path.clone(), vec![name]].concat();
            if entry.is_dir() {
                open.push((entry, below(stem)));
            } else if entry.extension().is_some_and(|end| end == "rs") {
                let module = match stem.as_str() {
                    "mod" | "lib" => path.clone(),
                    _ => below(stem),
                };
                found.insert(module, entry);
            }
        }
    }
    found
}

/// Gathers the paths in a file that lead to other modules of its crate.
struct Paths<'crates> {
    all: &'crates BTreeMap<Module, PathBuf>,
    here: Module,
    /// Modules by the name that this file has for them.
    names: HashMap<String, Module>,
    found: BTreeSet<Module>,
}

impl Paths<'_> {
    fn resolve(&self, path: &[String]) -> Option<Module> {
        let mut steps = path.iter();
        let mut module = match steps.next()?.as_str() {
            "crate" => Vec::new(),
            "self" => self.here.clone(),
            "super" => self.here[..self.here.len().checked_sub(1)?].to_vec(),
            name => match self.names.get(name) {
                Some(module) => module.clone(),
                None => [self.here.clone(), vec![name.to_owned()]].concat(),
            },
        };
        if !module.is_empty() && !self.all.contains_key(&module) {
            return None;
        }
        for step in steps {
            if step == "super" {
                module.pop();
                continue;
            }
            module.push(step.clone());
            if !self.all.contains_key(&module) {
                module.pop();
                break;
            }
        }
        Some(module)
    }

    fn note(&mut self, path: &[String]) {
        if let Some(module) = self.resolve(path)
            && module != self.here
            && !module.is_empty()
        {
            self.found.insert(module);
        }
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before.to_vec(), vec![name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.tree(before, item));
            }
            syn::UseTree::Glob(_) => self.note(before),
            syn::UseTree::Name(name) if name.ident == "self" => self.name(before, None),
            syn::UseTree::Name(name) => self.name(&with(&name.ident), None),
            syn::UseTree::Rename(name) => self.name(&with(&name.ident), Some(&name.rename)),
        }
    }

    fn name(&mut self, path: &[String], renamed: Option<&syn::Ident>) {
        self.note(path);
        let Some(module) = self.resolve(path) else {
            return;
        };
        let last = path.last().cloned().unwrap_or_default();
        if module.last() == Some(&last) {
            let name = renamed.map_or(last, ToString::to_string);
            self.names.insert(name, module);
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // What a module hands on of its parts is no import.
        if matches!(item.vis, syn::Visibility::Inherited) {
            self.tree(&[], &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let steps: Vec<String> = path
            .segments
            .iter()
            .map(|step| step.ident.to_string())
            .collect();
        if steps.len() > 1 {
            self.note(&steps);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let text = item.tokens.to_string().replace(" :: ", "::");
        for words in text.split(|sign: char| !(sign.is_alphanumeric() || "_:".contains(sign))) {
            let steps: Vec<String> = words.split("::").map(str::to_owned).collect();
            if steps.len() > 1 && !steps[0].is_empty() {
                self.note(&steps);
            }
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        // Unit tests may look at everything.
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }
}

/// What the modules of a crate import of each other.
fn imports(folder: &Path) -> Imports {
    let all = modules(folder);
    let mut imports = Imports::new();
    for (module, path) in &all {
        let text = fs::read_to_string(path).expect("a source file");
        let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let mut paths = Paths {
            all: &all,
            here: module.clone(),
            names: HashMap::new(),
            found: BTreeSet::new(),
        };
        // Imports may stand after what uses them.
        paths.visit_file(&file);
        paths.visit_file(&file);
        imports.extend(paths.found.into_iter().map(|other| (module.clone(), other)));
    }
    imports
}

/// The room that a module is in: the longest name in the table that it begins with.
fn room<'rooms>(rooms: &'rooms BTreeMap<String, usize>, module: &[String]) -> Option<&'rooms str> {
    (1..=module.len()).rev().find_map(|len| {
        let found = rooms.get_key_value(&module[..len].join("/"));
        found.map(|(room, _)| room.as_str())
    })
}

/// What is wrong, one sentence each.
fn faults(rooms: &BTreeMap<String, usize>, imports: &Imports) -> Vec<String> {
    let mut faults = Vec::new();
    let mut joined: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (from, to) in imports {
        let (Some(upper), Some(lower)) = (room(rooms, from), room(rooms, to)) else {
            let both = [from, to].map(|module| module.join("/"));
            faults.push(format!(
                "{} imports {}: one of them has no place",
                both[0], both[1]
            ));
            continue;
        };
        let (above, below) = (rooms[upper], rooms[lower]);
        if upper != lower && above == below {
            joined.insert((upper, lower));
        }
        if above > below {
            let (from, to) = (from.join("/"), to.join("/"));
            faults.push(format!("{from} imports {to}, which stands above it"));
        }
    }
    let mut sizes: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (room, place) in rooms {
        sizes.entry(*place).or_default().push(room);
    }
    for circle in sizes.values().filter(|circle| circle.len() > 1) {
        for room in circle {
            let (goes, comes) = (
                joined.iter().any(|(from, _)| from == room),
                joined.iter().any(|(_, to)| to == room),
            );
            if !goes || !comes {
                faults.push(format!("{room} is in no circle any more: take it out"));
            }
        }
    }
    faults
}

#[test]
fn the_recorder_imports_downwards() {
    let rooms = floors("floors of the recorder");
    let folder = root().join("native/agent");
    let imports = imports(&folder);
    let faults = faults(&rooms, &imports);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let lowest = rooms.iter().filter(|(room, _)| room.starts_with("cold/"));
    let lowest = lowest.map(|(_, place)| *place).max();
    for (room, place) in rooms.iter().filter(|(room, _)| room.starts_with("hot/")) {
        assert!(
            Some(*place) > lowest,
            "{room} is hot, and above what is cold"
        );
    }
    let all = modules(&folder);
    for room in rooms.keys() {
        let steps: Module = room.split('/').map(str::to_owned).collect();
        assert!(
            all.keys().any(|module| module.starts_with(&steps)),
            "there is no {room}"
        );
    }
    // The two sides of the line have no place themselves: they only have rooms.
    let sides = [
        vec!["cold".to_owned()],
        vec!["hot".to_owned()],
        vec!["cold".to_owned(), "jvm".to_owned()],
    ];
    for module in all
        .keys()
        .filter(|module| !module.is_empty() && !sides.contains(module))
    {
        assert!(
            room(&rooms, module).is_some(),
            "{module:?} has no place in the table"
        );
    }
    assert!(
        imports.len() > 200,
        "only {} imports were found",
        imports.len()
    );
}

#[test]
fn the_crates_depend_downwards() {
    let rooms = floors("floors of the crates");
    let mut imports = Imports::new();
    for crate_name in rooms.keys() {
        let folder = match crate_name.as_str() {
            "hackleak-agent" => root(),
            name => root().join("native").join(name),
        };
        let text = fs::read_to_string(folder.join("Cargo.toml")).expect("Cargo.toml");
        let used = text.split("\n[dependencies]").nth(1).unwrap_or_default();
        let used = used.split("\n[").next().unwrap_or_default();
        for line in used.lines().filter(|line| line.starts_with("hackleak-")) {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            imports.insert((vec![crate_name.clone()], vec![name.to_owned()]));
        }
    }
    let faults = faults(&rooms, &imports);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(
        imports.len() > 5,
        "only {} dependencies were found",
        imports.len()
    );
}

/// Modules that lead back to themselves, in the order of their names.
fn in_circles(imports: &Imports) -> Vec<String> {
    let mut reached = imports.clone();
    loop {
        let mut more = reached.clone();
        for (from, over) in &reached {
            let further = imports.iter().filter(|(start, _)| start == over);
            more.extend(further.map(|(_, to)| (from.clone(), to.clone())));
        }
        if more.len() == reached.len() {
            break;
        }
        reached = more;
    }
    let back = reached.iter().filter(|(from, to)| from == to);
    back.map(|(module, _)| module.join("/")).collect()
}

#[test]
fn no_modules_of_the_other_crates_import_each_other() {
    let crates = ["options", "platform", "image", "report", "cli"];
    let folders = crates.map(|name| (name, format!("native/hackleak-{name}/src")));
    let bench = ("bench", "integration-tests/benches/src".to_owned());
    for (name, folder) in folders.into_iter().chain([bench]) {
        let folder = root().join(folder);
        let imports = imports(&folder);
        let circles = in_circles(&imports);
        assert!(circles.is_empty(), "{name}: {circles:?}");
        let fewest = if ["options", "platform"].contains(&name) {
            0
        } else {
            10
        };
        assert!(
            imports.len() >= fewest,
            "{name}: only {} imports",
            imports.len()
        );
    }
    let module = |name: &str| vec![name.to_owned()];
    let arrows = [("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")];
    let arrows = arrows.map(|(from, to)| (module(from), module(to)));
    assert_eq!(in_circles(&arrows.into()), ["b", "c"]);
}

#[test]
fn an_arrow_that_points_up_is_a_fault() {
    let module = |name: &str| name.split('/').map(str::to_owned).collect::<Module>();
    let rooms: BTreeMap<String, usize> = [("top", 0), ("one", 1), ("two", 1), ("ground/a", 2)]
        .map(|(name, at)| (name.to_owned(), at))
        .into();
    let arrows = |pairs: &[(&str, &str)]| -> Imports {
        pairs
            .iter()
            .map(|(from, to)| (module(from), module(to)))
            .collect()
    };
    let good = [
        ("top", "one"),
        ("one", "two"),
        ("two", "one"),
        ("one/x", "ground/a/y"),
    ];
    assert_eq!(faults(&rooms, &arrows(&good)), Vec::<String>::new());
    let up = faults(
        &rooms,
        &arrows(&[&good[..], &[("ground/a", "top")]].concat()),
    );
    assert_eq!(up, ["ground/a imports top, which stands above it"]);
    let opened = faults(&rooms, &arrows(&good[..2]));
    assert_eq!(opened.len(), 2, "{opened:?}");
    let nowhere = faults(&rooms, &arrows(&[&good[..], &[("top", "other")]].concat()));
    assert_eq!(nowhere.len(), 1, "{nowhere:?}");
}
