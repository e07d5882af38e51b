//! The scenario: what a scenario file means. It cannot be wrong: what is wrong is said when it is
//! read, all at once.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use brunt_record::limits::NAMES_MAX;
use brunt_record::{Metric, NameKind, NameSet, RequestName, Target, ThresholdKind};
use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use toml::Spanned;
use url::Url;

use crate::builder::Builder;
use crate::class::{self, Class};
use crate::data::{Data, Source};
use crate::layers::{self, Layers};
use crate::names::{Names, NotFound, When};
use crate::network::{self, Network};
use crate::problem::{Problem, ScenarioError, near, suggestion};
use crate::profile::{self, Profile};
use crate::quantity;
use crate::reader;
use crate::resolved::Resolved;
use crate::secrets::{SecretNames, SecretSources, Secrets};
use crate::spec::{Json, Spec, TargetSpec};
use crate::step::{Step, names_of};
use crate::surroundings::{Surroundings, Unseen};
use crate::variables::Variables;
use crate::{datasets, notation::Naming, search};

/// The checked content of a scenario file.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The service under test; `None` where the file leaves it to the command line.
    pub host: Option<Host>,
    /// How the service is reached.
    pub network: Network,
    /// The names of requests, groups and metrics, those of the set-up among them.
    pub names: Vec<RequestName>,
    /// What is done once, before the load.
    pub setup: Vec<Step>,
    /// What is done once, after the load.
    pub teardown: Vec<Step>,
    /// What rows are drawn from.
    pub sources: Arc<[Source]>,
    /// The variables of a user, by their slots; names with a blank are hidden.
    pub variables: Arc<[String]>,
    /// Whether the set-up sets variables for all users.
    pub shares_values: bool,
    /// What is secret: no report, screen or file may show it.
    pub secrets: Arc<SecretSources>,
    /// User classes, in the order of the file.
    pub classes: Vec<Class>,
    /// Profiles by name, in the order of the file.
    pub profiles: IndexMap<String, Profile>,
    /// Targets, in the order of the file.
    pub targets: Vec<Target>,
    /// The shortest run that may pass; `None`: the default of the verdict.
    pub min_duration: Option<Duration>,
    /// A hash of what was typed, comments and layout left out, in hexadecimal.
    pub hash: String,
    /// All layers in one text of TOML, without secrets.
    pub resolved: String,
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
        // Credentials may stand in what is no URL, too.
        let shown = Secrets::default().mask(text);
        let url = Url::parse(text).map_err(|_| {
            format!("`{shown}` is no host; write \"embedded\" or a URL like http://localhost:8000")
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
                "`{shown}` is no HTTP URL; write one like http://localhost:8000"
            )),
        }
    }
}

impl Scenario {
    /// Reads a scenario without looking around it: no file that it names is opened. `file` is its name for
    /// messages.
    pub fn read(file: &str, text: &str) -> Result<Self, ScenarioError> {
        Self::read_in(file, text, &Unseen)
    }

    /// Reads a scenario that stands alone, in its surroundings. `file` is its name for messages.
    pub fn read_in(
        file: &str,
        text: &str,
        surroundings: &dyn Surroundings,
    ) -> Result<Self, ScenarioError> {
        let unread = |_: &Path| Err(std::io::ErrorKind::Unsupported.into());
        let layers = Layers {
            assignments: &[],
            file: &unread,
        };
        Self::read_layered(file, text, layers, surroundings)
    }

    /// Reads a scenario with the files that it includes, and with what was said beside it.
    pub fn read_layered(
        file: &str,
        text: &str,
        layers: Layers,
        surroundings: &dyn Surroundings,
    ) -> Result<Self, ScenarioError> {
        let collected = layers::collect(file, text, layers);
        let mut problems = collected.problems.clone();
        let table = collected.table(layers, &mut problems);
        let mut resolved = Resolved::new(table.clone());
        let written = resolved.as_mut().map(Resolved::secrets).unwrap_or_default();
        let reading = reader::read(table, problems);
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        let mut found = Vec::new();
        let spec = reading.spec.as_ref();
        let scenario = spec.map(|spec| {
            let secrets = SecretNames::with(written.clone());
            resolve_all(spec, folder, surroundings, secrets, &mut found)
        });
        found.retain(|problem| reading.is_of_the_file(problem));
        let mut problems = reading.problems;
        problems.append(&mut found);
        // Those without a place come first.
        problems.sort_by_key(|problem| problem.span().map(|span| span.start));
        match scenario {
            Some(scenario) if problems.is_empty() => {
                let text = |resolved: Resolved| resolved.text(&scenario.secrets.known);
                let resolved = resolved.map(text).unwrap_or_default();
                Ok(Self {
                    resolved,
                    ..scenario
                })
            }
            scenario => {
                let known = scenario.map(|scenario| scenario.secrets.known.clone());
                let secrets = known.unwrap_or_else(|| written.into());
                Err(ScenarioError::new(&collected.sources, problems, &secrets))
            }
        }
    }
}

/// More names than this from one scenario are worth a warning: reports have a row for each.
const NAMES_MANY: usize = 200;

impl Scenario {
    /// What is not wrong, and yet not as it should be.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.names.len() > NAMES_MANY {
            warnings.push(format!(
                "the scenario has {} names of requests, and reports a row for each; give requests that are alike \
                 one `name`",
                self.names.len()
            ));
        }
        for class in &self.classes {
            for task in class.never_chosen() {
                let first = names_of(task.steps()).first().copied();
                let first = first.map(|name| self.names[name.index()].title());
                warnings.push(format!(
                    "a task of `{}`{} has weight 0, and is never played",
                    class.name,
                    first.map_or_else(String::new, |first| format!(", {first},"))
                ));
            }
        }
        warnings
    }
}

/// More rounds find no more variables that are secret.
const ROUNDS_MAX: usize = 8;

/// Resolves a scenario until it is known which of its variables are secret: what is read later may tell that of one that
/// was mentioned before.
fn resolve_all(
    spec: &Spec,
    folder: &Path,
    surroundings: &dyn Surroundings,
    mut secrets: SecretNames,
    problems: &mut Vec<Problem>,
) -> Scenario {
    let data = datasets::resolve(spec, folder, surroundings, problems);
    let mut rounds = 0;
    loop {
        let known = secrets.count();
        let mut found = Vec::new();
        let around = (folder, surroundings);
        let mut scenario = resolve(spec, &data, around, &mut secrets, &mut found);
        rounds += 1;
        if secrets.count() == known || rounds == ROUNDS_MAX {
            problems.append(&mut found);
            let sources = secrets.into_sources(scenario.variables.iter());
            scenario.secrets = Arc::new(sources);
            scenario.sources = data.into_sources();
            return scenario;
        }
    }
}

fn resolve(
    spec: &Spec,
    data: &Data,
    (folder, surroundings): (&Path, &dyn Surroundings),
    secrets: &mut SecretNames,
    problems: &mut Vec<Problem>,
) -> Scenario {
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
    let mut network = network::resolve(spec, folder, problems);
    let (mut names, mut variables) = (Names::default(), Variables::default());
    let mut builder = Builder {
        folder,
        naming: Naming {
            data,
            variables: &mut variables,
            surroundings,
            secrets: &mut *secrets,
        },
        headers: &spec.headers,
        names: &mut names,
        problems,
        host: 0,
    };
    // Common headers may use what the set-up sets later, or a class.
    let setup = builder.program(&spec.setup, When::SetUp).steps;
    let shares_values = builder.naming.variables.share();
    builder.end_class();
    let classes = class::resolve(&spec.users, &mut network.hosts, &mut builder);
    let teardown = builder.program(&spec.teardown, When::SetUp).steps;
    builder.end_class();
    let profiles = profiles(spec, problems);
    let targets = targets(spec, &names, &secrets.values, problems);
    let min_duration = min_duration(spec, problems);
    let names = names.into_table();
    if names.len() > NAMES_MAX {
        problems.push(
            Problem::new(format!(
                "the scenario has {} names of requests, where {NAMES_MAX} is the most",
                names.len()
            ))
            .help("give requests that are alike one `name`"),
        );
    }
    Scenario {
        host,
        network,
        names,
        setup,
        teardown,
        classes,
        profiles,
        targets,
        min_duration,
        sources: Arc::default(),
        variables: variables.names().cloned().collect(),
        shares_values,
        secrets: Arc::default(),
        hash: hash(spec),
        resolved: String::new(),
    }
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
        let concurrent = typed.get_ref().concurrent.iter().flatten();
        let of_concurrent = concurrent.flat_map(|one| one.get_ref().users_of.iter().flatten());
        for class in typed
            .get_ref()
            .users_of
            .iter()
            .flatten()
            .chain(of_concurrent)
        {
            if !known(class.get_ref()) {
                let names = spec.users.keys().map(|name| name.get_ref().as_str());
                problems.push(
                    Problem::new(format!("no user class is named `{}`", class.get_ref()))
                        .at(class.span(), "here")
                        .help(suggestion(class.get_ref(), names)),
                );
            }
        }
        for metric in typed.get_ref().targets.iter().flatten() {
            let has = |name: &str| name == metric.get_ref().as_str();
            let all = [
                &spec.request_targets,
                &spec.group_targets,
                &spec.metric_targets,
            ];
            let named = all.into_iter().flat_map(|named| named.values().flatten());
            let mut known = spec
                .targets
                .iter()
                .chain(named)
                .map(|(name, _)| name.get_ref().as_str());
            if !known.any(has) {
                problems.push(
                    Problem::new(format!("there is no target of `{}`", metric.get_ref()))
                        .at(metric.span(), "here")
                        .help(suggestion(
                            metric.get_ref(),
                            spec.targets.keys().map(|name| name.get_ref().as_str()),
                        )),
                );
            }
        }
        if let Some(profile) = profile::resolve(typed, problems) {
            profiles.insert(name.get_ref().clone(), profile);
        }
    }
    profiles
}

/// The spread between seconds takes two of them.
const MIN_DURATION_LEAST: Duration = Duration::from_secs(2);

fn min_duration(spec: &Spec, problems: &mut Vec<Problem>) -> Option<Duration> {
    let typed = spec.verdict.min_duration.as_ref()?;
    let read = quantity::duration(typed.get_ref()).and_then(|duration| {
        if duration >= MIN_DURATION_LEAST {
            Ok(duration)
        } else {
            Err(format!(
                "invalid min_duration `{}`: must be 2s or more, since the spread between seconds takes two of them",
                typed.get_ref()
            ))
        }
    });
    read.map_err(|message| {
        let help = "write it like \"5s\"; the default is 20s";
        problems.push(Problem::new(message).at(typed.span(), "here").help(help));
    })
    .ok()
}

fn targets(
    spec: &Spec,
    names: &Names,
    secrets: &Secrets,
    problems: &mut Vec<Problem>,
) -> Vec<Target> {
    let mut targets = Vec::new();
    for (metric, thresholds) in &spec.targets {
        targets.extend(target(metric, thresholds, None, problems));
    }
    let kinds = [
        (NameKind::Request, "request", &spec.request_targets),
        (NameKind::Group, "group", &spec.group_targets),
        (NameKind::Metric, "metric", &spec.metric_targets),
    ];
    for (kind, word, typed) in kinds {
        for (name, rows) in typed {
            let scope = match names.find(kind, &secrets.mask(name.get_ref())) {
                Ok(scope) => scope,
                Err(reason) => {
                    problems.push(not_found(&reason, name, (kind, word), names));
                    continue;
                }
            };
            for (metric, thresholds) in rows {
                let scope = Some((scope.clone(), kind));
                targets.extend(target(metric, thresholds, scope, problems));
            }
        }
    }
    targets
}

/// That a target is of nothing, or of it is not clear what.
fn not_found(
    reason: &NotFound,
    name: &Spanned<String>,
    (kind, word): (NameKind, &str),
    names: &Names,
) -> Problem {
    let wanted = name.get_ref();
    let (message, help) = match reason {
        NotFound::Unknown => {
            let (known, with_method) = names.targetable(kind);
            let all = known.iter().copied().chain(with_method.iter().map(String::as_str));
            let help = match near(wanted, all) {
                Some(candidate) => format!("did you mean `{candidate}`?"),
                None => suggestion(wanted, known),
            };
            (format!("no {word} is named `{wanted}`"), help)
        }
        NotFound::OfSetup => (
            format!("`{wanted}` belongs to the set-up"),
            "requests of setup, teardown, on_start and on_stop are shown and have no targets; name one of a task".into(),
        ),
        NotFound::Ambiguous(candidates) => (
            format!("`{wanted}` is ambiguous: {} requests have this name", candidates.len()),
            format!(
                "write the one that is meant: `{}`; or `* {wanted}` to judge all of them together",
                candidates.join("`, `")
            ),
        ),
    };
    Problem::new(message).at(name.span(), "here").help(help)
}

fn target(
    name: &Spanned<String>,
    thresholds: &Spanned<TargetSpec>,
    scope: Option<(NameSet, NameKind)>,
    problems: &mut Vec<Problem>,
) -> Option<Target> {
    let kind = scope.as_ref().map(|(_, kind)| *kind);
    let metric = metric(name, kind)
        .map_err(|problem| problems.push(problem))
        .ok()?;
    let known = problems.len();
    let mut value = |typed: &Option<Spanned<Json>>| {
        let typed = typed.as_ref()?;
        let read = match kind {
            Some(NameKind::Metric) => quantity::plain_threshold(metric, typed.get_ref()),
            _ => quantity::threshold(metric, typed.get_ref()),
        };
        read.map_err(|help| {
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
    let mut target = Target {
        metric,
        scope: scope.map(|(name, _)| name),
        target: good,
        acceptable,
        critical,
        stop_at: None,
    };
    if let Some(typed) = &typed.stop_at {
        target.stop_at = stop_at(typed, &target, problems);
    }
    Some(target)
}

/// The threshold at which a target stops the run: one that it has.
fn stop_at(
    typed: &Spanned<String>,
    target: &Target,
    problems: &mut Vec<Problem>,
) -> Option<ThresholdKind> {
    let limit = search::limit_named(typed, problems)?;
    if target.threshold(limit).is_none() {
        let has = ThresholdKind::ALL
            .into_iter()
            .filter(|limit| target.threshold(*limit).is_some());
        let has = has.map(|limit| format!("\"{}\"", limit.name()));
        problems.push(
            Problem::new(format!("the target has no threshold `{}`", limit.name()))
                .at(typed.span(), "here")
                .help(format!(
                    "set it, or write {}",
                    has.collect::<Vec<_>>().join(" or ")
                )),
        );
        return None;
    }
    Some(limit)
}

fn metric(typed: &Spanned<String>, kind: Option<NameKind>) -> Result<Metric, Problem> {
    let name = typed.get_ref();
    match metric_named(name) {
        Some(Metric::Cpu | Metric::Memory) if kind.is_some() => {
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
