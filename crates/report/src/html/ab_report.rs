//! HTML report of an A/B comparison.

mod pair_charts;

use maud::{Markup, html as markup};

use super::comparison;
use super::document::page;
use crate::ab_report::AbReport;
use crate::comparison::grade_of;

/// HTML report of an A/B comparison: one self-contained file.
pub fn html_of_ab_report(report: &AbReport) -> String {
    let title = format!("brunt: A vs. B, {}", report.info.profile);
    page(&title, &title, &body(report))
}

fn body(report: &AbReport) -> Markup {
    let AbReport { ab_summary, info } = report;
    let outcome = ab_summary.outcome();
    let [a, b] = &ab_summary.hosts;
    markup! {
        section {
            header class={ "verdict " (grade_of(outcome).name()) } {
                p.eyebrow {
                    "brunt · A vs. B · " (info.profile) " " (comparison::outcome(outcome))
                }
                h1 { (ab_summary.headline()) }
                ul { li { "A: " (a) } li { "B: " (b) } }
            }
            h2 { "A vs. B" }
            (comparison::compared(&(*ab_summary).into()))
            (pair_charts::charts(ab_summary))
            h2 { "Settings" }
            dl { @for (name, value) in info.settings() { div { dt { (name) } dd { (value) } } } }
        }
    }
}
