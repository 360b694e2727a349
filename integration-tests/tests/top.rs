//! `hackleak top` on a process that grows: in a terminal (a pty), and as plain snapshots.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use integration_tests::process::{self, Started};
use integration_tests::recording::Running;
use integration_tests::{Recording, artefacts, cpp};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// For what takes a moment on an idle machine.
const LIMIT: Duration = Duration::from_secs(300);

fn growing() -> (Started, Running) {
    // Before it grows: building may take minutes.
    artefacts::cli();
    let (mut started, running) = Recording::of(cpp("sites")).start();
    started.wait_for_output("growing");
    (started, running)
}

/// A command in a terminal of 24 lines and 120 columns.
struct Terminal {
    child: Child,
    keyboard: File,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
}

impl Terminal {
    /// Takes the command, so that its ends of the terminal are closed when the child has ended.
    fn run(mut command: Command) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("a terminal");
        unlockpt(&master).expect("a terminal");
        let name = ptsname(&master, Vec::new()).expect("a terminal");
        let slave = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
        let slave = File::from(slave.expect("a terminal"));
        let size = Winsize {
            ws_row: 24,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&slave, size).expect("a terminal");
        let end = || Stdio::from(slave.try_clone().expect("a descriptor"));
        command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        command.stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().expect("it starts");
        let mut reader = File::from(master);
        let keyboard = reader.try_clone().expect("a descriptor");
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // An error is the end: the other side was closed.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal {
            child,
            keyboard,
            output,
            screen: vt100::Parser::new(24, 120, 0),
        }
    }

    fn lines(&self) -> Vec<String> {
        self.screen.screen().rows(0, 120).collect()
    }

    /// Waits until the screen is as wanted; panics with the screen after [`LIMIT`].
    fn wait_until(&mut self, what: &str, holds: impl Fn(&[String]) -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !holds(&self.lines()) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(_) => panic!("{what}: never seen on\n{}", self.lines().join("\n")),
            }
        }
    }

    fn press(&mut self, key: &str) {
        self.keyboard.write_all(key.as_bytes()).expect("typed");
    }

    fn end(mut self) -> (Option<i32>, bool) {
        let code = self.child.wait().expect("it ends").code();
        // Nobody holds the other side of the terminal any more: the reader ends with the last byte.
        while let Ok(bytes) = self.output.recv_timeout(LIMIT) {
            self.screen.process(&bytes);
        }
        (code, self.screen.screen().alternate_screen())
    }
}

/// The first site below the table's head.
fn first_site(lines: &[String]) -> &str {
    let head = lines
        .iter()
        .position(|line| line.contains("live bytes") && line.contains("site"));
    head.and_then(|head| lines.get(head + 1))
        .map_or("", String::as_str)
}

#[test]
fn the_fastest_growing_site_is_on_top_until_bytes_are_asked_for() {
    let (started, _running) = growing();
    let mut command = Command::new(artefacts::cli());
    command.args(["top", "--interval", "0.2", &started.pid().to_string()]);
    let mut terminal = Terminal::run(command);
    terminal.wait_until("the growing site", |lines| {
        // The last line is drawn last.
        let is_whole = lines.join("").contains("q quit");
        is_whole && first_site(lines).contains("fast()") && first_site(lines).contains('+')
    });
    let screen = terminal.lines().join("\n");
    for part in [
        &*format!("sites {}", started.pid()),
        "running",
        "sites.cpp",
        "slow()",
        "large()",
        "checkpoint",
        // One of the last; nobody knows how many there were before the screen.
        "  round ",
        "q quit",
    ] {
        assert!(screen.contains(part), "{part} in\n{screen}");
    }
    assert!(terminal.screen.screen().alternate_screen());
    terminal.press("b");
    // fast() may hold more by now; then large() is the second.
    terminal.wait_until("the order by bytes", |lines| {
        let text = lines.join("\n");
        text.contains("▾live bytes") && !text.contains("▾bytes/s")
    });
    terminal.press("p");
    terminal.wait_until("the pause", |lines| lines[0].contains("paused"));
    let pid = started.pid();
    started.kill();
    terminal.press("p");
    terminal.wait_until("the end of the process", |lines| {
        lines[0].contains("killed or crashed")
    });
    assert!(terminal.lines()[0].contains(&pid.to_string()));
    terminal.press("q");
    assert_eq!(terminal.end(), (Some(0), false));
}

#[test]
fn control_c_leaves_the_terminal_as_it_was() {
    let (started, _running) = growing();
    let mut command = Command::new(artefacts::cli());
    command.args(["top", &started.pid().to_string()]);
    let mut terminal = Terminal::run(command);
    terminal.wait_until("the view", |lines| lines.join("").contains("q quit"));
    terminal.press("\u{3}");
    assert_eq!(terminal.end(), (Some(0), false));
    started.kill();
}

#[test]
fn snapshots_are_printed_where_there_is_no_terminal() {
    let (started, running) = growing();
    let pid = started.pid().to_string();
    let mut command = Command::new(artefacts::cli());
    command.args([
        "top",
        "--interval",
        "1",
        "--iterations",
        "3",
        "--sites",
        "2",
        &pid,
    ]);
    let ended = process::run(&mut command).expect_code(0);
    let heads: Vec<&str> = ended
        .stdout
        .lines()
        .filter(|line| line.starts_with(&format!("sites {pid}, running: ")))
        .collect();
    assert_eq!(heads.len(), 3, "{ended}");
    let last = ended.stdout.trim_end().rsplit("\n\n").next();
    let rows: Vec<&str> = last
        .expect("a snapshot")
        .lines()
        .skip_while(|line| !line.contains("live bytes"))
        .skip(1)
        .collect();
    assert_eq!(rows.len(), 2, "{ended}");
    assert!(rows[0].contains("fast()  sites.cpp:"), "{ended}");
    assert!(rows[0].trim_start().starts_with('+'), "{ended}");
    let run = running.ended(started.kill());
    // The folder holds this one image, whose process is gone: one last snapshot.
    let mut command = Command::new(artefacts::cli());
    command.arg("top").arg(&run.images()[0]);
    let ended = process::run(&mut command).expect_code(0);
    assert!(ended.stdout.contains("killed or crashed: "), "{ended}");
    assert_eq!(ended.stdout.matches("bytes/s").count(), 1, "{ended}");
}

#[test]
fn what_cannot_be_watched_is_one_sentence() {
    let own = std::process::id().to_string();
    for (input, said) in [
        (&*own, "is not recorded"),
        ("4294967294", "neither a file nor a running process"),
        ("/nonexistent", "cannot open the image"),
        ("/dev/null", "/dev/null"),
    ] {
        let mut command = Command::new(artefacts::cli());
        let ended = process::run(command.args(["top", "--iterations", "1", input]));
        let ended = ended.expect_code(1);
        assert!(ended.stderr.contains(said), "{ended}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended}");
    }
}
