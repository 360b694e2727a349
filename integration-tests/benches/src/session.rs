//! A session: every workload with every tool, in interleaved rounds.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use integration_tests::{Jdk, workspace};

use crate::exactness;
use crate::machine;
use crate::options::{Options, Scale};
use crate::program::Ready;
use crate::render::plot::PLOTS;
use crate::render::{markdown, terminal};
use crate::results::{Measured, Results, Runs};
use crate::run;
use crate::tool::Tool;
use crate::workload::{WORKLOADS, Workload};

/// A single run may take this long.
const LIMIT: Duration = Duration::from_secs(120);

/// Measures what the options ask for.
pub fn run(options: &Options) -> Result<(), String> {
    if options.list {
        list();
        return Ok(());
    }
    let workloads = chosen(options)?;
    let tools = tools(options)?;
    let jdk = jdk(options)?;
    let scale = format!("{:?}", options.scale).to_lowercase();
    let file = workspace::target().join(format!("bench/{scale}.json"));
    let mut results = Results {
        machine: machine::describe(jdk),
        scale,
        tools: tools
            .iter()
            .map(|tool| (tool.name().to_owned(), tool.version()))
            .collect(),
        workloads: Vec::new(),
        exactness: Vec::new(),
    };
    if options.resume
        && let Some(earlier) = Results::load(&file)
    {
        results.workloads = earlier.workloads;
        results.exactness = earlier.exactness;
    }
    let budget = options
        .max_minutes
        .map(|m| Duration::from_secs_f64(m * 60.0));
    let began = Instant::now();
    for (index, workload) in workloads.iter().enumerate() {
        // What is named by --only is measured anew.
        if options.only.is_empty() && results.measured(workload.name).is_some() {
            continue;
        }
        let left = workloads.len() - index;
        let share = budget.map(|budget| budget.saturating_sub(began.elapsed()) / left as u32);
        match measure(workload, &tools, jdk, options, share) {
            Ok(measured) => {
                terminal::print(workload, &measured);
                results.workloads.retain(|old| old.name != workload.name);
                results.workloads.push(measured);
                results.save(&file)?;
            }
            Err(reason) => println!("\n{}\n  SKIPPED: {reason}", workload.name),
        }
    }
    let known = options.only.is_empty() && !results.exactness.is_empty();
    if options.wants("exactness") && !known {
        let callers = options.scale.of(100, 100, 10);
        let able = tools.iter().filter(|tool| tool.tells_places());
        results.exactness = able
            .map(|tool| exactness::measure(*tool, jdk, callers, LIMIT))
            .collect();
        terminal::print_exactness(&results.exactness);
        results.save(&file)?;
    }
    if let Some(folder) = &options.write {
        write(&results, folder)?;
    }
    println!("\n{:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// Writes the page, its plots and the raw figures.
fn write(results: &Results, folder: &Path) -> Result<(), String> {
    let beside = folder.join("benchmarks");
    results.save(&beside.join("results.json"))?;
    let put = |path: &Path, text: &str| {
        fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    for plot in PLOTS {
        let svg = results.measured(plot.workload).and_then(|m| plot.svg(m));
        if let Some(svg) = svg {
            put(&beside.join(format!("{}.svg", plot.name)), &svg)?;
        }
    }
    let page = folder.join("benchmarks.md");
    put(&page, &markdown::page(results))?;
    println!("\nwritten: {}", page.display());
    Ok(())
}

fn list() {
    for workload in WORKLOADS {
        println!("{:14} {}", workload.name, workload.what);
    }
    println!(
        "{:14} how many planted leaks each tool reports",
        "exactness"
    );
    println!();
    for tool in Tool::ALL {
        match tool.version() {
            Ok(version) => println!("{:20} {version}", tool.name()),
            Err(reason) => println!("{:20} missing: {reason}", tool.name()),
        }
    }
}

fn chosen(options: &Options) -> Result<Vec<&'static Workload>, String> {
    let chosen: Vec<_> = WORKLOADS
        .iter()
        .filter(|workload| options.wants(workload.name))
        .collect();
    if chosen.is_empty() && !options.wants("exactness") {
        return Err(format!(
            "no workload is named like {:?}: see --list",
            options.only
        ));
    }
    Ok(chosen)
}

fn tools(options: &Options) -> Result<Vec<Tool>, String> {
    let named = |name: &String| Tool::ALL.into_iter().find(|tool| tool.name() == name);
    let mut tools = vec![Tool::Bare];
    for name in &options.tool {
        tools.push(named(name).ok_or_else(|| format!("no tool is named {name}: see --list"))?);
    }
    if options.tool.is_empty() {
        // A developer waits for HackLeak's own figures; the peers take minutes.
        let ours = |tool: &Tool| {
            *tool == Tool::Bare || tool.options().is_some() && *tool != Tool::NoStacks
        };
        tools = Tool::ALL.to_vec();
        tools.retain(|tool| options.scale != Scale::Quick || ours(tool));
    }
    Ok(tools)
}

fn jdk(options: &Options) -> Result<&'static Jdk, String> {
    let mut all = Jdk::all().iter();
    match options.jdk {
        None => Ok(all.next().expect("Jdk::all finds one")),
        Some(feature) => all
            .find(|jdk| jdk.feature == feature)
            .ok_or_else(|| format!("no JDK {feature} is installed: HACKLEAK_JDKS can name it")),
    }
}

/// All rounds of one workload; fewer if they would take longer than `share`.
fn measure(
    workload: &Workload,
    tools: &[Tool],
    jdk: &Jdk,
    options: &Options,
    share: Option<Duration>,
) -> Result<Measured, String> {
    let scale = options.scale;
    let ready = (workload.program)(scale).prepare(jdk)?;
    let java = (workload.program)(scale).is_java();
    let here = |tool: &&Tool| {
        let able = if java {
            tool.runs_java()
        } else {
            tool.runs_native()
        };
        **tool == Tool::Bare || able && workload.tools.contains(tool)
    };
    let mut all: Vec<(Tool, Runs)> = tools
        .iter()
        .filter(here)
        .map(|tool| {
            let runs = Runs {
                tool: tool.name().to_owned(),
                arguments: (workload.arguments)(scale, tool.pace()),
                failure: tool.version().err(),
                rounds: Vec::new(),
            };
            (*tool, runs)
        })
        .collect();
    // Brings programs and libraries into the page cache.
    once(&ready, &mut all[0])?;
    all[0].1.rounds.clear();
    let rounds = workload.rounds.of(options.rounds.unwrap_or(scale.rounds()));
    let began = Instant::now();
    for round in 0..rounds {
        for tool in &mut all {
            // A tool that failed is not asked again.
            if tool.1.failure.is_none()
                && let Err(reason) = once(&ready, tool)
            {
                tool.1.failure = Some(reason);
            }
        }
        let each = began.elapsed() / (round as u32 + 1);
        if share.is_some_and(|share| began.elapsed() + each > share) {
            break;
        }
    }
    Ok(Measured {
        name: workload.name.to_owned(),
        tools: all.into_iter().map(|(_, runs)| runs).collect(),
    })
}

fn once(ready: &Ready, (tool, runs): &mut (Tool, Runs)) -> Result<(), String> {
    let folder = run::scratch()?;
    let sample = run::run(*tool, ready, &runs.arguments, folder.path(), LIMIT)?;
    runs.rounds.push(sample);
    Ok(())
}
