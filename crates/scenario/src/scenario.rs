//! The scenario: what a scenario file means. It cannot be wrong: what is wrong is said when it is
//! read, all at once.

use std::path::Path;

use indexmap::IndexMap;
use record::{Metric, RequestName, Target};
use sha2::{Digest, Sha256};
use toml::Spanned;
use url::Url;

use crate::class::{self, Class};
use crate::expression::{Data, Value};
use crate::layers::{self, Layers};
use crate::names::Names;
use crate::network::{self, Network};
use crate::problem::{Problem, ScenarioError, suggestion};
use crate::profile::{self, Profile};
use crate::quantity;
use crate::reader;
use crate::request::{Builder, Request};
use crate::spec::{Json, Spec, TargetSpec};

/// The checked content of a scenario file.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The service under test; `None` where the file leaves it to the command line.
    pub host: Option<Host>,
    /// How the service is reached.
    pub network: Network,
    /// Request names, those of the set-up among them.
    pub names: Vec<RequestName>,
    /// Requests made once, before the load.
    pub setup: Vec<Request>,
    /// User classes, in the order of the file.
    pub classes: Vec<Class>,
    /// Profiles by name, in the order of the file.
    pub profiles: IndexMap<String, Profile>,
    /// Targets, in the order of the file.
    pub targets: Vec<Target>,
    /// A hash of what was typed, comments and layout left out, in hexadecimal.
    pub hash: String,
}

/// The service under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// The Application Agent that ships with brunt.
    Embedded,
    /// A base URL.
    Url(Url),
}

impl Host {
    /// Reads a host as the scenario file and the command line give it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "embedded" {
            return Ok(Self::Embedded);
        }
        let url = Url::parse(text).map_err(|_| {
            format!("`{text}` is no host; write \"embedded\" or a URL like http://localhost:8000")
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "the host's URL holds credentials; leave them out, and write \
                        [headers] Authorization = \"…\" instead"
                    .to_owned(),
            );
        }
        match url.scheme() {
            "http" | "https" if url.host_str().is_some_and(|host| !host.is_empty()) => {
                Ok(Self::Url(url))
            }
            _ => Err(format!(
                "`{text}` is no HTTP URL; write one like http://localhost:8000"
            )),
        }
    }
}

impl Scenario {
    /// Reads a scenario that stands alone. `file` is its name for messages.
    pub fn read(file: &str, text: &str) -> Result<Self, ScenarioError> {
        let unread = |_: &Path| Err(std::io::ErrorKind::Unsupported.into());
        let layers = Layers {
            assignments: &[],
            file: &unread,
        };
        Self::read_layered(file, text, layers)
    }

    /// Reads a scenario with the files that it includes, and with what was said beside it.
    pub fn read_layered(file: &str, text: &str, layers: Layers) -> Result<Self, ScenarioError> {
        let collected = layers::collect(file, text, layers);
        let mut problems = collected.problems.clone();
        let table = collected.table(layers, &mut problems);
        let reading = reader::read(table, problems);
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        let mut found = Vec::new();
        let spec = reading.spec.as_ref();
        let scenario = spec.map(|spec| resolve(spec, folder, &mut found));
        found.retain(|problem| reading.is_of_the_file(problem));
        let mut problems = reading.problems;
        problems.append(&mut found);
        // Those without a place come first.
        problems.sort_by_key(|problem| problem.span().map(|span| span.start));
        match scenario {
            Some(scenario) if problems.is_empty() => Ok(scenario),
            _ => Err(ScenarioError::new(&collected.sources, problems)),
        }
    }
}

fn resolve(spec: &Spec, folder: &Path, problems: &mut Vec<Problem>) -> Scenario {
    let host = spec
        .host
        .as_ref()
        .and_then(|host| match Host::parse(host.get_ref()) {
            Ok(host) => Some(host),
            Err(message) => {
                problems.push(Problem::new(message).at(host.span(), "here"));
                None
            }
        });
    let network = network::resolve(spec, folder, problems);
    let data = data(spec, problems);
    let mut names = Names::default();
    let mut builder = Builder {
        data: &data,
        headers: &spec.headers,
        folder,
        names: &mut names,
        problems,
    };
    let setup = spec
        .setup
        .iter()
        .filter_map(|request| builder.request(request, true))
        .collect();
    let classes = class::resolve(&spec.users, &mut builder);
    let profiles = profiles(spec, problems);
    let targets = targets(spec, &names, problems);
    Scenario {
        host,
        network,
        names: names.into_table(),
        setup,
        classes,
        profiles,
        targets,
        hash: hash(spec),
    }
}

fn data(spec: &Spec, problems: &mut Vec<Problem>) -> Data {
    let mut data = Data::new();
    for (name, list) in &spec.data {
        let mut values = Vec::new();
        for value in list {
            match value.get_ref() {
                Json::Text(text) => values.push(Value::Text(text.clone())),
                Json::Integer(number) => values.push(Value::Integer(*number)),
                Json::Float(number) => values.push(Value::Float(*number)),
                Json::Bool(value) => values.push(Value::Bool(*value)),
                Json::List(_) | Json::Table(_) => problems.push(
                    Problem::new(format!(
                        "data list `{}` holds a list or a table",
                        name.get_ref()
                    ))
                    .at(value.span(), "here")
                    .help("a value is a text, a number or a boolean"),
                ),
            }
        }
        data.insert(name.get_ref().clone(), values);
    }
    data
}

fn profiles(spec: &Spec, problems: &mut Vec<Problem>) -> IndexMap<String, Profile> {
    let mut profiles = IndexMap::new();
    for (name, typed) in &spec.profiles {
        if name.get_ref() == "all" {
            problems.push(
                Problem::new("a profile is named `all`")
                    .at(name.span(), "here")
                    .help("`all` stands for every profile in turn; choose another name"),
            );
        }
        let known = |class: &str| spec.users.keys().any(|known| known.get_ref() == class);
        for class in typed.get_ref().users_of.iter().flatten() {
            if !known(class.get_ref()) {
                let names = spec.users.keys().map(|name| name.get_ref().as_str());
                problems.push(
                    Problem::new(format!("no user class is named `{}`", class.get_ref()))
                        .at(class.span(), "here")
                        .help(suggestion(class.get_ref(), names)),
                );
            }
        }
        if let Some(profile) = profile::resolve(typed, problems) {
            profiles.insert(name.get_ref().clone(), profile);
        }
    }
    profiles
}

fn targets(spec: &Spec, names: &Names, problems: &mut Vec<Problem>) -> Vec<Target> {
    let mut targets = Vec::new();
    for (metric, thresholds) in &spec.targets {
        targets.extend(target(metric, thresholds, None, problems));
    }
    for (request, rows) in &spec.request_targets {
        let Some(name) = names.find(request.get_ref()) else {
            problems.push(
                Problem::new(format!("no request is named `{}`", request.get_ref()))
                    .at(request.span(), "here")
                    .help(suggestion(request.get_ref(), names.judged())),
            );
            continue;
        };
        for (metric, thresholds) in rows {
            targets.extend(target(metric, thresholds, Some(name), problems));
        }
    }
    targets
}

fn target(
    name: &Spanned<String>,
    thresholds: &Spanned<TargetSpec>,
    scope: Option<record::NameId>,
    problems: &mut Vec<Problem>,
) -> Option<Target> {
    let metric = metric(name, scope)
        .map_err(|problem| problems.push(problem))
        .ok()?;
    let known = problems.len();
    let mut value = |typed: &Option<Spanned<Json>>| {
        let typed = typed.as_ref()?;
        quantity::threshold(metric, typed.get_ref())
            .map_err(|help| {
                let message = format!("this is no threshold of {}", metric.name());
                problems.push(Problem::new(message).at(typed.span(), "here").help(help));
            })
            .ok()
    };
    let typed = thresholds.get_ref();
    let (good, acceptable, critical) = (
        value(&typed.target),
        value(&typed.acceptable),
        value(&typed.critical),
    );
    if problems.len() > known {
        return None;
    }
    let ladder: Vec<f64> = [good, acceptable, critical].into_iter().flatten().collect();
    let in_order = ladder.windows(2).all(|pair| {
        if metric.is_better_when_higher() {
            pair[0] >= pair[1]
        } else {
            pair[0] <= pair[1]
        }
    });
    if ladder.is_empty() || !in_order {
        let (message, help) = if ladder.is_empty() {
            (
                "a target has no threshold",
                "give at least one of target, acceptable, critical",
            )
        } else {
            (
                "the thresholds are out of order",
                "each of target, acceptable, critical is worse than the one before",
            )
        };
        problems.push(
            Problem::new(message)
                .at(thresholds.span(), "here")
                .help(help),
        );
        return None;
    }
    Some(Target {
        metric,
        scope,
        target: good,
        acceptable,
        critical,
    })
}

fn metric(typed: &Spanned<String>, scope: Option<record::NameId>) -> Result<Metric, Problem> {
    let name = typed.get_ref();
    match metric_named(name) {
        Some(Metric::Cpu | Metric::Memory) if scope.is_some() => {
            Err(Problem::new(format!("`{name}` is of the whole process, not of one request"))
                .at(typed.span(), "here")
                .help("put it under [targets]"))
        }
        Some(metric) => Ok(metric),
        None => Err(Problem::new(format!("`{name}` is no metric")).at(typed.span(), "here").help(
            "there are: p50 … p99.99 (any percentile), mean, max, throughput, error_rate, cpu, memory",
        )),
    }
}

fn metric_named(name: &str) -> Option<Metric> {
    match name {
        "mean" => Some(Metric::Mean),
        "max" => Some(Metric::Max),
        "throughput" => Some(Metric::Throughput),
        "error_rate" => Some(Metric::ErrorRate),
        "cpu" => Some(Metric::Cpu),
        "memory" => Some(Metric::Memory),
        _ => {
            let percent: f64 = name.strip_prefix('p')?.parse().ok()?;
            (percent > 0.0 && percent < 100.0).then_some(Metric::Percentile(percent / 100.0))
        }
    }
}

fn hash(spec: &Spec) -> String {
    let typed = serde_json::json!(spec).to_string();
    let digest = Sha256::digest(typed);
    digest
        .iter()
        .take(8)
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
