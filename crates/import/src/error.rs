//! Errors of imports.

/// The reason that nothing was imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The text contains no curl command.
    #[error(
        "no curl command found: expected curl with its options or a URL; in the network panel of a browser, use \
         Copy as cURL"
    )]
    NoCommand,
    /// A call of `fetch()` whose arguments are not JSON.
    #[error(
        "cannot read the fetch() call: its arguments must be JSON, as a browser copies them; copy the request as cURL \
         instead"
    )]
    FetchCall,
    /// A command of PowerShell.
    #[error(
        "cannot read a PowerShell command: expected curl; in the network panel of a browser, use Copy as cURL instead \
         of Copy as PowerShell"
    )]
    PowerShell,
    /// A quote is not closed.
    #[error("the quote before `{near}` is not closed: copy the complete command")]
    OpenQuote {
        /// The text after the quote.
        near: String,
    },
    /// A command contains no usable URL.
    #[error("the curl command contains no http or https URL")]
    NoUrl,
    /// The text does not have the expected format.
    #[error("not {expected}: {reason}")]
    InvalidFormat {
        /// The expected format with its article.
        expected: &'static str,
        /// The reason that it is another one.
        reason: String,
    },
    /// The description consists of several files.
    #[error(
        "the description refers to another file, `{reference}`{others}: bundle it into one file first, for example with \
         `npx @redocly/cli bundle openapi.yaml -o bundled.yaml`, and import that"
    )]
    ExternalReference {
        /// The first reference.
        reference: String,
        /// Number of the other references, in words.
        others: String,
    },
    /// Everything was left out.
    #[error("nothing to import: {reason}")]
    Nothing {
        /// Excluded content with the reasons.
        reason: String,
    },
}
