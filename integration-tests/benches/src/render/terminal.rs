//! A workload's table for someone who waits for it.

use crate::results::Measured;
use crate::workload::Workload;

/// Prints each figure of each tool beside the bare one.
pub fn print(workload: &Workload, measured: &Measured) {
    println!("\n{}: {}", workload.name, workload.what);
    let figures = workload.figures(measured.figures());
    for figure in &figures {
        let mut first = if figure.starts_with("run.") {
            ""
        } else {
            figure
        };
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
