//! The page of two builds that were played in one sitting.

mod pair_charts;

use maud::{Markup, html as markup};

use super::comparison;
use super::document::page;
use crate::ab_report::Contest;
use crate::comparison::grade_of;

/// The HTML report of two builds in one sitting: one file that needs nothing else.
pub fn html_of_contest(contest: &Contest) -> String {
    let title = format!("brunt: A against B, {}", contest.conduct.profile);
    page(&title, &title, &body(contest))
}

fn body(contest: &Contest) -> Markup {
    let Contest { contested, conduct } = contest;
    let outcome = contested.outcome();
    let [a, b] = &contested.hosts;
    markup! {
        section {
            header class={ "verdict " (grade_of(outcome).name()) } {
                p.eyebrow {
                    "brunt · A against B · " (conduct.profile) " " (comparison::outcome(outcome))
                }
                h1 { (contested.sentence()) }
                ul { li { "A: " (a) } li { "B: " (b) } }
            }
            h2 { "A against B" }
            (comparison::compared(&(*contested).into()))
            (pair_charts::charts(contested))
            h2 { "Settings" }
            dl { @for (name, value) in conduct.settings() { div { dt { (name) } dd { (value) } } } }
        }
    }
}
