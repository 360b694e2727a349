//! Taking the leaks that a baseline knows out of a report.

use std::collections::BTreeMap;
use std::path::Path;

use hackleak_options::Options;

use super::{Baseline, has_grown, known};
use crate::fold;
use crate::model::{self, Amount, Frame, Process, Report, Site, Verdict};
use crate::stable::Identity;
use crate::sum::{Sum, amount};

impl Report {
    /// Takes out of the leaks what baselines know: the one that is `given` with its name, else
    /// the one that the options of each process name. The processes of one baseline are judged
    /// together. A baseline that cannot be read knows nothing, and a note says so.
    pub fn subtract_baselines(&mut self, given: Option<(&str, &Baseline)>) {
        if let Some((file, baseline)) = given {
            let all = (0..self.processes.len()).collect::<Vec<_>>();
            self.subtract(file, baseline, &all);
            return;
        }
        let mut by_file: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (position, process) in self.processes.iter().enumerate() {
            let options: Options = process.options.parse().unwrap_or_default();
            if !options.baseline.is_empty() {
                by_file.entry(options.baseline).or_default().push(position);
            }
        }
        for (file, positions) in by_file {
            match Baseline::read(Path::new(&file)) {
                Ok(baseline) => self.subtract(&file, &baseline, &positions),
                Err(error) => {
                    for position in positions {
                        let notes = &mut self.processes[position].notes;
                        notes.push(format!("baseline not applied: {error}"));
                    }
                }
            }
        }
    }

    fn subtract(&mut self, file: &str, baseline: &Baseline, positions: &[usize]) {
        let mut now: BTreeMap<Identity, Amount> = BTreeMap::new();
        let mut whole = true;
        for position in positions {
            let leaks = &self.processes[*position].leaks;
            whole &= leaks.since.is_none() && leaks.scope.is_none();
            for site in &leaks.sites {
                now.entry(Identity::of(site))
                    .or_default()
                    .add(site.amount());
            }
        }
        let mut used = model::Baseline {
            file: file.to_owned(),
            sites: 0,
            blocks: 0,
            bytes: 0,
            fixed: Vec::new(),
        };
        for (identity, amount) in &baseline.sites {
            match now.get(identity) {
                Some(found) if !has_grown(*amount, *found) => {
                    used.sites += 1;
                    used.blocks = used.blocks.saturating_add(found.blocks);
                    used.bytes = used.bytes.saturating_add(found.bytes);
                }
                Some(_) => {}
                None if whole => used.fixed.push(known(identity, *amount)),
                None => {}
            }
        }
        for position in positions {
            self.processes[*position].subtract(file, baseline, &now);
        }
        self.baselines.push(used);
    }
}

impl Process {
    fn subtract(&mut self, file: &str, baseline: &Baseline, now: &BTreeMap<Identity, Amount>) {
        let mut left = Sum::default();
        let mut known = Sum::default();
        self.leaks.sites.retain_mut(|site| {
            let sum = Sum::of(site);
            let identity = Identity::of(site);
            match (baseline.sites.get(&identity), now.get(&identity)) {
                (Some(before), Some(now)) if !has_grown(*before, *now) => {
                    known.add(sum);
                    return false;
                }
                (before, now) => {
                    site.baseline = before.copied();
                    site.grown_to = before.and(now).copied();
                }
            }
            left.add(sum);
            true
        });
        (self.leaks.bytes, self.leaks.blocks) = (left.bytes, left.count);
        self.leaks.sites = grown_as_one(std::mem::take(&mut self.leaks.sites));
        if self.verdict == Verdict::Leaks && self.leaks.blocks == 0 {
            self.verdict = self.verdict_without_leaks;
        }
        if known != Sum::default() {
            self.notes
                .push(format!("{} known by the baseline `{file}`", amount(known)));
        }
    }
}

/// What a baseline knows as one site is one when it has grown, too: of its parts nobody can tell
/// which did.
fn grown_as_one(sites: Vec<Site>) -> Vec<Site> {
    let mut places: BTreeMap<Identity, usize> = BTreeMap::new();
    let mut one: Vec<Site> = Vec::with_capacity(sites.len());
    for site in sites {
        if site.baseline.is_some() {
            let place = *places.entry(Identity::of(&site)).or_insert(one.len());
            if let Some(known) = one.get_mut(place) {
                known
                    .also_at
                    .extend(other_line(&known.frames, &site.frames));
                fold::add(known, site);
                continue;
            }
        }
        one.push(site);
    }
    for site in &mut one {
        site.also_at.sort();
        site.also_at.dedup();
    }
    one.sort_by_key(|site| std::cmp::Reverse((site.bytes, site.blocks)));
    one
}

/// Where two stacks part, if that is at two lines of one function: the line of `other`.
fn other_line(frames: &[Frame], other: &[Frame]) -> Option<String> {
    let places = frames.iter().map(line).zip(other.iter().map(line));
    let (one, other) = places.into_iter().find(|(one, other)| one != other)?;
    let ((function, ..), (same, file, line)) = (one?, other?);
    let file = file.rsplit('/').next().unwrap_or(file);
    (function == same).then(|| format!("{file}:{line}"))
}

/// A frame's function, file and line.
fn line(frame: &Frame) -> Option<((&str, &str), &str, u32)> {
    match frame {
        Frame::Java(java) => {
            let function = (java.class.as_str(), java.method.as_str());
            Some((function, java.file.as_deref()?, java.line?))
        }
        Frame::Native(native) => {
            let function = (native.module.as_str(), native.function.as_deref()?);
            Some((function, native.file.as_deref()?, native.line?))
        }
        Frame::Mark { .. } => None,
    }
}
