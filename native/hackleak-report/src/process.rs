//! One image through the whole pipeline.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::thread;
use std::time::Duration;

use hackleak_image::layout::Kind;
use hackleak_image::reader::ProcessState;
use hackleak_image::{Image, ImageError};
use hackleak_options::{Held as OfHeld, InvalidFrees, Options, Track};

use crate::coverage::{Modules, Runtime, kinds};
use crate::fold::fold_roots;
use crate::group::group;
use crate::growth::Growing;
use crate::holders::Holders;
use crate::incomplete::Incomplete::Damaged;
use crate::known::{KnownLeaks, Lists};
use crate::meanwhile::{self, Older};
use crate::memory::LiveBlocks;
use crate::model::{
    Amount, Checkpoint, Held, Judgement, Leaks, Memory, Process, Site, State, Totals, Verdict,
};
use crate::named::Names;
use crate::numbers::{self, BLOCK};
use crate::read::{Selected, select};
use crate::selection::{Blocks, Holding, Selection};
use crate::suppress::{Rules, Suppressions};
use crate::symbolise::{Symbolised, symbolise};
use crate::{history, invalid_frees, judge, model, owner, packed, revision};

/// What is known of leaks besides what the recorded options name.
#[derive(Debug, Clone, Default)]
pub struct Besides {
    /// Rules that leave leaks out.
    pub suppressions: Vec<Suppressions>,
    /// Whether the built-in rules apply, over the option.
    pub built_in: Option<bool>,
    /// Known leaks of libraries.
    pub known: Vec<KnownLeaks>,
}

impl Process {
    /// The report on the image at `path`.
    ///
    /// # Errors
    ///
    /// The file is no readable image. Damage inside an image is no error: the report has what can
    /// be read and is incomplete, and notes say what is missing.
    pub fn of_image(path: &Path, selection: &Selection) -> Result<Process, ImageError> {
        Process::of_image_with(path, selection, &Besides::default())
    }

    /// The same with more than the recorded options name.
    ///
    /// # Errors
    ///
    /// As [`Process::of_image`].
    pub fn of_image_with(
        path: &Path,
        selection: &Selection,
        besides: &Besides,
    ) -> Result<Process, ImageError> {
        let look = || one_look(path, selection, besides);
        let mut process = look()?;
        for pause in LOOKS {
            if process.state != State::Running || !process.incomplete.contains(&Damaged) {
                break;
            }
            thread::sleep(pause);
            process = look()?;
        }
        Ok(process)
    }
}

/// A running process is in the middle of something now and then: a segment that is counted and
/// not there yet, a record that has its place and is still blank. So what looks damaged is looked
/// at again after each of these pauses, and what stays damaged is.
const LOOKS: [Duration; 3] = [
    Duration::from_millis(5),
    Duration::from_millis(20),
    Duration::from_millis(100),
];

/// The most blocks that are looked at to tell which stacks rules match.
const MAX_COVERED: usize = 1 << 12;

/// The report on the image as it is at this moment.
fn one_look(path: &Path, selection: &Selection, besides: &Besides) -> Result<Process, ImageError> {
    let mut image = packed::open(path)?;
    let state = image.process_state();
    let selected = select(&mut image, selection)?;
    let invalid_frees = invalid_frees::read(&image, selection);
    let stacks = selected.blocks.iter().map(|block| block.stack);
    let holding = selected.blocks.iter().map(|block| block.holding);
    let held = holding.filter_map(|holding| match holding {
        Holding::By(holder) => Some(holder),
        Holding::Unknown | Holding::Nobody => None,
    });
    let holders = Holders::read(&image, held);
    let stacks = stacks.chain(holders.stacks());
    let older = meanwhile::older(&image, &selected.blocks, selection);
    let freed = meanwhile::freed_after(&image, selection);
    let freed_stacks = freed.iter().flat_map(|freed| &freed.blocks);
    let stacks = stacks.chain(freed_stacks.map(|block| block.stack));
    let tests = selection.tests.as_ref();
    let fell = tests.map_or(&[][..], |tests| &tests.fell).iter().copied();
    let stacks = stacks.chain(fell);
    let symbolised = symbolise(&image, stacks.chain(invalid_frees::stacks(&invalid_frees)));
    let names = Names::read(&image, selection);
    let blocks = &selected.blocks;
    let grouped = |rounds| {
        group(
            &image,
            blocks,
            rounds,
            &symbolised,
            &holders,
            &older,
            &names,
        )
    };
    let rounds = tests.map_or_else(|| selection.all_rounds(), |_| 0);
    let sites = grouped(rounds);
    let own = Suppressions::of_patterns(&selection.suppress);
    let given = [&*besides.suppressions, &own].concat();
    let rules = Rules::new(&image.options(), &given, besides.built_in);
    let covered = match selection.covered {
        true => covered(&rules, &selected.blocks, &symbolised),
        false => Vec::new(),
    };
    let in_some_rounds = match rounds {
        0 => None,
        _ => in_some_only(rules.clone().apply(grouped(0)).sites, &sites),
    };
    let left = rules.clone().apply(sites);
    let paths: Vec<String> = image.modules().map(|module| module.path).collect();
    let runtime_code = Runtime::of(paths.iter().map(String::as_str));
    let sites = fold_roots(left.sites, &runtime_code);
    let (held, sites) = match tests {
        Some(tests) => {
            let blocks = &selected.blocks;
            let growing = Growing::of(blocks, selection, tests, &symbolised, &holders);
            (Vec::new(), growing.only(sites))
        }
        None => apart(&image, selection, sites),
    };
    let mut held = Held::of(held);
    let modules = Modules::of(&image);
    let (threads, totals) = totals(&image);
    let mut process = Process {
        pid: image.header().pid,
        exe: image.exe(),
        command: image.command(),
        revision: revision::at(Path::new(&image.folder()), image.header().start_unix_ns),
        folder: image.folder(),
        state: match state {
            ProcessState::Finished => State::Finished,
            ProcessState::Killed => State::Killed,
            ProcessState::Running => State::Running,
        },
        verdict: Verdict::Clean,
        verdict_without_leaks: Verdict::Clean,
        incomplete: Vec::new(),
        image: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
        options: image.options(),
        track: Track::names(image.header().track),
        totals,
        counters: image
            .counters()
            .map(|(counter, n)| (counter.name().to_owned(), n))
            .collect(),
        threads,
        modules: modules.all,
        start_unix_ns: image.header().start_unix_ns,
        checkpoints: checkpoints(&image),
        assertions: history::assertions(&image),
        timeline: history::timeline(&image),
        memory: None,
        notes: Vec::new(),
        invalid_frees: invalid_frees::symbolised(&invalid_frees, &symbolised),
        leaks: leaks(selection, Vec::new()),
        held: Held::default(),
        known: Held::default(),
        suppressions: left.suppressions,
        covered,
        selects_nothing: selection
            .note(&image)
            .or_else(|| kinds::none_of(&selection.kinds, &image)),
    };
    let lists = Lists::new(&image.options(), &besides.known, selection.known);
    let mut sorted = lists.clone().apply(sites, &process);
    let (mut sites, allowed) = selection.allowance.apply(sorted.sites);
    let apart = held.sites.iter_mut().chain(&mut sorted.known);
    for site in sites.iter_mut().chain(apart) {
        site.owner = owner::owner(&site.frames, &runtime_code);
    }
    process.leaks = leaks(selection, sites);
    process.held = held;
    process.known = Held::of(sorted.known);
    judge(&image, &selected, modules.blind, &mut process);
    // Assertions ask for a part, often, and what the process has in memory is no answer to them.
    let is_in_scopes = selection.scope.is_some() || selection.scope_name.is_some();
    if selection.since.is_none() && !is_in_scopes && tests.is_none() {
        let is_whole = process.incomplete.is_empty();
        process.memory = Memory::of(&image, &LiveBlocks::of(&image), is_whole);
    }
    process.notes = judge::notes(&image, &process, &selected, &symbolised);
    process
        .notes
        .extend(process.memory.as_ref().and_then(Memory::note));
    process.notes.splice(0..0, modules.notes);
    process.notes.extend(sorted.notes);
    for freed in freed {
        let none = (&Holders::default(), &Older::new(), &Names::default());
        let (blocks, stacks) = (&freed.blocks, &symbolised);
        let sites = group(&image, blocks, 0, stacks, none.0, none.1, none.2);
        let sites = rules.clone().apply(sites).sites;
        let sites = lists.clone().apply(sites, &process).sites;
        if sites.is_empty() {
            continue;
        }
        process.notes.push(judge::freed_later(&freed.label, &sites));
        if let Some(assertion) = process.assertions.get_mut(freed.assertion) {
            let mut amount = Amount::default();
            sites.iter().for_each(|site| amount.add(site.amount()));
            assertion.freed_later = Some(amount);
        }
    }
    process.notes.extend(left.notes);
    process.notes.extend(allowed);
    process.notes.extend(in_some_rounds);
    process.notes.extend(process.selects_nothing.clone());
    Ok(process)
}

/// What leaked in some rounds only, and so does not grow: of `every` site what `kept` has not.
fn in_some_only(every: Vec<Site>, kept: &[Site]) -> Option<String> {
    let kept: HashSet<_> = kept.iter().map(|site| (&site.frames, site.kind)).collect();
    let is_kept = |site: &Site| kept.contains(&(&site.frames, site.kind));
    let leaked = every.iter().filter(|site| {
        !matches!(site.verdict, Judgement::Held | Judgement::Growing)
            && judge::held::beginning(&site.frames).is_none()
            && !is_kept(site)
    });
    let mut amount = Amount::default();
    leaked.clone().for_each(|site| amount.add(site.amount()));
    let noun = model::noun(leaked);
    (amount.blocks > 0).then(|| {
        let amount = match noun {
            BLOCK => numbers::blocks(amount.blocks, amount.bytes),
            noun => numbers::amount(amount.bytes, amount.blocks, noun),
        };
        format!("{amount} leaked in some rounds only, and not counted")
    })
}

/// The stacks of `blocks` that rules match whatever lies there.
fn covered(rules: &Rules, blocks: &[Blocks], symbolised: &Symbolised) -> Vec<(u32, u32)> {
    let stacks: BTreeSet<(u32, u32)> = blocks
        .iter()
        .map(|block| (block.stack, block.kind as u32))
        .take(MAX_COVERED)
        .collect();
    let is_covered = |(stack, kind): &(u32, u32)| {
        let frames = symbolised.stacks.get(stack);
        let kind = u8::try_from(*kind).ok().and_then(Kind::from_number);
        frames.zip(kind).is_some_and(|(frames, kind)| {
            rules.covers(&Site {
                bytes: 0,
                blocks: 0,
                kind: kind.into(),
                threads: Vec::new(),
                scope: None,
                scopes: Vec::new(),
                stacks: 1,
                epochs: Vec::new(),
                owner: None,
                frames: frames.to_vec(),
                verdict: Judgement::Unknown,
                holder: None,
                growth: None,
                known: None,
                also_at: Vec::new(),
                freed_older: 0,
                names: Vec::new(),
                baseline: None,
                grown_to: None,
            })
        })
    };
    stacks.into_iter().filter(is_covered).collect()
}

/// The sites that are held and no failure, and the others. What was made when a library was loaded
/// or a class initialised is with the held, even if it is lost or nobody knows.
fn apart(image: &Image, selection: &Selection, mut sites: Vec<Site>) -> (Vec<Site>, Vec<Site>) {
    // Of rounds only those sites are left that have blocks of each: what one replaces is gone.
    if selection.all_rounds() != 0 {
        let held = sites
            .iter_mut()
            .filter(|site| site.verdict == Judgement::Held);
        held.for_each(|site| site.verdict = Judgement::Growing);
    }
    let options: Options = image.options().parse().unwrap_or_default();
    match selection.held.unwrap_or(options.held) {
        OfHeld::Fail => (Vec::new(), sites),
        of_held => {
            let is_held = |site: &Site| match site.verdict {
                Judgement::Held => true,
                Judgement::Growing => false,
                Judgement::Lost | Judgement::Unknown => {
                    judge::held::beginning(&site.frames).is_some()
                }
            };
            let (mut held, others): (Vec<Site>, Vec<Site>) = sites.into_iter().partition(is_held);
            if of_held == OfHeld::Ignore {
                held.clear();
            }
            (held, others)
        }
    }
}

/// Fills in the verdicts, and why the record is incomplete.
fn judge(image: &Image, selected: &Selected, blind: bool, process: &mut Process) {
    process.incomplete = judge::incomplete(image, selected, blind);
    process.verdict_without_leaks = judge::verdict(&Leaks::default(), &process.incomplete);
    if process.verdict_without_leaks < Verdict::InvalidFrees
        && !process.invalid_frees.is_empty()
        && fails(image)
    {
        process.verdict_without_leaks = Verdict::InvalidFrees;
    }
    let verdict = judge::verdict(&process.leaks, &process.incomplete);
    process.verdict = process.verdict_without_leaks.max(verdict);
}

/// Threads that allocated, and what all of them did.
fn totals(image: &Image) -> (u64, Totals) {
    let mut threads = 0;
    let mut totals = Totals::default();
    for thread in image.threads() {
        threads += u64::from(thread.record.allocations > 0);
        totals.allocations = totals.allocations.saturating_add(thread.record.allocations);
        totals.frees = totals.frees.saturating_add(thread.record.frees);
        totals.bytes = totals.bytes.saturating_add(thread.record.bytes);
    }
    let strays = image.header().strays;
    totals.allocations = totals.allocations.saturating_add(strays.allocations);
    totals.bytes = totals.bytes.saturating_add(strays.bytes);
    (threads, totals)
}

fn checkpoints(image: &Image) -> Vec<Checkpoint> {
    image
        .checkpoints()
        .map(|checkpoint| Checkpoint {
            epoch: checkpoint.record.epoch,
            label: checkpoint.label,
            at_ns: history::since_start(image, checkpoint.record.unix_ns),
        })
        .collect()
}

fn leaks(selection: &Selection, sites: Vec<Site>) -> Leaks {
    Leaks {
        since: selection.since,
        scope: selection.scope,
        kinds: selection
            .kinds
            .iter()
            .map(|kind| kind.name().to_owned())
            .collect(),
        bytes: sites
            .iter()
            .fold(0, |sum: u64, site| sum.saturating_add(site.bytes)),
        blocks: sites
            .iter()
            .fold(0, |sum: u64, site| sum.saturating_add(site.blocks)),
        sites,
    }
}

/// Whether invalid frees count as a failure.
fn fails(image: &Image) -> bool {
    let options: Result<Options, _> = image.options().parse();
    options.is_ok_and(|options| options.invalid_frees == InvalidFrees::Fail)
}
