//! `hackleak top`: what a recorded process holds, live, read from its image alone.
//!
//! - `sample`: one look at the image: live blocks summed by stack. Ten million of them take a
//!   fraction of a second. So a thread of its own looks, and rests several times as long as it
//!   took.
//! - `names`: names of the few sites that are shown, looked up beside the view.
//! - `table`: which sites are shown, by growth or by bytes.
//! - `screen`: the view in a terminal; `plain`: snapshots where there is none.

mod names;
mod order;
mod plain;
mod sample;
mod screen;
mod table;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use hackleak_image::Image;
use hackleak_image::reader::ProcessState;

use self::order::Order;
use crate::{exit, images, maps};

const NOTES: &str = "\
The process is not touched: everything is read from its image, and from what the kernel says of its \
memory. In a terminal: q quits, g sorts by growth, b by bytes, p pauses. Elsewhere, plain snapshots \
are printed.

Examples:
  hackleak top 4711
  hackleak top hackleak-out                            the process that is recorded there
  hackleak top --interval 10 --iterations 6 4711 > growth.txt

Exit codes:
  0   as asked
  1   wrong usage, or an image that cannot be read";

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct Top {
    /// The number of a recorded process, its image, or a folder with images
    #[arg(value_name = "PID|IMAGE|DIR")]
    pub(crate) input: PathBuf,
    /// Seconds between two looks; longer where one look takes long
    #[arg(long, short = 'n', value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    pub(crate) interval: f64,
    /// What comes first
    #[arg(long, value_name = "ORDER", value_enum, default_value_t = Order::Growth)]
    pub(crate) sort: Order,
    /// Print this many plain snapshots, then stop
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) iterations: Option<u64>,
    /// Sites in a plain snapshot
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) sites: usize,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.05..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("not a number of seconds from 0.05 to 86400".to_owned()),
    }
}

/// Shows the process until `q`, or the asked number of snapshots; returns the exit code.
pub(crate) fn top(arguments: &Top) -> anyhow::Result<u8> {
    let path = image(&arguments.input)?;
    let interval = Duration::from_secs_f64(arguments.interval);
    if arguments.iterations.is_none() && io::stdout().is_terminal() {
        screen::show(&path, interval, arguments.sort)?;
    } else {
        let plan = plain::Plan {
            order: arguments.sort,
            sites: arguments.sites,
            snapshots: arguments.iterations,
        };
        plain::print(&path, interval, &plan)?;
    }
    Ok(exit::CLEAN)
}

/// The image that the argument names.
fn image(input: &Path) -> anyhow::Result<PathBuf> {
    if let Some(pid) = images::process_number(input) {
        return maps::image_of(pid);
    }
    if !input.is_dir() {
        return Ok(input.to_owned());
    }
    let (found, errors) = images::find(&[input.to_owned()]);
    if found.is_empty()
        && let Some(error) = errors.into_iter().next()
    {
        bail!("{}", error.reason);
    }
    let running: Vec<&PathBuf> = found.iter().filter(|path| is_running(path)).collect();
    match (&running[..], &found[..]) {
        ([one], _) => Ok((*one).clone()),
        ([], [one]) => Ok(one.clone()),
        ([], _) => bail!(
            "no process that is recorded in `{}` is running: name an image to see its last state",
            input.display()
        ),
        (several, _) => {
            let pids = several.iter().filter_map(|path| Image::open(path).ok());
            let pids: Vec<String> = pids.map(|image| image.header().pid.to_string()).collect();
            bail!(
                "several processes are recorded in `{}`: name one of {}",
                input.display(),
                pids.join(", ")
            )
        }
    }
}

fn is_running(path: &Path) -> bool {
    Image::open(path).is_ok_and(|image| image.process_state() == ProcessState::Running)
}
