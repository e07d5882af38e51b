//! The result of one section of the benchmarks.

/// The text and the missed goals of a section.
pub(super) struct Section {
    /// Markdown without the heading.
    pub(super) text: String,
    /// A sentence for each goal that was missed.
    pub(super) missed_goals: Vec<String>,
}
