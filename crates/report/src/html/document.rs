//! The HTML document around the content of a page: style, script, and the policy that lets nothing else in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};
use sha2::{Digest, Sha256};

use crate::number;

pub(super) const STYLE: &str = concat!(
    include_str!("page/colors.css"),
    include_str!("page/page.css"),
    include_str!("page/charts.css"),
    include_str!("page/print.css"),
);
const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("page/format.js"),
    include_str!("page/draw.js"),
    include_str!("page/terms.js"),
    include_str!("page/touch.js"),
    include_str!("page/save.js"),
    include_str!("page/columns.js"),
    include_str!("page/time.js"),
    include_str!("page/link.js"),
    include_str!("page/requests.js"),
    include_str!("page/page.js"),
    "})();\n",
);
const UPLOT_STYLE: &str = include_str!("../../vendor/uplot/uPlot.min.css");
const UPLOT_SCRIPT: &str = include_str!("../../vendor/uplot/uPlot.iife.min.js");

/// Content security policy: nothing is fetched, and only the scripts and the style with these hashes are run. Text that
/// a service sent cannot become one.
fn policy(style: &str, scripts: &[&str]) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let scripts: Vec<String> = scripts.iter().map(|script| hash(script)).collect();
    let scripts = if scripts.is_empty() {
        "'none'".to_owned()
    } else {
        scripts.join(" ")
    };
    format!(
        "default-src 'none'; style-src {}; script-src {scripts}; base-uri 'none'; form-action 'none'",
        hash(style)
    )
}

/// A page with its scripts around its content; `on_paper` is printed at the top of each sheet.
pub(super) fn page(title: &str, on_paper: &str, body: &Markup) -> String {
    let top = css_string(on_paper);
    let own = without_comments(STYLE);
    let style = format!("{UPLOT_STYLE}{own}@page {{ @top-left {{ content: {top}; }} }}\n");
    let script = without_comments(SCRIPT);
    around(title, &style, &[UPLOT_SCRIPT, &script], body)
}

/// A script or a style sheet without its indentation and the lines that only explain it.
pub(super) fn without_comments(text: &str) -> String {
    let lines = text.lines().map(str::trim_start);
    let kept = lines.filter(|line| !line.starts_with("//") && !line.is_empty());
    kept.flat_map(|line| [line, "\n"]).collect()
}

/// A text as a string of a style sheet: nothing in it ends the string or the element.
fn css_string(text: &str) -> String {
    let escaped = text.chars().map(|letter| match letter {
        letter if letter.is_alphanumeric() || " .:/,·-_".contains(letter) => letter.to_string(),
        letter => format!("\\{:x} ", u32::from(letter)),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// A page with this style and these scripts.
pub(super) fn around(title: &str, style: &str, scripts: &[&str], body: &Markup) -> String {
    // Names and examples come from outside.
    let is_kept = |letter| number::is_shown(letter) || letter == '\n';
    let body: String = body.0.chars().filter(|letter| is_kept(*letter)).collect();
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(policy(style, scripts));
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body {
                main { (PreEscaped(body)) }
                p.sr id="status" role="status" aria-live="polite" {}
                footer { "Made by brunt " (env!("CARGO_PKG_VERSION")) "." }
                @for script in scripts { script { (PreEscaped(script)) } }
            }
        }
    };
    page.into_string()
}

#[cfg(test)]
mod tests {
    use super::{SCRIPT, css_string, without_comments};

    #[test]
    fn a_page_carries_no_comments_of_its_script() {
        let script = without_comments(SCRIPT);
        assert!(!script.contains("\n//") && script.contains("class Run {"));
        // A text over several lines would lose its indentation.
        let is_open = |line: &str| !line.matches('`').count().is_multiple_of(2);
        let open = SCRIPT.lines().find(|line| is_open(line));
        assert_eq!(
            open.filter(|line| !line.trim_start().starts_with("//")),
            None
        );
    }

    #[test]
    fn a_css_string_ends_nothing() {
        assert_eq!(css_string("load of http://a:1/"), "\"load of http://a:1/\"");
        assert_eq!(
            css_string("\"</style>\n\\"),
            "\"\\22 \\3c /style\\3e \\a \\5c \""
        );
    }
}
