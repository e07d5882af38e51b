//! Output in a terminal: pseudo-terminals of 80 and 200 columns, interpreted by a terminal emulator.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::num::NonZero;
use std::path::Path;

use brunt_testbed::{Browser, Look};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use vt100::{Color, Parser, Screen};

use crate::brunt::Brunt;

/// More lines than the output of a run, so that none scrolls off.
const ROWS: NonZero<u16> = NonZero::new(90).unwrap();

const NARROW: NonZero<u16> = NonZero::new(80).unwrap();
const WIDE: NonZero<u16> = NonZero::new(200).unwrap();

/// Content of a terminal.
struct TerminalOutput {
    /// During the run.
    live: Screen,
    /// After the run.
    last: Screen,
    /// All output.
    bytes: Vec<u8>,
}

/// Runs brunt in a terminal of this width.
fn run_in_terminal(brunt: &Brunt, columns: NonZero<u16>, no_color: bool) -> TerminalOutput {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&master).expect("it is ours");
    unlockpt(&master).expect("it opens");
    let name = ptsname(&master, Vec::new()).expect("it has a name");
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let slave = rustix::fs::open(&*name, flags, Mode::empty()).expect("it opens");
    let size = Winsize {
        ws_row: ROWS.get(),
        ws_col: columns.get(),
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&slave, size).expect("it has a size");
    let mut command = brunt.command();
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
    if no_color {
        command.env("NO_COLOR", "1");
    }
    command
        .stdout(File::from(slave.try_clone().expect("a descriptor")))
        .stderr(File::from(slave));
    let mut child = command.spawn().expect("brunt starts");
    // The command keeps the terminal open.
    drop(command);
    let mut terminal = Parser::new(ROWS, columns, 0);
    let mut live = terminal.screen().clone();
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    // Reading fails once the other side is closed.
    while let Ok(count @ 1..) =
        File::from(master.try_clone().expect("a descriptor")).read(&mut part)
    {
        terminal.process(&part[..count]);
        bytes.extend(&part[..count]);
        let seen = terminal.screen().contents();
        if seen.contains(" left · ") && !seen.contains("draining") {
            live = terminal.screen().clone();
        }
    }
    assert!(child.wait().expect("it ends").code().is_some());
    TerminalOutput {
        live,
        last: terminal.screen().clone(),
        bytes,
    }
}

fn brunt() -> Brunt {
    Brunt::new(&["run", "load", "-u", "20", "-t", "4s", "--out", "out"]).shipped()
}

#[test]
fn result_fits_terminals_of_80_and_200_columns() {
    for columns in [NARROW, WIDE] {
        let shown = run_in_terminal(&brunt(), columns, false);
        let live = shown.live.contents();
        assert!(
            live.contains("load ramp up,") || live.contains("load hold,"),
            "{live}"
        );
        assert!(
            live.contains(" users · ") && live.contains(" req/s · "),
            "{live}"
        );
        let last = shown.last.contents();
        assert!(!last.contains(" left · "), "no progress line\n{last}");
        for part in ["Target ", "Request ", "all requests", "[setup]", "Report: "] {
            assert!(last.contains(part), "{columns}: {part}\n{last}");
        }
        // Numbers are right-aligned: every row of the table is as long as its header.
        let header = last.lines().position(|line| line.starts_with("Request "));
        let mut rows = last.lines().skip(header.expect("a header"));
        let wide = rows.next().map(str::len).expect("a header");
        let rows: Vec<&str> = rows.take_while(|line| !line.is_empty()).collect();
        assert!(rows.len() > 10, "{last}");
        for row in rows {
            assert_eq!(row.chars().count(), wide, "{row}");
        }
        save_screenshot(&shown.last, &format!("terminal-{columns}"));
        save_screenshot(&shown.live, &format!("terminal-{columns}-live"));
    }
}

#[test]
fn no_color_disables_colors() {
    let has_colors = |bytes: &[u8]| {
        bytes
            .windows(3)
            .any(|bytes| bytes == b"\x1b[1" || bytes == b"\x1b[3")
    };
    assert!(has_colors(&run_in_terminal(&brunt(), NARROW, false).bytes));
    assert!(!has_colors(&run_in_terminal(&brunt(), NARROW, true).bytes));
}

/// Saves a screenshot for inspection.
fn save_screenshot(screen: &Screen, name: &str) {
    let Some(mut browser) = Browser::start() else {
        brunt_testbed::skip(&format!("terminal::{name}"), "chromium is not installed");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("screen.html");
    std::fs::write(&file, page(screen)).expect("a file");
    let (_, columns) = screen.size();
    browser.look(u32::from(columns.get()) * 8 + 40, 400, Look::Dark);
    browser.open(&file);
    let pictures = Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/pictures"));
    browser.picture(&pictures.join(format!("{name}.png")));
}

/// HTML page of a screen.
fn page(screen: &Screen) -> String {
    let mut page =
        "<!DOCTYPE html><meta charset=utf-8><body style='background:#14171a;margin:20px'>\
                    <pre style='font:13.28px/1.35 DejaVu Sans Mono,monospace;color:#d7dce2'>"
            .to_owned();
    let (rows, columns) = screen.size();
    let used = screen.contents().lines().count() + 1;
    for row in (0..rows.get()).take(used) {
        for cell in (0..columns.get()).filter_map(|column| screen.cell(row, column)) {
            let color = match cell.fgcolor() {
                Color::Idx(1) => "#ff7a70",
                Color::Idx(2) => "#5ccf92",
                Color::Idx(3) => "#efb04f",
                Color::Idx(5) => "#c79bf2",
                Color::Idx(6) => "#5fc9d8",
                _ => "inherit",
            };
            let weight = if cell.bold() { 700 } else { 400 };
            let text = match cell.contents() {
                "" => " ",
                "<" => "&lt;",
                "&" => "&amp;",
                text => text,
            };
            write!(
                page,
                "<span style='color:{color};font-weight:{weight}'>{text}</span>"
            )
            .expect("text");
        }
        page.push('\n');
    }
    page
}
