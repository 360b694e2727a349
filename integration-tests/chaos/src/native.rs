//! Draws cases for the C++ victim.

use fastrand::Rng;

use crate::case::{Case, Host};
use crate::script::{Program, Sizes, Step};

struct Drawing {
    rng: Rng,
    sizes: Sizes,
    /// A timer interrupts everything from some step on, and its handler allocates.
    stormy: bool,
    /// A limit was lowered: what is drawn later must do with little.
    limited: bool,
    /// Other threads may be at work.
    others: bool,
    children: u32,
}

/// The case of a seed.
pub fn case(seed: u64) -> Case {
    let mut rng = Rng::with_seed(seed);
    let mut drawing = Drawing {
        stormy: rng.u8(..5) == 0,
        rng,
        sizes: Sizes::between(24, 700_000),
        limited: false,
        others: false,
        children: 0,
    };
    let program = drawing.program(12);
    let disk =
        (drawing.rng.u8(..10) == 0).then(|| ["64k", "300k", "4m", "40m"][drawing.rng.usize(..4)]);
    let killed_after = (drawing.rng.u8(..8) == 0).then(|| drawing.rng.u64(..120));
    Case {
        seed,
        host: Host::Native,
        program,
        options: drawing.options(),
        safe_malloc: drawing.stormy,
        disk,
        killed_after,
        planted_fault: false,
    }
}

impl Drawing {
    fn options(&mut self) -> String {
        let mut options = vec!["follow=all,held=fail".to_owned()];
        match self.rng.u8(..10) {
            0 => options.push("stacks=off".to_owned()),
            1 => options.push("stacks=native".to_owned()),
            2 => options.push("log=log-%p".to_owned()),
            3 | 4 => {
                options.push(format!(
                    "depth={}",
                    [1, 2, 5, 17, 50, 100, 500, 1000, 1999][self.rng.usize(..9)]
                ));
            }
            _ => {}
        }
        options.join(",")
    }

    fn program(&mut self, most: usize) -> Program {
        let mut steps = Vec::new();
        if self.stormy {
            steps.push(self.storm());
        }
        for _ in 0..self.rng.usize(1..=most) {
            let mut step = self.step();
            let leaves = self.sizes.leaves(&mut self.rng, 6);
            step.leaves = leaves;
            self.others |= step.piece() == "background" || step.says("join=no");
            if self.rng.u8(..5) == 0 && !self.limited {
                step.line += " in=thread";
            }
            steps.push(step);
        }
        let background = steps.iter().any(|step| step.piece() == "background");
        let end = self.end(background);
        steps.push(end);
        Program { steps }
    }

    fn number(&mut self, from: u64, to: u64) -> u64 {
        self.rng.u64(from..=to)
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.rng.usize(..all.len())]
    }

    fn storm(&mut self) -> Step {
        let how = self.one_of(&["setitimer", "timer_create"]);
        let (us, rounds, seed) = (
            // A handler must have ended before the next one comes, or nothing else ever runs; one
            // that allocates below a stack deeper than `depth` walks all of that each time.
            self.number(400, 3000),
            self.number(10, 200),
            self.rng.u32(..),
        );
        Step::new(format!(
            "storm seed={seed} us={us} how={how} rounds={rounds} warm=no"
        ))
    }

    fn step(&mut self) -> Step {
        let seed = self.rng.u32(..);
        let rounds = self.number(1, 200);
        let line = |text: String| Step::new(format!("{} seed={seed}", text));
        match self.rng.u8(..24) {
            0..3 => self.threads(seed),
            3 => line(format!(
                "handing n={} rounds={}",
                self.number(1, 6),
                rounds * 50
            )),
            4 => line(format!("background n={}", self.number(1, 3))),
            5 | 6 if !self.stormy => {
                // The kernel's frame of a signal needs up to 3.5 KiB of it.
                let size = self.number(8, 48);
                let by = self.one_of(&["return", "jump"]);
                line(format!(
                    "altstack size={} leave-by={by} rounds={}",
                    size * 1024,
                    rounds / 4 + 1
                ))
            }
            7 => line(format!(
                "exceptions rounds={rounds} depth={}",
                self.number(0, 60)
            )),
            8 => line(format!(
                "longjmp rounds={rounds} depth={}",
                self.number(0, 400)
            )),
            9 | 10 => line(format!(
                "recursion rounds={} depth={}",
                rounds / 20 + 1,
                self.number(1, 3000)
            )),
            11 | 12 => line(format!(
                "coroutines n={rounds} size={}",
                self.number(8, 64) * 4096
            )),
            13 | 14 => line(format!(
                "strange rounds={rounds} depth={}",
                self.number(0, 12)
            )),
            15 => line(format!(
                "realloc rounds={} most={}",
                rounds * 20,
                self.number(50, 300_000)
            )),
            16 => line(format!("aligned rounds={}", rounds * 10)),
            17 => self.limit(seed),
            18 => {
                let (from, keep) = (self.one_of(&["3", "3", "0"]), self.one_of(&["yes", "no"]));
                line(format!("close from={from} keep={keep}"))
            }
            19 => self.executing("exec", &["fork", "vfork", "spawn"]),
            20 | 21 => self.fork(seed),
            22 => line("failing-exec".to_owned()),
            _ => line(format!("libraries rounds={}", rounds / 4 + 1)),
        }
    }

    fn threads(&mut self, seed: u32) -> Step {
        // A handler that interrupts a cancellation point runs with asynchronous cancellation, where
        // POSIX lets nobody allocate.
        let ends: &[&str] = if self.stormy {
            &["return", "exit"]
        } else {
            &["return", "exit", "cancel"]
        };
        let end = self.one_of(ends);
        // A cancelled thread that is detached would wait for ever.
        let join = if end != "cancel" && self.rng.u8(..4) == 0 {
            "no"
        } else {
            "yes"
        };
        let stack = match self.rng.u8(..4) {
            0 => self.number(4, 24) * 4096,
            1 => 1 << 20,
            _ => 0,
        };
        let (n, rounds) = (self.number(1, 40), self.number(0, 200));
        Step::new(format!(
            "threads seed={seed} n={n} rounds={rounds} end={end} join={join} stack={stack}"
        ))
    }

    fn limit(&mut self, seed: u32) -> Step {
        self.limited = true;
        let what = self.one_of(&["files", "as", "size"]);
        let (what, to) = match what {
            "files" => ("files", self.number(12, 40)),
            "size" => ("size", self.number(64 << 10, 2 << 20)),
            // The arenas of many threads alone take a GiB.
            _ => ("as", self.number(2 << 30, 4 << 30)),
        };
        Step::new(format!("limit seed={seed} what={what} to={to}"))
    }

    fn fork(&mut self, seed: u32) -> Step {
        // `_Fork` leaves the locks of malloc as they are, which other threads may hold.
        let ways: &[&str] = if self.others {
            &["fork"]
        } else {
            &["fork", "_Fork"]
        };
        let (how, nested) = (self.one_of(ways), self.one_of(&["yes", "no"]));
        let child = self.sizes.next(&mut self.rng);
        let mut step = Step::new(format!(
            "fork seed={seed} how={how} nested={nested} child={child}"
        ));
        step.forked = Some(child);
        step
    }

    /// A step that executes the victim again, with a short script of its own.
    fn executing(&mut self, piece: &str, ways: &[&str]) -> Step {
        let how = self.one_of(ways);
        let mut steps = Vec::new();
        let stormy = std::mem::replace(&mut self.stormy, false);
        for _ in 0..self.rng.usize(..3) {
            let line = match self.rng.u8(..3) {
                0 => self.threads(1),
                1 => Step::new(format!(
                    "exceptions rounds=5 depth=7 seed={}",
                    self.rng.u32(..)
                )),
                _ => Step::new(format!(
                    "realloc rounds=90 most=900 seed={}",
                    self.rng.u32(..)
                )),
            };
            steps.push(line);
        }
        self.stormy = stormy;
        let mut end = Step::new(format!(
            "end how={} code={}",
            self.one_of(&["return", "exit"]),
            self.number(0, 90)
        ));
        end.leaves = self.sizes.leaves(&mut self.rng, 5);
        steps.push(end);
        let name = format!("child-{}", self.children);
        self.children += 1;
        let mut step = Step::new(format!("{piece} how={how} script={name} said=said-{name}"));
        step.executes = Some((name, Program { steps }));
        step
    }

    fn end(&mut self, background: bool) -> Step {
        const WAYS: [&str; 10] = [
            "return",
            "exit",
            "atexit",
            "_exit",
            "quick_exit",
            "abort",
            "signal",
            "thread-exits",
            "main-leaves",
            "exec",
        ];
        let way = self.one_of(&WAYS);
        let leaves = self.sizes.leaves(&mut self.rng, 8);
        let code = self.number(0, 100);
        let mut step = match way {
            "exec" => {
                let mut step = self.executing("end", &["exec"]);
                step.line += &format!(" code={code}");
                step
            }
            "signal" => Step::new(format!(
                "end how=signal code={}",
                self.one_of(&["9", "15", "11", "6", "7"])
            )),
            _ => Step::new(format!("end how={way} code={code}")),
        };
        if background && self.rng.bool() && way != "main-leaves" {
            step.line += " background=runs";
        }
        step.leaves = leaves;
        step
    }
}
