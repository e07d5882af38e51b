//! Terminal: its width, and the progress line.

use std::io::{IsTerminal, Write};

/// Width in columns if it is unknown.
const WIDTH_DEFAULT: usize = 80;

/// Width of the output in columns: `COLUMNS`, or that of the terminal. Output to a pipe is unbounded, so that no name is
/// shortened.
pub(crate) fn width() -> usize {
    if !std::io::stdout().is_terminal() && from_environment().is_none() {
        return brunt_report::UNBOUNDED;
    }
    terminal_width()
}

fn from_environment() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok()
}

fn terminal_width() -> usize {
    let terminal = || {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        (size.ws_col > 0).then_some(usize::from(size.ws_col))
    };
    from_environment()
        .or_else(terminal)
        .unwrap_or(WIDTH_DEFAULT)
}

/// A count with its noun: "1 run", "2 runs".
pub(crate) fn number_of(count: impl std::fmt::Display, noun: &str) -> String {
    let count = count.to_string();
    let s = if count == "1" { "" } else { "s" };
    format!("{count} {noun}{s}")
}

/// Prints a result to standard output, which may be closed: files are written anyway.
pub(crate) fn print(text: &str) {
    write!(anstream::stdout(), "{text}").ok();
}

/// Progress line on standard error. It is redrawn in place; if standard error is not a terminal, a new line is printed
/// every [`LOG_INTERVAL_S`] seconds.
pub(crate) struct ProgressLine {
    mode: Mode,
    is_drawn: bool,
    /// Second of the last line in [`Mode::Log`].
    logged_at_s: u64,
}

enum Mode {
    Silent,
    Log,
    Redraw,
}

/// Interval of lines without a terminal, in seconds.
const LOG_INTERVAL_S: u64 = 10;

impl ProgressLine {
    pub(crate) fn new(headless: bool) -> Self {
        let mode = match (headless, std::io::stderr().is_terminal()) {
            (true, _) => Mode::Silent,
            (false, true) => Mode::Redraw,
            (false, false) => Mode::Log,
        };
        Self {
            mode,
            is_drawn: false,
            logged_at_s: 0,
        }
    }

    /// Shows a line of at most the width that is passed to `line`. Write errors are ignored: the run continues.
    pub(crate) fn show(&mut self, elapsed_s: u64, line: impl FnOnce(usize) -> String) {
        match self.mode {
            Mode::Silent => {}
            Mode::Log if elapsed_s < self.logged_at_s + LOG_INTERVAL_S => {}
            Mode::Log => {
                self.logged_at_s = elapsed_s;
                let line = line(WIDTH_DEFAULT);
                writeln!(anstream::stderr(), "{line}").ok();
            }
            Mode::Redraw => {
                // One column is left free: some terminals wrap when the last one is written.
                let line = line(terminal_width().saturating_sub(1));
                write!(anstream::stderr(), "\r{line}\x1b[K").ok();
                self.is_drawn = true;
            }
        }
    }

    /// Keeps the line on the screen and moves below it.
    pub(crate) fn finish(&mut self) {
        if self.is_drawn {
            writeln!(std::io::stderr()).ok();
            self.is_drawn = false;
        }
    }

    /// Erases the line.
    pub(crate) fn clear(&mut self) {
        if self.is_drawn {
            write!(std::io::stderr(), "\r\x1b[K").ok();
            self.is_drawn = false;
        }
    }
}
