//! The same site in several processes is one: what a build tool's forks leak alike is mended
//! once.

use std::collections::HashMap;
use std::rc::Rc;

use crate::model::{Amount, Frame, InvalidFree, JavaFrame, Kind, Process, Report, Site};
use crate::stable::module_name;

/// A site with all processes that leak there.
#[derive(Debug)]
pub struct Merged<'report> {
    /// The site as the process that leaks most there has it.
    pub site: &'report Site,
    /// Bytes and blocks in all processes.
    pub amount: Amount,
    /// What each process leaks there, in the order of the report.
    pub processes: Vec<(&'report Process, Amount)>,
}

/// A frame, wherever the same build of its module was loaded from.
#[derive(PartialEq, Eq, Hash)]
enum Key<'report> {
    Java(&'report JavaFrame),
    Native {
        function: Option<&'report str>,
        place: (Option<&'report str>, Option<u32>),
        module: Rc<str>,
        offset: &'report str,
        inlined: bool,
    },
    Mark(&'report str),
}

/// The sites of all processes, most bytes first.
pub fn sites(report: &Report) -> Vec<Merged<'_>> {
    merged(report, |process| &process.leaks.sites)
}

/// Those of known leaks that fail nothing.
pub fn known(report: &Report) -> Vec<Merged<'_>> {
    merged(report, |process| &process.known.sites)
}

fn merged(report: &Report, sites: impl Fn(&Process) -> &[Site]) -> Vec<Merged<'_>> {
    let mut merged: Vec<Merged<'_>> = Vec::new();
    let mut known: HashMap<(Kind, Vec<Key<'_>>), usize> = HashMap::new();
    for process in &report.processes {
        for site in sites(process) {
            let place = *known
                .entry((site.kind, keys(&site.frames)))
                .or_insert_with(|| {
                    merged.push(Merged {
                        site,
                        amount: Amount::default(),
                        processes: Vec::new(),
                    });
                    merged.len() - 1
                });
            let found = &mut merged[place];
            if site.bytes > found.site.bytes {
                found.site = site;
            }
            found.amount.add(site.amount());
            match found.processes.last_mut() {
                Some((last, amount)) if std::ptr::eq(*last, process) => amount.add(site.amount()),
                _ => found.processes.push((process, site.amount())),
            }
        }
    }
    merged.sort_by(|a, b| {
        let size = (b.amount.bytes, b.amount.blocks).cmp(&(a.amount.bytes, a.amount.blocks));
        size.then_with(|| {
            (&a.site.frames, a.site.kind.name()).cmp(&(&b.site.frames, b.site.kind.name()))
        })
    });
    merged
}

/// The invalid frees of all processes.
pub fn invalid_frees(report: &Report) -> impl Iterator<Item = (&Process, &InvalidFree)> {
    report.processes.iter().flat_map(|process| {
        process
            .invalid_frees
            .iter()
            .map(move |invalid_free| (process, invalid_free))
    })
}

/// Per site of each process, in the order of the report, which of the sites it is that are the same
/// in all processes.
pub fn rows(report: &Report) -> Vec<usize> {
    let mut known: HashMap<(Kind, Vec<Key<'_>>), usize> = HashMap::new();
    let sites = report
        .processes
        .iter()
        .flat_map(|process| &process.leaks.sites);
    sites
        .map(|site| {
            let next = known.len();
            *known.entry((site.kind, keys(&site.frames))).or_insert(next)
        })
        .collect()
}

/// How many sites there are; one in several processes counts once.
pub fn count(report: &Report) -> usize {
    match &*report.processes {
        [one] => one.leaks.sites.len(),
        _ => rows(report)
            .into_iter()
            .max()
            .map_or(0, |highest| highest + 1),
    }
}

fn keys(frames: &[Frame]) -> Vec<Key<'_>> {
    frames
        .iter()
        .map(|frame| match frame {
            Frame::Java(java) => Key::Java(java),
            Frame::Native(native) => Key::Native {
                function: native.function.as_deref(),
                place: (native.file.as_deref(), native.line),
                module: module_name(&native.module),
                offset: &native.offset,
                inlined: native.inlined,
            },
            Frame::Mark { text } => Key::Mark(text),
        })
        .collect()
}
