//! `hackleak-chaos`: runs the chaos suite for some time, or one seed again.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Parser;
use hackleak_chaos::{Case, suite};

/// Random programs under the recorder.
#[derive(Parser)]
struct Arguments {
    /// Only this seed
    #[arg(long)]
    seed: Option<u64>,
    /// The first of the seeds; fresh ones if it is not given
    #[arg(long)]
    from: Option<u64>,
    /// How long
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// Only seeds for `native` or `java` victims
    #[arg(long)]
    only: Option<String>,
    /// Say what each seed does
    #[arg(long, short)]
    verbose: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(seed) = arguments.seed {
        println!("seed {seed}: {}", Case::of(seed).summary());
        return match suite::seed(seed, false) {
            Ok(()) => {
                println!("holds");
                ExitCode::SUCCESS
            }
            Err(failure) => {
                println!("{failure}");
                ExitCode::FAILURE
            }
        };
    }
    let fresh = || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.map_or(1, |now| now.as_secs() % 1_000_000 * 1_000)
    };
    let first = arguments.from.unwrap_or_else(fresh);
    let java = arguments.only.as_deref() == Some("java");
    let wanted = |seed: &u64| arguments.only.is_none() || (seed % 4 == 3) == java;
    let time = Duration::from_secs_f64(arguments.minutes * 60.0);
    let (count, failures) = suite::seeds((first..).filter(wanted), time, arguments.verbose);
    println!("{count} seeds from {first}, {} do not hold", failures.len());
    ExitCode::from(u8::from(!failures.is_empty()))
}
