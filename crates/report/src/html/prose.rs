//! Prose: sentences of the verdict as they are shown on the page.

use maud::{Markup, html as markup};

/// A sentence whose parts between backticks are names.
pub(super) fn sentence(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        // A backtick without its pair is part of the text.
        return markup! { (text) };
    }
    markup! {
        @for (at, part) in parts.iter().enumerate() {
            @if !at.is_multiple_of(2) { code { (part) } } @else { (part) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_between_backticks_are_code() {
        let shown = |text: &str| sentence(text).into_string();
        assert_eq!(
            shown("`/a` is slower than `/<b>`."),
            "<code>/a</code> is slower than <code>/&lt;b&gt;</code>."
        );
        assert_eq!(shown("one ` alone"), "one ` alone");
        assert_eq!(shown("none"), "none");
    }
}
