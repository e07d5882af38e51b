//! A section of the page.

/// The result of a section.
pub(super) struct Section {
    /// Markdown, without its heading.
    pub(super) text: String,
    /// The goals that were missed, each in words.
    pub(super) short: Vec<String>,
}
