//! A row of the page.

/// The result of one proof.
pub(super) struct Row {
    /// The method under proof.
    pub(super) method: String,
    /// The known truth about the server.
    pub(super) truth: String,
    /// The result.
    pub(super) reached: String,
    /// The result that was required.
    pub(super) goal: String,
    /// The result of the negative control, which is wrong on purpose.
    pub(super) negative_control: String,
    /// Whether the goal was reached, and missed by the negative control.
    pub(super) holds: bool,
}
