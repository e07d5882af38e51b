//! A row of the table on the page.

/// The result of validating one method in one situation.
pub(super) struct ValidationRow {
    /// The method and the load.
    pub(super) method: String,
    /// The known behavior of the server.
    pub(super) truth: String,
    /// The measured result.
    pub(super) result: String,
    /// The required result.
    pub(super) goal: String,
    /// The result of a variant of the method that is deliberately wrong.
    pub(super) negative_control: String,
    /// Whether the result reaches the goal and the negative control does not.
    pub(super) holds: bool,
}
