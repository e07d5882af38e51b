//! Command lines: the words of their commands, and what they read from standard input.

use crate::error::ImportError;

/// A command of a shell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ShellCommand {
    pub(super) words: Vec<Vec<u8>>,
    /// Standard input, if the text contains it.
    pub(super) input: Option<Input>,
    /// Whether standard input is the output of the command before.
    pub(super) is_fed: bool,
}

/// Standard input of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// Content of a file with this path.
    File(Vec<u8>),
    Bytes(Vec<u8>),
}

/// The commands of a text, and what of it cannot be carried over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ShellText {
    pub(super) commands: Vec<ShellCommand>,
    /// Names of variables that the words contain between [`MARKS`].
    pub(super) variables: Vec<String>,
    /// Warnings with their places.
    pub(super) warnings: Vec<(&'static str, String)>,
}

/// Bytes around the name of a variable: the encoded noncharacters of [`crate::data::Data`].
pub(super) const MARKS: (&[u8], &[u8]) = ("\u{fdd0}".as_bytes(), "\u{fdd1}".as_bytes());

/// A reader of bytes that can look ahead.
#[derive(Debug, Clone)]
pub(super) struct Bytes<'a> {
    all: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// The bytes that are left.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.all[self.at.min(self.all.len())..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Skips a text if it comes next.
    pub(super) fn skip(&mut self, text: &[u8]) -> bool {
        let is_next = self.rest().starts_with(text);
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    /// Takes bytes as long as they fit.
    pub(super) fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let end = rest
            .iter()
            .position(|byte| !fits(*byte))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Error of a quote that is open at the end, and began here.
    pub(super) fn open_quote(&self) -> ImportError {
        let near = String::from_utf8_lossy(self.rest());
        let near = near.chars().take(20).collect();
        ImportError::OpenQuote { near }
    }
}

/// Collects words and commands.
#[derive(Debug, Default)]
pub(super) struct CommandWriter {
    word: Option<Vec<u8>>,
    command: ShellCommand,
    pub(super) text: ShellText,
}

impl CommandWriter {
    /// The current word, which begins if there is none.
    pub(super) fn word(&mut self) -> &mut Vec<u8> {
        self.word.get_or_insert_default()
    }

    pub(super) fn is_in_word(&self) -> bool {
        self.word.is_some()
    }

    pub(super) fn take_word(&mut self) -> Option<Vec<u8>> {
        self.word.take()
    }

    pub(super) fn end_word(&mut self) {
        self.command.words.extend(self.word.take());
    }

    pub(super) fn set_input(&mut self, input: Input) {
        self.command.input = Some(input);
    }

    /// Ends a command. `feeds`: its output is the input of the next one.
    pub(super) fn end_command(&mut self, feeds: bool) {
        self.end_word();
        let next = ShellCommand {
            is_fed: feeds,
            ..ShellCommand::default()
        };
        if !self.command.words.is_empty() {
            let command = std::mem::replace(&mut self.command, next);
            self.text.commands.push(command);
        }
    }

    /// Adds a variable to the current word.
    pub(super) fn push_variable(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(name).into_owned();
        let word = self.word();
        for part in [MARKS.0, name.as_bytes(), MARKS.1] {
            word.extend_from_slice(part);
        }
        if !self.text.variables.contains(&name) {
            self.text.variables.push(name);
        }
    }

    pub(super) fn finish(mut self) -> ShellText {
        self.end_command(false);
        self.text
    }
}
