//! The verdict and the sums of a whole report, in one line.

use crate::merge;
use crate::model::{Outcome, Report, Verdict};
use crate::numbers::{self, BLOCK, bytes, counted, human};

/// One line, ended: what people look for at the end of a long text.
pub fn totals(report: &Report) -> String {
    let all = report.processes.len() as u64;
    let among = |verdict| {
        let such = report.processes.iter().filter(|p| p.verdict == verdict);
        match (such.count() as u64, all) {
            (_, 1) => "in 1 process".to_owned(),
            (some, all) if some == all => format!("in {all} processes"),
            (some, all) => format!("in {some} of {all} processes"),
        }
    };
    let whole = match all {
        1 => "in 1 process".to_owned(),
        all => format!("in {all} processes"),
    };
    let mut line = match report.verdict() {
        Verdict::Leaks => {
            let (size, count) = report.leaked();
            let sites = counted(merge::count(report) as u64, "site");
            let noun = crate::model::noun(report.processes.iter().flat_map(|p| &p.leaks.sites));
            let amount = match noun {
                BLOCK => {
                    let blocks = counted(count, noun);
                    format!("{} ({}) in {blocks}", human(size), bytes(size))
                }
                noun => numbers::amount(size, count, noun),
            };
            format!("leaks: {amount} at {sites}, {}", among(Verdict::Leaks))
        }
        Verdict::InvalidFrees => {
            let found = report
                .processes
                .iter()
                .map(|p| p.invalid_frees.len() as u64);
            let found = counted(found.sum(), "invalid free");
            format!(
                "invalid frees: {found}, and no leaks, {}",
                among(Verdict::InvalidFrees)
            )
        }
        Verdict::Incomplete => {
            let unread = match report.unreadable.len() as u64 {
                0 => "not everything was recorded".to_owned(),
                unread => format!("{} cannot be read", counted(unread, "image")),
            };
            format!("incomplete: no leaks were seen {whole}, but {unread}")
        }
        Verdict::Clean => format!("clean: no leaks {whole}"),
    };
    let assertions = || report.processes.iter().flat_map(|p| &p.assertions);
    let failed = assertions().filter(|ended| ended.outcome == Outcome::Failed);
    let failed = failed.count() as u64;
    if failed > 0 {
        let of = counted(assertions().count() as u64, "assertion");
        line += &format!("; {failed} of {of} failed");
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_without_processes_and_with_damage_has_totals() {
        let mut report = Report::new(Vec::new());
        assert_eq!(totals(&report), "clean: no leaks in 0 processes\n");
        report.unreadable.push(crate::model::Unreadable {
            file: "x".to_owned(),
            reason: "it is gone".to_owned(),
        });
        assert_eq!(
            totals(&report),
            "incomplete: no leaks were seen in 0 processes, but 1 image cannot be read\n"
        );
    }
}
