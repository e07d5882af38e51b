//! Appearance of the page: screenshots for inspection, and computed properties.

use brunt_report::{AbReport, html_of_ab_report};
use brunt_testbed::Look;

use crate::ab_test::{ab_summary, info};
use crate::{marked, opened, opened_page, pictures, stalled};

/// Script that finds text with a contrast under 4.5:1 to its background (WCAG 2.2, 1.4.3).
const TOO_FAINT: &str = r"(() => {
  const rgb = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const linear = (part) => (part /= 255, part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (of) => {
    for (let at = of; at; at = at.parentElement) {
      const [r, g, b, a = 1] = rgb(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const found = [];
  let seen = 0;
  for (const of of document.querySelectorAll('main *, footer')) {
    const says = [...of.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!says || of.closest('script, svg') || !of.getClientRects().length) continue;
    seen++;
    const [a, b] = [light(rgb(getComputedStyle(of).color)), light(behind(of))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.push(of.tagName + ' ' + of.textContent.slice(0, 30) + ' ' + contrast.toFixed(2));
  }
  return seen > 60 ? found : ['only ' + seen + ' texts were seen'];
})()";

#[test]
fn text_has_sufficient_contrast_in_light_dark_and_print() {
    let stalled = stalled();
    let Some(mut page) = opened("every_text_stands_out", &[stalled.judged()], true) else {
        return;
    };
    let looks = [
        ("light", Look::Light),
        ("dark", Look::Dark),
        ("print", Look::Print),
    ];
    for (name, look) in looks {
        page.browser.look(1240, 1600, look);
        page.browser.settle();
        page.browser
            .picture(&pictures().join(format!("report-{name}.png")));
        let faint = page.browser.ask(TOO_FAINT);
        assert_eq!(faint, serde_json::json!([]), "{name}");
    }
    page.browser.look(1240, 1600, Look::Light);
    page.browser
        .ask("document.querySelectorAll('table[data-requests] .open').forEach((of) => of.click())");
    page.browser
        .point("figure[data-chart='throughput'] .u-over", -0.3);
    page.browser.settle();
    page.browser.picture(&pictures().join("report-opened.png"));
    page.browser.look(1240, 1600, Look::Print);
    page.browser.print(&pictures().join("report.pdf"));
}

#[test]
fn page_fits_a_phone() {
    let stalled = stalled();
    let Some(mut page) = opened("it_fits_a_phone", &[stalled.judged()], true) else {
        return;
    };
    page.browser.look(390, 844, Look::Light);
    page.browser.settle();
    page.browser.picture(&pictures().join("report-phone.png"));
    let wide = page.browser.ask("document.documentElement.scrollWidth");
    assert_eq!(wide, 390, "nothing but tables scrolls to the side");
    let widest = page.browser.ask(
        "Math.max(...[...document.querySelectorAll('.uplot')].map((of) => of.getBoundingClientRect().right))",
    );
    assert!(widest.as_f64() <= Some(390.0), "charts end at {widest}");
}

#[test]
fn page_without_scripts_is_rendered() {
    let stalled = stalled();
    let Some(mut page) = opened(
        "page_without_scripts_is_rendered",
        &[stalled.judged()],
        false,
    ) else {
        return;
    };
    page.browser.look(1240, 1600, Look::Light);
    page.browser
        .picture(&pictures().join("report-without-scripts.png"));
    assert!(page.file.is_file());
}

#[test]
fn findings_are_drawn_on_the_charts() {
    let marked = marked();
    for scripts in [true, false] {
        let runs = [marked.judged()];
        let Some(mut page) = opened("what_was_found_is_drawn", &runs, scripts) else {
            return;
        };
        let browser = &mut page.browser;
        browser.look(1240, 1600, Look::Light);
        let name = if scripts {
            "report-marks"
        } else {
            "report-marks-without-scripts"
        };
        browser.picture(&pictures().join(format!("{name}.png")));
        let said = browser
            .ask("[...document.querySelectorAll('.marks li')].map((of) => of.textContent.trim())");
        let wanted = [
            "Marked:",
            "warm-up 0 s–2 s",
            "no response 4 s–7 s",
            "spike 8 s–12 s",
            "recovery 12 s–15 s",
        ];
        assert_eq!(said, serde_json::json!(wanted));
        let legend = browser
            .ask("document.querySelector(\"figure[data-chart='throughput'] .legend\").textContent");
        let legend = legend.as_str().unwrap_or_default();
        assert!(
            legend.contains("holds 35") && legend.contains("breaks 60"),
            "{legend}"
        );
        let law = browser
            .ask("document.querySelectorAll(\"figure[data-chart='scaling'] canvas\").length");
        assert_eq!(law, i32::from(scripts));
        let trend = browser.ask("document.querySelectorAll(\"figure[data-chart='memory'] svg path.dashed.critical\").length");
        assert_eq!(trend, 1);
        assert_eq!(browser.complaints, Vec::<String>::new());
    }
}

#[test]
fn ab_report_is_rendered_on_every_medium() {
    let contest = AbReport {
        ab_summary: &ab_summary(),
        info: &info(),
    };
    let page = html_of_ab_report(&contest);
    let Some(mut page) = opened_page("pairs_of_two_builds", &page, true) else {
        return;
    };
    let browser = &mut page.browser;
    for (name, look) in [
        ("light", Look::Light),
        ("dark", Look::Dark),
        ("print", Look::Print),
        ("forced-colors", Look::ForcedColors),
    ] {
        browser.look(1240, 1600, look);
        browser.settle();
        browser.picture(&pictures().join(format!("pairs-{name}.png")));
        let faint = browser.ask(TOO_FAINT);
        assert_eq!(faint, serde_json::json!([]), "{name}");
    }
    browser.look(390, 844, Look::Light);
    browser.settle();
    browser.picture(&pictures().join("pairs-phone.png"));
    let wide = browser.ask("document.documentElement.scrollWidth");
    assert_eq!(wide, 390, "nothing but tables scrolls to the side");
    assert_eq!(browser.complaints, Vec::<String>::new());
}
