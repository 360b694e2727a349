//! The page `docs/benchmarks.md`.

use std::fmt::Write;

use super::plot::PLOTS;
use super::{number, words};
use crate::goals::GOALS;
use crate::results::Exactness;
use crate::results::{Measured, Results, Runs};
use crate::run::TUNABLES;
use crate::tool::Tool;
use crate::workload::{WORKLOADS, Workload};

/// The page; plots are looked for in the folder `benchmarks` beside it.
pub fn page(results: &Results) -> String {
    let mut page = String::from(INTRODUCTION);
    goals(&mut page, results);
    glance(&mut page, results);
    plots(&mut page, results);
    exactness(&mut page, &results.exactness);
    for workload in WORKLOADS {
        if let Some(measured) = results.measured(workload.name) {
            table(&mut page, workload, measured);
        }
    }
    measured_on(&mut page, results);
    page
}

const INTRODUCTION: &str = "\
<!-- Written by `make bench`: change integration-tests/benches, not this page. -->
# Benchmarks

What HackLeak costs, beside the tools that a user would otherwise take. All tools did the same work in turns, round after round;
each figure is compared with the bare run of its own round. Given are medians over the rounds, and after ± the median absolute
deviation. The raw figures are in [benchmarks/results.json](benchmarks/results.json).

* Tools that need µs for an allocation got less of the same work where that is said below the table.
* jemalloc and tcmalloc are allocators of their own: their figures contain what the other allocator
* saves or costs. heaptrack analyses in a second process: its CPU time and memory are not in these
* figures, but wall times end when it does. No tool sampled: each was told to record every
* allocation with its stack. Only HackLeak with `stacks=off` was told to leave the stacks
  out. heaptrack keeps at most 64 native frames of a stack, tcmalloc 32.

";

fn row(page: &mut String, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<String> = cells.into_iter().collect();
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn head(page: &mut String, cells: &[String]) {
    row(page, cells.iter().cloned());
    let rule = |index: usize| if index == 0 { "---" } else { "--:" };
    row(page, (0..cells.len()).map(|index| rule(index).to_owned()));
}

fn goals(page: &mut String, results: &Results) {
    page.push_str("## Goals\n\n");
    head(page, &["", "goal", "measured", ""].map(str::to_owned));
    for goal in GOALS {
        let Some(value) = (goal.measured)(results) else {
            continue;
        };
        let sign = if goal.at_least { "≥" } else { "≤" };
        let verdict = if goal.reached(value) {
            "reached"
        } else {
            "**missed**"
        };
        row(
            page,
            [
                goal.what.to_owned(),
                format!("{sign} {}{}", goal.limit, goal.unit),
                format!("{}{}", number(value), goal.unit),
                verdict.to_owned(),
            ],
        );
    }
    page.push('\n');
}

/// One figure for each kind of cost, and beside it what the tool finds for it.
fn glance(page: &mut String, results: &Results) {
    page.push_str("## At a glance\n\n");
    let columns = [
        "tool",
        "pair below JNI, 20 frames, ns over bare",
        "JNI call that allocates, ns over bare",
        "RocksDB, × bare",
        "JVM start, × bare",
        "leaks found",
        "with their Java method",
    ];
    head(page, &columns.map(str::to_owned));
    let compared = |workload: &str, tool: Tool, figure: &str| {
        results.measured(workload)?.compared(tool.name(), figure)
    };
    for tool in Tool::ALL {
        let over =
            |workload, figure| compared(workload, tool, figure).map(|c| number(c.over.median));
        let ratio =
            |workload, figure| compared(workload, tool, figure).map(|c| number(c.ratio.median));
        let found = results
            .exactness
            .iter()
            .find(|e| e.tool == tool.name() && e.failure.is_none());
        let of = |count: u64, all: u64| format!("{count} of {}", 2 * all);
        let cells = [
            over("churn-jni", "depth20.threads1"),
            over("calls", "frames10.allocating"),
            ratio("rocksdb", "all"),
            ratio("start", "run.wall"),
            found.map(|e| of(e.by_new + e.by_malloc, e.planted)),
            found
                .filter(|e| e.java)
                .map(|e| of(e.by_new_named + e.by_malloc_named, e.planted)),
        ];
        if tool != Tool::Bare && cells.iter().any(Option::is_some) {
            let cells = cells.map(|cell| cell.unwrap_or_else(|| "–".to_owned()));
            row(page, std::iter::once(tool.label().to_owned()).chain(cells));
        }
    }
    page.push('\n');
}

fn plots(page: &mut String, results: &Results) {
    for plot in PLOTS {
        let measured = results.measured(plot.workload);
        if measured.is_some_and(|measured| plot.svg(measured).is_some()) {
            let _ = writeln!(page, "![{}](benchmarks/{}.svg)\n", plot.title, plot.name);
        }
    }
}

fn exactness(page: &mut String, all: &[Exactness]) {
    let Some(first) = all.first() else {
        return;
    };
    page.push_str("## Exactness\n\n");
    let _ = writeln!(
        page,
        "{} Java methods leak one block with `new` and one with `malloc` each, and free ten more. The table says how many of \
         these leaks each\ntool reports as live below the native function that leaked. In brackets are those with the right Java \
         method in the stack. The last column has\nthe freed blocks that the tool reports.\n",
        first.planted
    );
    let columns = [
        "tool",
        "`new` (Java method)",
        "`malloc` (Java method)",
        "freed, reported",
    ];
    head(page, &columns.map(str::to_owned));
    for tool in all {
        let label = label(&tool.tool);
        if let Some(reason) = &tool.failure {
            row(page, [label, reason.clone(), String::new(), String::new()]);
            continue;
        }
        let found = |found: u64, named: u64| {
            let named = if tool.java {
                named.to_string()
            } else {
                "no JVM".to_owned()
            };
            format!("{found} of {} ({named})", tool.planted)
        };
        let by_new = found(tool.by_new, tool.by_new_named);
        let by_malloc = found(tool.by_malloc, tool.by_malloc_named);
        row(
            page,
            [label, by_new, by_malloc, tool.false_alarms.to_string()],
        );
    }
    page.push('\n');
}

fn label(tool: &str) -> String {
    let known = Tool::ALL.into_iter().find(|known| known.name() == tool);
    known.map_or_else(|| tool.to_owned(), |known| known.label().to_owned())
}

fn table(page: &mut String, workload: &Workload, measured: &Measured) {
    let _ = writeln!(
        page,
        "## {}\n\n{}.\n",
        workload.name,
        capital(workload.what)
    );
    let figures = workload.figures(measured.figures());
    for group in groups(&figures) {
        let mut columns = vec!["tool".to_owned()];
        columns.extend(group.iter().map(|figure| words(figure)));
        head(page, &columns);
        for runs in &measured.tools {
            if let Some(cells) = cells(measured, runs, group) {
                row(page, std::iter::once(label(&runs.tool)).chain(cells));
            }
        }
        page.push('\n');
    }
    notes(page, measured);
}

/// One table for all figures; where they are many, one for each first word of their names.
fn groups(figures: &[String]) -> Vec<&[String]> {
    if figures.len() <= 5 {
        return vec![figures];
    }
    let first = |figure: &String| figure.split('.').next().map(str::to_owned);
    figures.chunk_by(|a, b| first(a) == first(b)).collect()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// Value of the bare run; difference and ratio of the others. None if there is nothing.
fn cells(measured: &Measured, runs: &Runs, figures: &[String]) -> Option<Vec<String>> {
    let cell = |figure: &String| {
        let compared = measured.compared(&runs.tool, figure)?;
        Some(if runs.tool == Tool::Bare.name() {
            format!(
                "{} ±{}",
                number(compared.value.median),
                number(compared.value.deviation)
            )
        } else {
            let over = compared.over;
            let sign = if over.median < 0.0 { "" } else { "+" };
            format!(
                "{sign}{} ±{} (× {})",
                number(over.median),
                number(over.deviation),
                number(compared.ratio.median)
            )
        })
    };
    let cells: Vec<Option<String>> = figures.iter().map(cell).collect();
    let any = cells.iter().any(Option::is_some);
    any.then(|| cells.into_iter().map(Option::unwrap_or_default).collect())
}

fn notes(page: &mut String, measured: &Measured) {
    let bare = measured.runs(Tool::Bare.name());
    let Some(bare) = bare else {
        return;
    };
    let mut notes = vec![format!("Rounds: {}.", bare.rounds.len())];
    for runs in &measured.tools {
        if let Some(reason) = &runs.failure {
            notes.push(format!("{}: {reason}.", label(&runs.tool)));
        } else if runs.work() != bare.work() {
            notes.push(format!(
                "{}: {} instead of {}.",
                label(&runs.tool),
                runs.work(),
                bare.work()
            ));
        }
    }
    let _ = writeln!(page, "{}\n", notes.join(" "));
}

fn measured_on(page: &mut String, results: &Results) {
    page.push_str("## Measured on\n\n");
    head(page, &["".to_owned(), "".to_owned()]);
    for (name, value) in &results.machine {
        row(page, [name.clone(), value.clone()]);
    }
    for (tool, version) in &results.tools {
        let known = Tool::ALL.into_iter().find(|known| known.name() == tool);
        // HackLeak's own variants are one program, and no tool has no version.
        if known.is_some_and(|tool| {
            tool == Tool::Bare || tool.options().is_some() && tool != Tool::HackLeak
        }) {
            continue;
        }
        let name = if known == Some(Tool::HackLeak) {
            "HackLeak".to_owned()
        } else {
            label(tool)
        };
        let text = match version {
            Ok(version) => version.clone(),
            Err(reason) => format!("missing: {reason}"),
        };
        row(page, [name, text]);
    }
    row(
        page,
        ["`GLIBC_TUNABLES`".to_owned(), format!("`{TUNABLES}`")],
    );
    if results.scale != "full" {
        let _ = writeln!(
            page,
            "\nThis was a run of scale `{}`: the figures mean little.",
            results.scale
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Sample;

    fn runs(tool: Tool, work: &str, node: f64) -> Runs {
        Runs {
            tool: tool.name().to_owned(),
            arguments: vec![work.to_owned()],
            failure: None,
            rounds: vec![Sample([("node".to_owned(), node)].into())],
        }
    }

    #[test]
    fn failures_and_smaller_work_are_said() {
        let mut broken = runs(Tool::Valgrind, "1000000", 0.0);
        broken.failure = Some("ended by signal 11".to_owned());
        broken.rounds.clear();
        let measured = Measured {
            name: "map".to_owned(),
            tools: vec![
                runs(Tool::Bare, "1000000", 100.0),
                runs(Tool::HackLeak, "1000000", 110.5),
                runs(Tool::Tcmalloc, "1000", 5_100.0),
                broken,
            ],
        };
        let results = Results {
            workloads: vec![measured],
            ..Results::default()
        };
        let page = page(&results);
        for line in [
            "## map\n",
            "| bare | 100 ±0.00 |",
            "| HackLeak, `track=new` | +10.5 ±0.00 (× 1.10) |",
            "| tcmalloc, `HEAPPROFILE` | +5,000 ±0.00 (× 51.0) |",
            "tcmalloc, `HEAPPROFILE`: 1,000 instead of 1,000,000.",
            "valgrind, memcheck: ended by signal 11.",
        ] {
            assert!(page.contains(line), "no {line:?} in {page}");
        }
        assert!(!page.contains("| valgrind, memcheck |"), "{page}");
    }

    #[test]
    fn many_figures_are_several_tables() {
        let names = ["a1.x", "a1.y", "a1.z", "b2.x", "b2.y", "b2.z"].map(str::to_owned);
        assert_eq!(groups(&names), [&names[..3], &names[3..]]);
        assert_eq!(groups(&names[..4]), [&names[..4]]);
    }
}
