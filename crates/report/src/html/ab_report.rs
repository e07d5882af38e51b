//! HTML report of an A/B comparison.

mod pair_charts;

use maud::{Markup, html as markup};

use super::comparison;
use super::document::page;
use crate::ab_report::AbReport;
use crate::comparison::grade_of;

/// HTML report of an A/B comparison: one self-contained file.
pub fn html_of_ab_report(contest: &AbReport) -> String {
    let title = format!("brunt: A against B, {}", contest.conduct.profile);
    page(&title, &title, &body(contest))
}

fn body(contest: &AbReport) -> Markup {
    let AbReport { contested, conduct } = contest;
    let outcome = contested.outcome();
    let [a, b] = &contested.hosts;
    markup! {
        section {
            header class={ "verdict " (grade_of(outcome).name()) } {
                p.eyebrow {
                    "brunt · A against B · " (conduct.profile) " " (comparison::outcome(outcome))
                }
                h1 { (contested.headline()) }
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
