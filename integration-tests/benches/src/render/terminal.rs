//! A workload's table for someone who waits for it.

use crate::results::Exactness;
use crate::results::Measured;
use crate::workload::Workload;

/// Prints each figure of each tool beside the bare one.
pub fn print(workload: &Workload, measured: &Measured) {
    println!("\n{}: {}", workload.name, workload.what);
    let figures = workload.figures(measured.figures());
    for figure in &figures {
        let mut first = figure.strip_prefix("run.").unwrap_or(figure);
        for runs in &measured.tools {
            let Some(compared) = measured.compared(&runs.tool, figure) else {
                continue;
            };
            let (value, over) = (compared.value, compared.over);
            print!(
                "  {first:<22} {:<20} {:>10.1} ±{:<7.1}",
                runs.tool, value.median, value.deviation
            );
            if runs.tool == "bare" {
                println!();
            } else {
                println!(
                    " over {:>10.1} ±{:<7.1} × {:.2}",
                    over.median, over.deviation, compared.ratio.median
                );
            }
            first = "";
        }
    }
    for runs in &measured.tools {
        if let Some(failure) = &runs.failure {
            println!("  {:<22} {:<20} {failure}", "", runs.tool);
        }
    }
}

/// Prints how many of the planted leaks each tool reports.
pub fn print_exactness(all: &[Exactness]) {
    println!(
        "\nexactness: planted leaks reported (and with the right Java method), freed blocks reported"
    );
    for tool in all {
        match &tool.failure {
            Some(reason) => println!("  {:<22} {reason}", tool.tool),
            None => println!(
                "  {:<22} new {} of {} ({})   malloc {} of {} ({})   freed {}",
                tool.tool,
                tool.by_new,
                tool.planted,
                tool.by_new_named,
                tool.by_malloc,
                tool.planted,
                tool.by_malloc_named,
                tool.false_alarms
            ),
        }
    }
}
