//! Draws cases for the Java victim.

use fastrand::Rng;
use integration_tests::Jdk;

use crate::case::{Case, Host};
use crate::script::{Program, Sizes, Step};

const COLLECTORS: [&str; 5] = ["Serial", "Parallel", "G1", "Z", "Shenandoah"];
const MODES: [&[&str]; 6] = [
    &[],
    &[],
    &["-Xint"],
    &["-XX:TieredStopAtLevel=1"],
    &["-XX:-TieredCompilation"],
    &["-XX:+PreserveFramePointer"],
];

/// The case of a seed.
pub fn case(seed: u64) -> Case {
    let mut rng = Rng::with_seed(seed);
    let jdks = Jdk::all();
    let jdk = &jdks[rng.usize(..jdks.len())];
    let collector = COLLECTORS[rng.usize(..COLLECTORS.len())];
    let mut options = vec![format!("-XX:+Use{collector}GC")];
    options.extend(
        MODES[rng.usize(..MODES.len())]
            .iter()
            .map(|option| option.to_string()),
    );
    // The JDK's own libraries have small blocks of any size.
    let mut sizes = Sizes::between(5_000, 900_000);
    let program = program(&mut rng, &mut sizes, jdk.feature);
    let agent = rng.u8(..3) == 0;
    Case {
        seed,
        options: recorder_options(&mut rng),
        host: Host::Java {
            feature: jdk.feature,
            options,
            agent,
        },
        program,
        safe_malloc: false,
        disk: (rng.u8(..12) == 0).then(|| ["200k", "6m"][rng.usize(..2)]),
        killed_after: (rng.u8(..8) == 0).then(|| rng.u64(100..900)),
        planted_fault: false,
    }
}

fn recorder_options(rng: &mut Rng) -> String {
    let mut options = vec!["follow=jvm", "held=fail"];
    match rng.u8(..6) {
        0 => options.push("exit=settle"),
        1 => options.push("exit=report"),
        _ => {}
    }
    match rng.u8(..8) {
        0 => options.push("stacks=java"),
        1 => options.push("log=log-%p"),
        _ => {}
    }
    options.join(",")
}

fn program(rng: &mut Rng, sizes: &mut Sizes, feature: u32) -> Program {
    let mut steps = Vec::new();
    for _ in 0..rng.usize(1..7) {
        let mut step = step(rng, feature);
        step.leaves = sizes.java_leaves(rng, 8);
        steps.push(step);
    }
    let end = end(rng, sizes);
    steps.push(end);
    Program { steps }
}

fn step(rng: &mut Rng, feature: u32) -> Step {
    let seed = rng.u32(..);
    let rounds = rng.u32(1..60);
    let walk = |rng: &mut Rng, rounds: u32| {
        let depth = [3, 10, 40, 200][rng.usize(..4)];
        // Each level of nesting multiplies what a round may do.
        let (rounds, nest) = (rounds * rng.u32(1..20), rng.u32(0..5));
        format!("rounds={rounds} depth={depth} nest={nest}")
    };
    let text = match rng.u8(..15) {
        0..5 => format!("walk {}", walk(rng, rounds)),
        5 => format!("gc rounds={}", rounds / 12 + 1),
        6 => "background".to_owned(),
        7 => format!("attached rounds={rounds}"),
        8 => format!("unload rounds={rounds} depth=5 nest=2"),
        9 => format!("buffers rounds={rounds}"),
        10 | 11 => {
            format!("look-up rounds={rounds} depth={}", rng.u32(0..40))
        }
        12 => format!(
            "tower rounds={rounds} depth={}",
            [5, 20, 60, 150][rng.usize(..4)]
        ),
        13 => format!("reflect rounds={rounds}"),
        _ => format!("threads {}", walk(rng, rounds / 10 + 1)),
    };
    let thread = match rng.u8(..4) {
        0 => " in=thread",
        // A virtual thread that holds a monitor or native frames keeps its carrier, which others
        // wait for.
        1 if feature >= 21 && !text.starts_with("threads") => " in=virtual",
        _ => "",
    };
    Step::new(format!("{text} seed={seed}{thread} looks-up=yes"))
}

fn end(rng: &mut Rng, sizes: &mut Sizes) -> Step {
    const WAYS: [&str; 6] = [
        "return",
        "exit",
        "halt",
        "uncaught",
        "signal-9",
        "signal-15",
    ];
    let way = WAYS[rng.usize(..WAYS.len())];
    let mut line = match way.strip_prefix("signal-") {
        Some(number) => format!("end how=signal code={number}"),
        None => format!("end how={way} code={}", rng.u8(..90)),
    };
    if rng.bool() {
        line += " background=runs";
    }
    // A hook does not run when the process is killed or halted.
    if rng.bool() && !matches!(way, "halt" | "signal-9") {
        line += " hook=yes";
    }
    let mut step = Step::new(line);
    step.leaves = sizes.java_leaves(rng, 5);
    step
}
