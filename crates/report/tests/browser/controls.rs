//! Controls of the page: switches of lines, columns, copying and saving, links, the clock, tooltips.

use brunt_testbed::{Browser, Look};
use serde_json::{Value, json};

use crate::run::known;
use crate::use_of::{click, count, texts};
use crate::{Opened, marked, opened, pictures, stalled};

/// Script that captures saved and copied data instead of the browser.
const KEEP: &str = "(() => { window.kept = []; \
    URL.createObjectURL = (blob) => { window.blob = blob; return '#kept'; }; \
    HTMLAnchorElement.prototype.click = function () { window.kept.push(this.download); }; \
    navigator.clipboard.writeText = async (text) => { window.copied = text; }; })()";

fn page_of_known(test: &str) -> Option<Opened> {
    let known = known();
    let mut page = opened(test, &[known.judged()], true)?;
    page.browser.ask(KEEP);
    Some(page)
}

/// Name and text of the last saved file.
fn saved(browser: &mut Browser) -> (String, String) {
    let name = browser.ask("window.kept.at(-1)");
    let content = browser.ask("window.blob.text()");
    let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
    (text(name), text(content))
}

fn press(browser: &mut Browser, key: &str) {
    browser.ask(&format!(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{ key: {key:?}, bubbles: true }}))"
    ));
    browser.settle();
}

#[test]
fn legend_switches_hide_and_show_their_line() {
    let Some(mut page) = page_of_known("legend_switches") else {
        return;
    };
    let browser = &mut page.browser;
    let figure = "figure[data-chart='response']";
    let shown = format!(
        "document.querySelector(\"{figure}\").plot.series.slice(1).map((series) => series.show)"
    );
    let pressed = format!(
        "[...document.querySelectorAll(\"{figure} .switch\")].map((of) => of.getAttribute('aria-pressed'))"
    );
    assert_eq!(browser.ask(&shown), json!([true, true, true]));
    click(browser, &format!("{figure} li:nth-child(2) .switch"));
    assert_eq!(browser.ask(&shown), json!([true, false, true]));
    assert_eq!(browser.ask(&pressed), json!(["true", "false", "true"]));
    // The choice is kept with another scale.
    click(browser, ".tools input[type='checkbox']");
    assert_eq!(browser.ask(&shown), json!([true, false, true]));
    click(browser, &format!("{figure} li:nth-child(2) .switch"));
    assert_eq!(browser.ask(&shown), json!([true, true, true]));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn near_thresholds_are_lines_and_far_ones_are_text() {
    let Some(mut page) = page_of_known("thresholds_are_lines") else {
        return;
    };
    let browser = &mut page.browser;
    let legend = |browser: &mut Browser, chart: &str| {
        texts(browser, &format!("figure[data-chart='{chart}'] .legend li")).join(" | ")
    };
    // 40 requests per second: critical 20 and acceptable 50 are near, and the target of 100 is at the limit.
    let throughput = legend(browser, "throughput");
    assert!(
        throughput.contains("critical 20 | acceptable 50")
            || throughput.contains("acceptable 50 | critical 20"),
        "{throughput}"
    );
    let memory = legend(browser, "memory");
    assert!(
        memory.contains("target 512 MB") && memory.contains("above this chart"),
        "{memory}"
    );
    let drawn = browser.ask(
        "document.querySelectorAll(\"figure[data-chart='memory'] svg.lines path.level.good\").length",
    );
    assert_eq!(drawn, json!(1), "the drawing without a script has it, too");
    let top =
        browser.ask("document.querySelector(\"figure[data-chart='memory']\").plot.scales.y.max");
    let top = top.as_f64().unwrap_or_default();
    assert!(
        (512.0..800.0).contains(&top),
        "{top}: the axis ends above 512 MB"
    );
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn every_axis_of_values_has_more_than_two_labels() {
    let stalled = stalled();
    let Some(mut page) = opened("every_axis", &[stalled.judged()], true) else {
        return;
    };
    let browser = &mut page.browser;
    browser.look(1240, 1600, Look::Light);
    browser.settle();
    let few = browser.ask(
        "[...document.querySelectorAll('figure.drawn:not([hidden])')].filter((of) => of.plot) \
         .map((of) => [of.querySelector('figcaption').textContent, of.plot.axes[1]._values.filter(Boolean).length]) \
         .filter(([, labels]) => labels < 3)",
    );
    assert_eq!(few, json!([]));
    let charts =
        browser.ask("[...document.querySelectorAll('figure')].filter((of) => of.plot).length");
    assert!(charts.as_u64() >= Some(10), "{charts} charts");
    let few = browser.ask(
        "[...document.querySelectorAll('.plot')].map((of) => of.querySelectorAll('.y-axis text').length) \
         .filter((labels) => labels < 3)",
    );
    assert_eq!(few, json!([]), "of the drawings without a script");
}

#[test]
fn columns_are_chosen_and_a_table_is_saved_as_csv() {
    let Some(mut page) = page_of_known("columns_are_chosen") else {
        return;
    };
    let browser = &mut page.browser;
    let heads = "[...document.querySelectorAll('table[data-requests] thead .sort')].filter((of) => of.offsetParent).map((of) => of.textContent)";
    let shown = browser.ask(heads);
    assert_eq!(
        shown,
        json!([
            "Request", "Requests", "Failed", "req/s", "Received", "planned", "seen", "p50", "p95",
            "p99", "max", "p50", "p99"
        ])
    );
    browser.ask("[...document.querySelectorAll('.columns label')].find((of) => of.textContent.trim() === 'Response time mean').querySelector('input').click()");
    browser.ask("[...document.querySelectorAll('.columns label')].find((of) => of.textContent.trim() === 'Share seen').querySelector('input').click()");
    let shown = browser.ask(heads).to_string();
    assert!(shown.contains("mean") && !shown.contains("seen"), "{shown}");

    browser.ask("document.querySelector(\"[aria-label='Save as CSV: Requests by name']\").click()");
    let (name, csv) = saved(browser);
    assert_eq!(
        name,
        "brunt-load-of-http-127.0.0.1-8000-Requests-by-name.csv"
    );
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some(
            "Request,Requests,Share planned (%),Failed,req/s,Response time p50 (ms),Response time p95 (ms),Response time p99 (ms),Response time max (ms),Service time p50 (ms),Service time p99 (ms),Received (B),Response time mean (ms)"
        )
    );
    let orders = lines.next().unwrap_or_default();
    assert!(orders.starts_with("POST /orders,631,75,"), "{orders}");
    let search = lines.next().unwrap_or_default();
    assert!(
        search.starts_with("GET /search?q=</script><script>alert(1)</script>,"),
        "{search}"
    );
    assert!(
        lines
            .next()
            .unwrap_or_default()
            .starts_with("All requests,")
    );

    browser
        .ask("document.querySelector(\"[aria-label^='Copy as CSV: Requests before and after']\").click()");
    browser.settle();
    let copied = browser.ask("window.copied");
    let copied = copied.as_str().unwrap_or_default();
    assert!(copied.contains("\nGET =cmd|'"), "{copied}");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn chart_is_saved_as_svg_and_png() {
    let marked = marked();
    let Some(mut page) = opened("a_chart_is_saved", &[marked.judged()], true) else {
        return;
    };
    let browser = &mut page.browser;
    browser.ask(KEEP);
    let press = |browser: &mut Browser, form: &str| {
        browser.ask(&format!(
            "document.querySelector(\"[aria-label='Save as {form}: Requests per second']\").click()"
        ));
    };
    press(browser, "SVG");
    let (name, svg) = saved(browser);
    assert!(name.ends_with("Requests-per-second.svg"), "{name}");
    std::fs::write(pictures().join("saved.svg"), &svg).ok();
    for part in [
        "<svg xmlns=",
        ">Requests per second</text>",
        ">succeeded</text>",
        "20 s</text>",
        "breaks 60",
    ] {
        assert!(svg.contains(part), "{part}: {svg}");
    }
    let lines = svg.matches("<path d=\"M").count();
    assert!(lines > 12, "{lines} lines");
    press(browser, "PNG");
    let png = "new Promise((read) => { const look = () => window.blob.type === 'image/png' ? createImageBitmap(window.blob).then((of) => read([of.width, of.height])) : setTimeout(look, 20); look(); })";
    let size = browser.ask(png);
    let size: [f64; 2] = serde_json::from_value(size).expect("a size");
    assert!(size[0] > 400.0 && size[1] > 150.0, "{size:?}");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn link_contains_the_zoom_and_the_choices() {
    let Some(mut page) = page_of_known("a_link_keeps") else {
        return;
    };
    let browser = &mut page.browser;
    browser.drag("figure[data-chart='throughput'] .u-over", -0.25, 0.25);
    browser.ask("(() => { const of = document.querySelector('.tools select'); of.value = 'utc'; of.dispatchEvent(new Event('change')); })()");
    click(browser, ".tools input[value='service']");
    click(browser, ".tools button:nth-of-type(2)");
    let link = browser.ask("window.copied");
    let link = link.as_str().unwrap_or_default().to_owned();
    let (_, chosen) = link.split_once('#').unwrap_or_default();
    assert!(
        chosen.contains("0.zoom=5.4")
            && chosen.contains("0.axis=utc")
            && chosen.contains("0.time=service"),
        "{link}"
    );
    click(browser, ".tools button");
    browser.ask("location.hash = ''");
    browser.ask(&format!("location.hash = {chosen:?}"));
    browser.settle();
    let ends = "(({ min, max }) => [Math.round(min), Math.round(max)])(document.querySelector(\"figure[data-chart='throughput']\").plot.scales.x)";
    assert_eq!(browser.ask(ends), json!([5, 16]));
    // In a window of its own, too.
    browser.open_at(&page.file, chosen);
    assert_eq!(browser.ask(ends), json!([5, 16]));
    assert_eq!(
        browser.ask("document.querySelector('.tools select').value"),
        json!("utc")
    );
    assert_eq!(
        browser.ask("document.querySelector(\".tools input[value='service']\").checked"),
        json!(true)
    );
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn wall_clock_time_is_shown() {
    let Some(mut page) = page_of_known("the_clock") else {
        return;
    };
    let browser = &mut page.browser;
    browser.point("figure[data-chart='throughput'] .u-over", -0.2);
    browser.settle();
    assert_eq!(texts(browser, ".tools .at"), ["at 6 s"]);
    assert_eq!(texts(browser, ".tools .wall"), ["11:00:06 UTC"]);
    browser.ask("(() => { const of = document.querySelector('.tools select'); of.value = 'utc'; of.dispatchEvent(new Event('change')); })()");
    browser.settle();
    let axis = browser
        .ask("document.querySelector(\"figure[data-chart='throughput']\").plot.axes[0]._values");
    assert!(axis.to_string().contains("\"11:00:00\""), "{axis}");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn term_is_explained_by_tooltip_focus_and_glossary() {
    let Some(mut page) = page_of_known("a_term_is_explained") else {
        return;
    };
    let browser = &mut page.browser;
    let tip =
        "document.querySelector('#tip').hidden ? '' : document.querySelector('#tip').textContent";
    assert_eq!(browser.ask(tip), json!(""));
    // Scrolling hides it: the page has to be still.
    browser
        .ask("document.querySelector('.targets tbody .term').scrollIntoView({ block: 'center' })");
    browser.settle();
    browser.point(".targets tbody .term", 0.0);
    browser.settle();
    let said = browser.ask(tip);
    assert!(
        said.as_str()
            .unwrap_or_default()
            .starts_with("The time that this share"),
        "{said}"
    );
    browser.ask("document.querySelector('.targets thead .term').focus({ preventScroll: true })");
    browser.settle();
    let said = browser.ask(tip);
    assert!(
        said.as_str()
            .unwrap_or_default()
            .starts_with("How well a target is met"),
        "{said}"
    );
    press(browser, "Escape");
    assert_eq!(browser.ask(tip), json!(""));
    let lost = browser.ask(
        "[...document.querySelectorAll('a.term')].filter((of) => !document.querySelector(of.getAttribute('href'))).length",
    );
    assert_eq!(lost, json!(0), "every term is in the glossary");
    let nested =
        browser.ask("document.querySelectorAll('button a, button button, a button').length");
    assert_eq!(nested, json!(0), "no control is inside another");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn live_region_announces_keyboard_actions() {
    let Some(mut page) = page_of_known("one_live_region") else {
        return;
    };
    let browser = &mut page.browser;
    let regions =
        "document.querySelectorAll('output, [aria-live], [role=status], [role=alert]').length";
    assert_eq!(browser.ask(regions), json!(1));
    browser.ask("document.querySelector(\"figure[data-chart='throughput'] .uplot\").focus({ preventScroll: true })");
    for _ in 0..7 {
        press(browser, "ArrowRight");
    }
    let said = browser.ask("new Promise((read) => { const look = () => document.querySelector('#status').textContent ? read(document.querySelector('#status').textContent) : setTimeout(look, 20); look(); })");
    let said = said.as_str().unwrap_or_default();
    assert!(
        said.starts_with("Requests per second at ") && said.contains("succeeded 40"),
        "{said}"
    );
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn lines_are_distinguished_by_strokes_in_forced_colors() {
    let marked = marked();
    let Some(mut page) = opened("forced_colors", &[marked.judged()], true) else {
        return;
    };
    let browser = &mut page.browser;
    browser.look(1240, 1600, Look::ForcedColors);
    browser.settle();
    browser.picture(&pictures().join("report-forced-colors.png"));
    let alike = browser.ask(
        "[...document.querySelectorAll('figure.drawn')].filter((of) => of.plot && !of.plot.map).map((of) => of.plot) \
         .filter((plot) => { const drawn = plot.series.slice(1).map((series) => String(series.dash) + (series.fill ? series.stroke() : '')); \
           return new Set(drawn).size < drawn.length; }).map((plot) => plot.root.getAttribute('aria-label'))",
    );
    assert_eq!(alike, json!([]), "charts with two lines that look alike");
    let ink = browser.ask("getComputedStyle(document.querySelector('.probe')).color");
    assert!(
        ink.as_str().is_some_and(|ink| ink.starts_with("rgb")),
        "{ink}"
    );
    assert_eq!(
        count(browser, ".pill i"),
        count(browser, ".pill"),
        "each grade has its sign"
    );
}

#[test]
fn all_profiles_fit_a_phone_and_charts_have_two_columns_on_wide_screens() {
    let (one, other) = (marked(), stalled());
    let runs = [one.judged(), other.judged(), one.judged()];
    let Some(mut page) = opened("all_profiles_fit", &runs, true) else {
        return;
    };
    let browser = &mut page.browser;
    browser.look(390, 844, Look::Light);
    browser.settle();
    browser.picture(&pictures().join("all-phone.png"));
    let past = browser.ask(
        "[...document.querySelectorAll('main *')].filter((of) => of.getBoundingClientRect().right > 390.5 \
         && !of.closest('.scroll, svg, .sr')).map((of) => of.tagName + '.' + of.className + ' ' + of.textContent.slice(0, 40))",
    );
    assert_eq!(past, json!([]), "past the right edge");
    let profiles = browser.ask("document.querySelector('.profiles').parentElement.scrollWidth <= document.querySelector('.profiles').parentElement.clientWidth");
    assert_eq!(profiles, json!(true), "the overview needs no scrolling");
    browser.look(1280, 900, Look::Light);
    browser.settle();
    let tops = browser.ask("['throughput', 'response'].map((of) => document.querySelector(`figure[data-chart='${of}']`).getBoundingClientRect().top)");
    assert_eq!(tops[0], tops[1], "side by side");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn print_has_labels_on_grid_lines_and_headers_on_each_page() {
    let marked = marked();
    for scripts in [true, false] {
        let Some(mut page) = opened("on_paper", &[marked.judged()], scripts) else {
            return;
        };
        let browser = &mut page.browser;
        browser.look(794, 1123, Look::Print);
        if scripts {
            browser.settle();
        }
        let apart = browser.ask(
            "[...document.querySelectorAll('.plot')].filter((of) => of.querySelector('.y-axis').getClientRects().length).map((of) => ['.y-axis', '.lines'] \
             .map((part) => of.querySelector(part).getBoundingClientRect())).filter(([a, b]) => Math.abs(a.top - b.top) + Math.abs(a.height - b.height) > 1).length",
        );
        assert_eq!(apart, json!(0), "scales next to their drawings");
        let drawn = browser.ask("[...document.querySelectorAll('.plot')].filter((of) => of.getClientRects().length).length");
        assert!(drawn.as_u64() >= Some(12), "{drawn} drawings");
        let heads = browser.ask("[...new Set([...document.querySelectorAll('main table:not(.behind table) thead')].map((of) => getComputedStyle(of).display + getComputedStyle(of).position))]");
        assert_eq!(heads, json!(["table-header-groupstatic"]));
        let controls = "[...document.querySelectorAll('.tools, .bar, .contents, .behind')].filter((of) => of.getClientRects().length).length";
        assert_eq!(browser.ask(controls), json!(0), "nothing to press on paper");
        let rules = "[...document.styleSheets[0].cssRules].map((rule) => rule.cssText).join(' ')";
        let rules = browser.ask(rules);
        let rules = rules.as_str().unwrap_or_default();
        assert!(
            rules.contains("@top-left") && rules.contains("2026-11-23 11:00:00 UTC"),
            "the run stands on each page"
        );
    }
}
