//! Paths from expressions against the test vectors of the URL Standard: what a browser requests for a link is what brunt
//! sends.
//!
//! The vectors are part of the crate `url`, which the package manager has unpacked.

use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

use brunt_scenario::{
    EvalContext, Overrides, Plan, RecentSecrets, RenderContext, RenderedRequest, Request, Scenario,
    SharedData, Step, Value,
};
use serde_json::Value as Json;
use url::Url;

/// Folder into which the package manager has unpacked the crate `url`.
fn folder_of_url_crate() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    let metadata: Json = serde_json::from_slice(&output.stdout).expect("metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    let url = packages.iter().find(|package| package["name"] == "url");
    let manifest = url.and_then(|package| package["manifest_path"].as_str());
    let manifest = PathBuf::from(manifest.expect("the crate url"));
    manifest.parent().expect("a folder").to_owned()
}

/// A link, the host, and the URL that a browser requests; `None` if the link is not valid.
struct Vector {
    link: String,
    host: Url,
    expected: Option<Url>,
}

/// All vectors with a host on whose pages a browser resolves the link as brunt does.
fn vectors() -> Vec<Vector> {
    let folder = folder_of_url_crate().join("tests");
    let text = std::fs::read_to_string(folder.join("urltestdata.json")).expect("vectors");
    // The inputs for which the crate deviates from the standard.
    let failures = std::fs::read_to_string(folder.join("expected_failures.txt"));
    let failures = failures.expect("the list of failures");
    let all: Vec<Json> = serde_json::from_str(&text).expect("JSON");
    let vectors = all.iter().filter_map(|vector| {
        let link = vector["input"].as_str()?.to_owned();
        let own = format!("<{link}>");
        let is_wrong = failures.lines().any(|line| line.starts_with(&own));
        let expected = vector["href"].as_str();
        let expected = expected.map(|href| Url::parse(href).expect("a URL"));
        let host = match vector["base"].as_str() {
            Some(page) => host_of(&link, &Url::parse(page).ok()?)?,
            // A complete URL; of the scheme of the page, it might be relative.
            None if expected.is_some() && !link.to_ascii_lowercase().contains("https:") => {
                Url::parse("https://example.org/").expect("a URL")
            }
            None => return None,
        };
        (!is_wrong).then_some(Vector {
            link,
            host,
            expected,
        })
    });
    vectors.collect()
}

/// The host for links of a page. A path that a link replaces completely would be kept by brunt, as that of the host.
fn host_of(link: &str, page: &Url) -> Option<Url> {
    let is_host = matches!(page.scheme(), "http" | "https")
        && page.query().is_none()
        && page.fragment().is_none()
        && page.username().is_empty();
    let link: String = link.chars().filter(|letter| *letter > ' ').collect();
    let is_slash = |at: usize| matches!(link.as_bytes().get(at), Some(b'/' | b'\\'));
    if !is_host || page.path() != "/" && is_slash(0) && !is_slash(1) {
        return None;
    }
    if link.is_empty() || link.starts_with(['?', '#']) {
        return Some(page.clone());
    }
    let scheme = format!("{}:", page.scheme());
    if link
        .strip_prefix(&scheme)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['?', '#']))
    {
        return None;
    }
    page.join(".").ok()
}

/// The reaction of brunt to a link: the target of the request line, the origin if it is another one, or an error.
fn rendered(request: &Request, vector: &Vector) -> Result<(String, Option<String>), String> {
    let (mut into, mut body) = (RenderedRequest::default(), Vec::new());
    let shared = Rc::new(SharedData::empty());
    let variables = [Value::text(vector.link.as_str())];
    let mut random = rand_xoshiro_of(1);
    let mut context = EvalContext {
        random: &mut random,
        variables: &variables,
        shared: &shared,
        user: 1,
        recent_secrets: &mut RecentSecrets::default(),
    };
    let rendering = RenderContext {
        url: &vector.host,
        base_path: vector.host.path().trim_end_matches('/'),
        host: "h",
        closes: false,
        file_bytes: 0,
    };
    request
        .render(&mut context, rendering, &mut into, &mut body)
        .map_err(|error| format!("{error:?}"))?;
    let other = into.take_other_url();
    let other = other.map(|url| url.origin().ascii_serialization());
    Ok((into.text(into.path()).into_owned(), other))
}

fn rand_xoshiro_of(seed: u64) -> rand_xoshiro::Xoshiro256PlusPlus {
    rand::SeedableRng::seed_from_u64(seed)
}

/// Whether brunt requests what a browser requests, and fails where it fails.
fn agrees(vector: &Vector, result: &Result<(String, Option<String>), String>) -> bool {
    let expected = vector.expected.as_ref().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
    });
    match (expected, result) {
        (None, Err(_)) => true,
        (Some(url), Ok((target, other))) => {
            let is_other = url.origin() != vector.host.origin();
            let origin = is_other.then(|| url.origin().ascii_serialization());
            *target == url[url::Position::BeforePath..url::Position::AfterQuery] && *other == origin
        }
        _ => false,
    }
}

fn plan() -> Plan {
    let text = "[users.u]\n[[users.u.tasks]]\nsteps = [{ set = { a = 1 } }, { name = \"a\", get = \"{{ a }}\" }]\n\
                [profiles.p]\nusers = 1\nduration = \"1s\"\n";
    let scenario = Scenario::read("test.toml", text).expect("a scenario");
    Plan::new(&scenario, "p", &Overrides::default(), &[]).expect("a plan")
}

#[test]
fn path_from_an_expression_is_what_a_browser_requests() {
    let plan = plan();
    let [_, Step::Request(request)] = plan.classes[0].tasks.steps(0) else {
        panic!("a request after the variable");
    };
    let vectors = vectors();
    assert!(vectors.len() > 400, "only {}", vectors.len());
    let (mut sent, mut refused) = (0, 0);
    for vector in &vectors {
        let result = rendered(request, vector);
        let Vector {
            link,
            host,
            expected,
        } = vector;
        let expected = expected.as_ref().map(Url::as_str);
        assert!(
            agrees(vector, &result),
            "{link:?} on {host}: {expected:?}, {result:?}"
        );
        match result {
            Ok((_, None)) => sent += 1,
            _ => refused += 1,
        }
    }
    assert!(sent > 30 && refused > 300, "{sent} sent, {refused} refused");
    // Negative control: appending the text to the host, as for any other path, is not enough.
    let appended = |vector: &&Vector| {
        let base_path = vector.host.path().trim_end_matches('/');
        agrees(vector, &Ok((format!("{base_path}{}", vector.link), None)))
    };
    let right = vectors.iter().filter(appended).count();
    assert!(right < 20, "{right}");
}
