//! Plots: one bar for each tool, as SVG.
//!
//! The plots are shown on white and on black pages: the background stays empty, bars have colours
//! that stand out on both, and text is grey: a page may be dark where the reader's system prefers
//! light.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::number;
use crate::results::Measured;
use crate::tool::Tool;

/// A plot.
pub struct Plot {
    /// Its file is `NAME.svg`.
    pub name: &'static str,
    /// What is plotted, with the unit.
    pub title: &'static str,
    /// The workload.
    pub workload: &'static str,
    /// The figure.
    pub figure: &'static str,
    /// Ratios to bare, else differences.
    pub ratio: bool,
}

/// All plots.
pub const PLOTS: &[Plot] = &[
    Plot {
        name: "churn-20",
        title: "new+delete below a JNI call, 20 native frames: ns over bare",
        workload: "churn-jni",
        figure: "depth20.threads1",
        ratio: false,
    },
    Plot {
        name: "churn-60",
        title: "new+delete below a JNI call, 60 native frames: ns over bare",
        workload: "churn-jni",
        figure: "depth60.threads1",
        ratio: false,
    },
    Plot {
        name: "calls",
        title: "JNI call that allocates and frees one block, 10 Java frames: ns over bare",
        workload: "calls",
        figure: "frames10.allocating",
        ratio: false,
    },
    Plot {
        name: "unique-stacks",
        title: "new+delete, nearly every stack a new one: ns over bare",
        workload: "unique-stacks",
        figure: "pair",
        ratio: false,
    },
    Plot {
        name: "rocksdb",
        title: "RocksDB puts, gets and a scan: times bare",
        workload: "rocksdb",
        figure: "all",
        ratio: true,
    },
    Plot {
        name: "start",
        title: "a JVM that starts and ends: times bare",
        workload: "start",
        figure: "run.wall",
        ratio: true,
    },
];

const WIDTH: u32 = 860;
const BAR: u32 = 26;
const LABELS: i32 = 300;
const TOP: i32 = 34;
/// Stands for the reader's text colour until the SVG is complete.
const TEXT: RGBColor = RGBColor(1, 2, 3);
const OURS: RGBColor = RGBColor(0x2d, 0x9c, 0x6f);
const THEIRS: RGBColor = RGBColor(0x8a, 0x94, 0xa6);

impl Plot {
    /// The SVG; none if too little was measured.
    pub fn svg(&self, measured: &Measured) -> Option<String> {
        let bars: Vec<(Tool, f64)> = Tool::ALL
            .into_iter()
            .filter(|tool| *tool != Tool::Bare)
            .filter_map(|tool| {
                let compared = measured.compared(tool.name(), self.figure)?;
                let value = if self.ratio {
                    compared.ratio
                } else {
                    compared.over
                };
                Some((tool, value.median))
            })
            .collect();
        if bars.is_empty() {
            return None;
        }
        let mut svg = String::new();
        draw(&mut svg, self, &bars).ok()?;
        Some(in_both_colours(&svg))
    }
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(svg: &mut String, plot: &Plot, bars: &[(Tool, f64)]) -> Drawn {
    let height = TOP as u32 + BAR * bars.len() as u32 + 8;
    let area = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    // The backend writes sizes for another font's measure: 13 comes out as 10.5.
    let font = |size: i32| {
        ("sans-serif", f64::from(size) * 1.24)
            .into_font()
            .color(&TEXT)
    };
    let at = |anchor| Pos::new(anchor, VPos::Center);
    area.draw(&Text::new(plot.title, (10, 10), font(16)))?;
    // Logarithmic, from 1 on: the tools differ by three orders of magnitude.
    let most = bars.iter().map(|bar| bar.1).fold(2.0, f64::max);
    let room = f64::from(WIDTH as i32 - LABELS - 90);
    let length = |value: f64| (value.max(1.0).ln() / most.ln() * room) as i32;
    for (index, (tool, value)) in bars.iter().enumerate() {
        let y = TOP + BAR as i32 * index as i32 + BAR as i32 / 2;
        let colour = if tool.options().is_some() {
            OURS
        } else {
            THEIRS
        };
        let end = LABELS + length(*value).max(2);
        let label = tool.label().replace('`', "");
        area.draw(&Text::new(
            label,
            (LABELS - 8, y),
            font(13).pos(at(HPos::Right)),
        ))?;
        area.draw(&Rectangle::new(
            [(LABELS, y - 9), (end, y + 9)],
            colour.filled(),
        ))?;
        let text = if plot.ratio {
            format!("× {}", number(*value))
        } else {
            number(*value)
        };
        area.draw(&Text::new(text, (end + 6, y), font(13).pos(at(HPos::Left))))?;
    }
    area.present()?;
    Ok(())
}

fn in_both_colours(svg: &str) -> String {
    let style =
        "<style>svg{color:#6e7781}@media(prefers-color-scheme:dark){svg{color:#9198a1}}</style>";
    let svg = svg.replace("#010203", "currentColor");
    match svg
        .find("<svg")
        .and_then(|start| Some(start + svg[start..].find('>')? + 1))
    {
        Some(end) => format!("{}\n{style}{}\n", &svg[..end], svg[end..].trim_end()),
        None => svg,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Runs, Sample};

    fn runs(tool: Tool, value: f64) -> Runs {
        Runs {
            tool: tool.name().to_owned(),
            arguments: Vec::new(),
            failure: None,
            rounds: vec![Sample([("all".to_owned(), value)].into())],
        }
    }

    #[test]
    fn a_bar_for_each_tool_that_was_measured() {
        let plot = PLOTS
            .iter()
            .find(|plot| plot.name == "rocksdb")
            .expect("it is in the list");
        let mut measured = Measured {
            name: "rocksdb".to_owned(),
            tools: vec![runs(Tool::Bare, 100.0)],
        };
        assert_eq!(plot.svg(&measured), None);
        measured.tools.push(runs(Tool::HackLeak, 110.0));
        measured.tools.push(runs(Tool::Heaptrack, 240.0));
        let svg = plot.svg(&measured).expect("two bars");
        assert_eq!(svg.matches("<rect").count(), 2);
        assert!(svg.contains("× 1.10") && svg.contains("× 2.40"), "{svg}");
        assert!(svg.contains("prefers-color-scheme:dark") && !svg.contains("#010203"));
    }
}
