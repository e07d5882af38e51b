//! brunt in a terminal: a pseudo-terminal of 80 and of 200 columns, read as a terminal reads it.

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

/// More lines than a run says, so that none scrolls away.
const ROWS: NonZero<u16> = NonZero::new(90).unwrap();

const NARROW: NonZero<u16> = NonZero::new(80).unwrap();
const WIDE: NonZero<u16> = NonZero::new(200).unwrap();

/// What was to be seen on a terminal.
struct Shown {
    /// While the run went on.
    live: Screen,
    /// When it was over.
    last: Screen,
    /// All that was written.
    bytes: Vec<u8>,
}

/// Plays a run in a terminal so many columns wide.
fn shown(brunt: &Brunt, columns: NonZero<u16>, no_colour: bool) -> Shown {
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
    if no_colour {
        command.env("NO_COLOR", "1");
    }
    command
        .stdout(File::from(slave.try_clone().expect("a descriptor")))
        .stderr(File::from(slave));
    let mut child = command.spawn().expect("brunt starts");
    // The command holds the terminal open, which would never end.
    drop(command);
    let mut terminal = Parser::new(ROWS, columns, 0);
    let mut live = terminal.screen().clone();
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    // A pseudo-terminal whose other side is closed ends with an error.
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
    Shown {
        live,
        last: terminal.screen().clone(),
        bytes,
    }
}

fn brunt() -> Brunt {
    Brunt::new(&["run", "load", "-u", "20", "-t", "4s", "--out", "out"]).shipped()
}

#[test]
fn the_result_fits_terminals_of_80_and_of_200_columns() {
    for columns in [NARROW, WIDE] {
        let shown = shown(&brunt(), columns, false);
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
        assert!(!last.contains(" left · "), "the live line is gone\n{last}");
        for part in ["Target ", "Request ", "all requests", "[setup]", "Report: "] {
            assert!(last.contains(part), "{columns}: {part}\n{last}");
        }
        // Numbers stand below each other: every row of the requests is as long as its head.
        let head = last.lines().position(|line| line.starts_with("Request "));
        let mut rows = last.lines().skip(head.expect("a head"));
        let wide = rows.next().map(str::len).expect("a head");
        let rows: Vec<&str> = rows.take_while(|line| !line.is_empty()).collect();
        assert!(rows.len() > 10, "{last}");
        for row in rows {
            assert_eq!(row.chars().count(), wide, "{row}");
        }
        picture(&shown.last, &format!("terminal-{columns}"));
        picture(&shown.live, &format!("terminal-{columns}-live"));
    }
}

#[test]
fn colour_is_left_out_where_it_is_not_wanted() {
    let is_painted = |bytes: &[u8]| {
        bytes
            .windows(3)
            .any(|bytes| bytes == b"\x1b[1" || bytes == b"\x1b[3")
    };
    assert!(is_painted(&shown(&brunt(), NARROW, false).bytes));
    assert!(!is_painted(&shown(&brunt(), NARROW, true).bytes));
}

/// Keeps a picture of a screen, to be looked at.
fn picture(screen: &Screen, name: &str) {
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

/// A screen as a page.
fn page(screen: &Screen) -> String {
    let mut page =
        "<!DOCTYPE html><meta charset=utf-8><body style='background:#14171a;margin:20px'>\
                    <pre style='font:13.28px/1.35 DejaVu Sans Mono,monospace;color:#d7dce2'>"
            .to_owned();
    let (rows, columns) = screen.size();
    let used = screen.contents().lines().count() + 1;
    for row in (0..rows.get()).take(used) {
        for cell in (0..columns.get()).filter_map(|column| screen.cell(row, column)) {
            let colour = match cell.fgcolor() {
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
                "<span style='color:{colour};font-weight:{weight}'>{text}</span>"
            )
            .expect("text");
        }
        page.push('\n');
    }
    page
}
