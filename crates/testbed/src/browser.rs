//! A headless browser for tests of pages: chromium, controlled over pipes by its `DevTools` protocol.
//! It opens a file, evaluates expressions, moves the mouse, takes screenshots, and collects errors.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

const CHROMIUM: &str = "chromium";
/// Timeout of a response from the browser, even on a loaded machine.
const BOUND: Duration = Duration::from_mins(2);
/// The browser reads descriptor 3 of the protocol's pipes and writes descriptor 4.
const PIPED: &str = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1";
const OPTIONS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
];

/// A browser with one page.
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    asked: u64,
    session: Option<String>,
    /// Errors that the page reported, and its network requests.
    pub complaints: Vec<String>,
    _profile: TempDir,
}

/// Presentation of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Light mode.
    Light,
    /// Dark mode.
    Dark,
    /// Print.
    Print,
    /// Colors of a system with high contrast.
    ForcedColors,
}

impl Browser {
    /// Starts chromium; `None` if it is not installed.
    ///
    /// # Panics
    /// If it starts but does not respond.
    pub fn start() -> Option<Self> {
        Command::new(CHROMIUM).arg("--version").output().ok()?;
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut child = Command::new("sh")
            .args(["-c", PIPED, CHROMIUM])
            .args(OPTIONS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        let to = child.stdin.take().expect("a pipe");
        let from = read(child.stdout.take().expect("a pipe"));
        let mut browser = Self {
            child,
            to,
            from,
            asked: 0,
            session: None,
            complaints: Vec::new(),
            _profile: profile,
        };
        browser.begin();
        Some(browser)
    }

    fn begin(&mut self) {
        let target = self.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call("Target.attachToTarget", &attach);
        self.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), &json!({}));
        }
    }

    /// Opens a file and waits until it is loaded.
    pub fn open(&mut self, file: &Path) {
        self.open_at(file, "");
    }

    /// Opens a file in a new document, with a fragment in its URL, and waits until it is loaded.
    pub fn open_at(&mut self, file: &Path, fragment: &str) {
        let url = format!("file://{}", file.display());
        let at = if fragment.is_empty() {
            url.clone()
        } else {
            // Changing only the fragment would not reload the document.
            self.call("Page.navigate", &json!({ "url": "about:blank" }));
            self.wait_for("Page.loadEventFired");
            format!("{url}#{fragment}")
        };
        self.call("Page.navigate", &json!({ "url": at }));
        self.wait_for("Page.loadEventFired");
        // Later network requests come from the page itself.
        self.complaints.retain(|complaint| *complaint != url);
    }

    /// Enables or disables scripts in pages that are opened from now on.
    pub fn run_scripts(&mut self, run: bool) {
        let method = "Emulation.setScriptExecutionDisabled";
        self.call(method, &json!({ "value": !run }));
    }

    /// Sets the window size in pixels and the presentation.
    pub fn look(&mut self, width: u32, height: u32, look: Look) {
        let scheme = if look == Look::Dark { "dark" } else { "light" };
        let media = if look == Look::Print {
            "print"
        } else {
            "screen"
        };
        let forced = if look == Look::ForcedColors {
            "active"
        } else {
            "none"
        };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "forced-colors", "value": forced },
        ]);
        let media = json!({ "media": media, "features": features });
        self.call("Emulation.setEmulatedMedia", &media);
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Value of an expression on the page; waits if it is a promise.
    ///
    /// # Panics
    /// If it throws.
    pub fn ask(&mut self, expression: &str) -> Value {
        let call = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let response = self.call("Runtime.evaluate", &call);
        let thrown = &response["exceptionDetails"];
        assert!(thrown.is_null(), "{expression}: {thrown}");
        response["result"]["value"].clone()
    }

    /// Waits until two frames of the page were drawn.
    pub fn settle(&mut self) {
        self.ask("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn(1))))");
    }

    /// Moves the mouse to the center of an element, shifted by a share of its width.
    pub fn point(&mut self, selector: &str, shift: f64) {
        self.mouse("mouseMoved", selector, shift);
    }

    /// Presses the mouse at one side of an element, and releases it at the other.
    pub fn drag(&mut self, selector: &str, from: f64, to: f64) {
        self.mouse("mouseMoved", selector, from);
        self.mouse("mousePressed", selector, from);
        self.mouse("mouseMoved", selector, f64::midpoint(from, to));
        self.mouse("mouseMoved", selector, to);
        self.mouse("mouseReleased", selector, to);
        self.settle();
    }

    /// Touches an element with fingers, moves and lifts them. Each step contains their positions, as shares of
    /// the element's width and height from its center.
    pub fn touch(&mut self, selector: &str, steps: &[&[(f64, f64)]]) {
        let touches = json!({ "enabled": true, "maxTouchPoints": 5 });
        self.call("Emulation.setTouchEmulationEnabled", &touches);
        let [left, top, width, height] = self.brought_into_sight(selector);
        for (step, fingers) in steps.iter().enumerate() {
            let kind = if step == 0 { "touchStart" } else { "touchMove" };
            let points = fingers.iter().enumerate().map(|(id, (x, y))| {
                json!({ "id": id, "x": left + width * (0.5 + x), "y": top + height * (0.5 + y) })
            });
            let event = json!({ "type": kind, "touchPoints": points.collect::<Value>() });
            self.call("Input.dispatchTouchEvent", &event);
            self.settle();
        }
        let event = json!({ "type": "touchEnd", "touchPoints": [] });
        self.call("Input.dispatchTouchEvent", &event);
        self.settle();
    }

    /// Left, top, width and height of an element in pixels of the window, after scrolling it into view.
    fn brought_into_sight(&mut self, selector: &str) -> [f64; 4] {
        let place = self.ask(&format!(
            "(() => {{ const of = document.querySelector({selector:?}); of.scrollIntoView({{ block: 'center' }}); \
             const box = of.getBoundingClientRect(); return [box.left, box.top, box.width, box.height]; }})()"
        ));
        serde_json::from_value(place).expect("four numbers")
    }

    fn mouse(&mut self, kind: &str, selector: &str, shift: f64) {
        let [left, top, width, height] = self.brought_into_sight(selector);
        let (x, y) = (left + width * (0.5 + shift), top + height / 2.0);
        let mut event = json!({ "type": kind, "x": x, "y": y });
        if kind != "mouseMoved" {
            event["button"] = json!("left");
            event["clickCount"] = json!(1);
        }
        if kind != "mouseReleased" {
            event["buttons"] = json!(i32::from(kind == "mousePressed"));
        }
        self.call("Input.dispatchMouseEvent", &event);
    }

    /// Saves a screenshot of the complete page.
    pub fn picture(&mut self, file: &Path) {
        let call = json!({ "format": "png", "captureBeyondViewport": true });
        let response = self.call("Page.captureScreenshot", &call);
        keep(file, &response["data"]);
    }

    /// Saves the page as a PDF.
    pub fn print(&mut self, file: &Path) {
        let call = json!({ "printBackground": true, "preferCSSPageSize": true });
        let response = self.call("Page.printToPDF", &call);
        keep(file, &response["data"]);
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.asked += 1;
        let mut call = json!({ "id": self.asked, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            call["sessionId"] = json!(session);
        }
        let mut bytes = call.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).expect("the browser listens");
        loop {
            let message = self.receive(method);
            if message["id"] == self.asked {
                let error = &message["error"];
                assert!(error.is_null(), "{method}: {error}");
                return message["result"].clone();
            }
        }
    }

    fn wait_for(&mut self, event: &str) {
        while self.receive(event)["method"] != event {}
    }

    fn receive(&mut self, of: &str) -> Value {
        let message = self.from.recv_timeout(BOUND);
        let message = message.unwrap_or_else(|error| panic!("{of}: {error}"));
        let parameters = &message["params"];
        let complaint = match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => Some(parameters["exceptionDetails"].to_string()),
            Some("Log.entryAdded") => Some(parameters["entry"].to_string()),
            Some("Runtime.consoleAPICalled") => Some(parameters["args"].to_string()),
            Some("Network.requestWillBeSent") => {
                parameters["request"]["url"].as_str().map(str::to_owned)
            }
            Some("Page.javascriptDialogOpening") => Some(parameters["message"].to_string()),
            _ => None,
        };
        self.complaints.extend(complaint);
        message
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Messages from the browser, each terminated by a NUL byte.
fn read(from: ChildStdout) -> Receiver<Value> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut messages = BufReader::new(from).split(0);
        while let Some(Ok(bytes)) = messages.next() {
            let message = serde_json::from_slice(&bytes).expect("the protocol is JSON");
            if sender.send(message).is_err() {
                break;
            }
        }
    });
    receiver
}

fn keep(file: &Path, data: &Value) {
    let bytes = STANDARD.decode(data.as_str().unwrap_or_default());
    let folder = file.parent().expect("a folder");
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(file, bytes.expect("base64")).expect("a file");
}
