//! The screen: how wide it is, and the live line at its bottom.

use std::io::{IsTerminal, Write};

/// The width where nobody says.
const WIDTH_DEFAULT: usize = 80;

/// The width of the terminal, in columns; unbounded if the output is piped and nobody says how wide it is, so that
/// no name is shortened.
pub(crate) fn width() -> usize {
    if !std::io::stdout().is_terminal() && asked().is_none() {
        return brunt_report::UNBOUNDED;
    }
    terminal_width()
}

fn asked() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok()
}

fn terminal_width() -> usize {
    let terminal = || {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        (size.ws_col > 0).then_some(usize::from(size.ws_col))
    };
    asked().or_else(terminal).unwrap_or(WIDTH_DEFAULT)
}

/// Says a result, on standard output. The screen may be gone, which is no reason to lose the files.
pub(crate) fn print(text: &str) {
    write!(anstream::stdout(), "{text}").ok();
}

/// A line that is drawn over and over on standard error; plain lines, and fewer, where that is no
/// terminal.
pub(crate) struct ProgressLine {
    mode: Mode,
    drawn: bool,
    told_at_s: u64,
}

enum Mode {
    Silent,
    /// A line now and then.
    Log,
    Redraw,
}

/// Where there is no terminal, a line every so many seconds.
const LOG_EVERY_S: u64 = 10;

impl ProgressLine {
    pub(crate) fn new(headless: bool) -> Self {
        let mode = match (headless, std::io::stderr().is_terminal()) {
            (true, _) => Mode::Silent,
            (false, true) => Mode::Redraw,
            (false, false) => Mode::Log,
        };
        Self {
            mode,
            drawn: false,
            told_at_s: 0,
        }
    }

    /// Shows a line; the screen may be gone, which is no reason to stop measuring.
    pub(crate) fn show(&mut self, elapsed_s: u64, line: impl FnOnce(usize) -> String) {
        match self.mode {
            Mode::Silent => {}
            Mode::Log if elapsed_s < self.told_at_s + LOG_EVERY_S => {}
            Mode::Log => {
                self.told_at_s = elapsed_s;
                let line = line(WIDTH_DEFAULT);
                writeln!(anstream::stderr(), "{line}").ok();
            }
            Mode::Redraw => {
                // One column is left free: some terminals wrap when the last one is written.
                let line = line(terminal_width().saturating_sub(1));
                write!(anstream::stderr(), "\r{line}\x1b[K").ok();
                self.drawn = true;
            }
        }
    }

    /// Leaves the line where it is; what comes next begins below it.
    pub(crate) fn leave(&mut self) {
        if self.drawn {
            writeln!(std::io::stderr()).ok();
            self.drawn = false;
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if self.drawn {
            write!(std::io::stderr(), "\r\x1b[K").ok();
            self.drawn = false;
        }
    }
}
