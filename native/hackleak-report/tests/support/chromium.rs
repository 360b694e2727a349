//! A real browser without a window, driven through the DevTools protocol.
//!
//! Chromium reads and writes the protocol's JSON, each message ended by a zero byte, on its file
//! descriptors 3 and 4 (`--remote-debugging-pipe`): no port is opened, and nothing but the
//! standard library is needed. `sh` puts the pipes in their places.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long the browser may take for anything.
const LIMIT: Duration = Duration::from_secs(120);

/// A browser with one page.
pub struct Browser {
    process: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    events: VecDeque<Value>,
    session: String,
    next: u64,
    _profile: tempfile::TempDir,
}

/// Where the browser is; `None` when there is none, which is said.
pub fn program() -> Option<String> {
    let named = std::env::var("HACKLEAK_CHROMIUM").ok();
    let names = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    let found = named.into_iter().chain(names).find(|name| {
        let version = Command::new(name).arg("--version").output();
        version.is_ok_and(|output| output.status.success())
    });
    if found.is_none() {
        println!(
            "SKIPPED: the HTML report is not tested in a browser: install chromium, or set HACKLEAK_CHROMIUM"
        );
    }
    found
}

impl Browser {
    /// Starts the browser with a page of this size in pixels.
    pub fn start(program: &str, width: u32, height: u32) -> Browser {
        let profile = tempfile::tempdir().expect("temporary folder");
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1",
            "sh",
            program,
        ]);
        command.args([
            "--headless=new",
            "--remote-debugging-pipe",
            "--no-first-run",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-extensions",
            "--disable-background-networking",
            "--disable-component-update",
            "--hide-scrollbars",
            "--force-color-profile=srgb",
        ]);
        // Root may not use the browser's own sandbox, which is how containers run.
        command.arg("--no-sandbox");
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.arg(format!("--window-size={width},{height}"));
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        let to = process.stdin.take().expect("piped");
        let from = read(process.stdout.take().expect("piped"));
        let mut browser = Browser {
            process,
            to,
            from,
            events: VecDeque::new(),
            session: String::new(),
            next: 0,
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"]
            .as_str()
            .expect("a session")
            .to_owned();
        for domain in [
            "Page.enable",
            "Runtime.enable",
            "Network.enable",
            "Log.enable",
        ] {
            browser.call(domain, json!({}));
        }
        browser.call(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        );
        browser.prefer("light");
        browser
    }

    /// Calls a method and returns its result.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).expect("the browser listens");
        let deadline = Instant::now() + LIMIT;
        loop {
            let message = self.receive(deadline, method);
            if message["id"] == json!(id) {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push_back(message);
        }
    }

    fn receive(&mut self, deadline: Instant, what: &str) -> Value {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.from.recv_timeout(left) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => panic!("{what}: no answer in {LIMIT:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("{what}: the browser is gone"),
        }
    }

    /// Opens the file and waits until its script has put the page together; how long that took.
    pub fn open(&mut self, file: &Path) -> Duration {
        self.open_at(file, "")
    }

    /// The same with something after the file's name, such as `#site=…`.
    pub fn open_at(&mut self, file: &Path, fragment: &str) -> Duration {
        let began = Instant::now();
        // Another fragment alone would not load the page again.
        self.call("Page.navigate", json!({ "url": "about:blank" }));
        self.call(
            "Page.navigate",
            json!({ "url": format!("file://{}{fragment}", file.display()) }),
        );
        self.wait_for("document.documentElement?.dataset?.ready === 'true'");
        // Two frames: what was put together has been painted.
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");
        began.elapsed()
    }

    /// Opens the file and waits until it is loaded, whether its script runs or not.
    pub fn open_without_script(&mut self, file: &Path) {
        self.call(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": true }),
        );
        self.events.clear();
        self.call(
            "Page.navigate",
            json!({ "url": format!("file://{}", file.display()) }),
        );
        let deadline = Instant::now() + LIMIT;
        let loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        while !self.events.iter().any(loaded) {
            let event = self.receive(deadline, "load");
            self.events.push_back(event);
        }
    }

    /// The value of an expression; promises are waited for.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({
            "expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": true,
        });
        let answer = self.call("Runtime.evaluate", parameters);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Waits until the expression is true.
    pub fn wait_for(&mut self, expression: &str) {
        let deadline = Instant::now() + LIMIT;
        while self.evaluate(expression) != json!(true) {
            assert!(Instant::now() < deadline, "never true: {expression}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Presses a key that has a name, such as `Enter`.
    pub fn press(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "ArrowUp" => 38,
            "ArrowDown" => 40,
            "ArrowLeft" => 37,
            "ArrowRight" => 39,
            "Home" => 36,
            "End" => 35,
            "Tab" => 9,
            _ => 0,
        };
        for kind in ["rawKeyDown", "keyUp"] {
            self.call(
                "Input.dispatchKeyEvent",
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code }),
            );
        }
    }

    /// Types text into what has the focus.
    pub fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Clicks at a place of the window, CSS pixels.
    pub fn click(&mut self, x: f64, y: f64) {
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            self.call(
                "Input.dispatchMouseEvent",
                json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 }),
            );
        }
    }

    /// Presses the mouse on the middle of an element, runs `between`, and lets go.
    pub fn press_on(&mut self, element: &str, between: &str) {
        let at = self.evaluate(&format!(
            "(({{x, y, width, height}}) => [x + width / 2, y + height / 2])(({element}).getBoundingClientRect())"
        ));
        let mouse = |kind: &str| json!({ "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1 });
        self.call("Input.dispatchMouseEvent", mouse("mouseMoved"));
        self.call("Input.dispatchMouseEvent", mouse("mousePressed"));
        self.evaluate(between);
        self.call("Input.dispatchMouseEvent", mouse("mouseReleased"));
    }

    /// Taps on the middle of an element with a finger.
    pub fn tap(&mut self, element: &str) {
        let at = self.evaluate(&format!(
            "(({{x, y, width, height}}) => [x + width / 2, y + height / 2])(({element}).getBoundingClientRect())"
        ));
        let point = json!([{ "x": at[0], "y": at[1] }]);
        for (kind, points) in [("touchStart", point), ("touchEnd", json!([]))] {
            self.call(
                "Input.dispatchTouchEvent",
                json!({ "type": kind, "touchPoints": points }),
            );
        }
    }

    /// A phone with a screen of this width.
    pub fn be_phone(&mut self, width: u32) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": 844, "deviceScaleFactor": 2, "mobile": true }),
        );
        self.call(
            "Emulation.setTouchEmulationEnabled",
            json!({ "enabled": true }),
        );
    }

    /// Light or dark, as the system would say.
    pub fn prefer(&mut self, scheme: &str) {
        // Nothing glides to its place: where it is, it is.
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        );
    }

    /// Writes a picture of the whole page, or of the window, to a file.
    pub fn screenshot(&mut self, file: &Path, whole: bool) {
        use base64::Engine;
        let parameters = json!({ "format": "png", "captureBeyondViewport": whole });
        let picture = self.call("Page.captureScreenshot", parameters);
        let picture = picture["data"].as_str().expect("a picture");
        let bytes = base64::prelude::BASE64_STANDARD
            .decode(picture)
            .expect("base64");
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).expect("a folder for pictures");
        }
        std::fs::write(file, bytes).expect("the picture can be written");
    }

    /// Addresses that were asked for, and what the page complained of.
    pub fn requests_and_complaints(&mut self) -> (Vec<String>, Vec<String>) {
        while let Ok(event) = self.from.try_recv() {
            self.events.push_back(event);
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut requests = Vec::new();
        let mut complaints = Vec::new();
        for event in &self.events {
            let parameters = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Network.requestWillBeSent" => requests.push(text(&parameters["request"]["url"])),
                "Network.webSocketCreated" => requests.push(text(&parameters["url"])),
                "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" => {
                    complaints.push(parameters.to_string());
                }
                "Log.entryAdded" => complaints.push(text(&parameters["entry"]["text"])),
                "Page.javascriptDialogOpening" => complaints.push("a dialogue".to_owned()),
                _ => {}
            }
        }
        (requests, complaints)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read(from: ChildStdout) -> Receiver<Value> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut bytes = Vec::new();
        while from.read_until(0, &mut bytes).is_ok_and(|count| count > 0) {
            bytes.pop();
            let Ok(message) = serde_json::from_slice(&bytes) else {
                break;
            };
            bytes.clear();
            if sender.send(message).is_err() {
                break;
            }
        }
    });
    receiver
}
