//! Reads a scenario and reports all its errors at once.

use std::path::Path;
use std::sync::Arc;

use brunt_record::limits::NAMES_MAX;
use sha2::{Digest, Sha256};

use crate::compile::compiler::Compiler;
use crate::compile::names::{Names, When};
use crate::compile::steps::compile_steps;
use crate::compile::{class, data, network, profile, targets};
use crate::data::Data;
use crate::expr::parser::Resolver;
use crate::expr::secrets::SecretNames;
use crate::expr::variables::Variables;
use crate::model::host::Host;
use crate::model::scenario::Scenario;
use crate::source::diagnostic::{Diagnostic, ScenarioError};
use crate::source::environment::{Environment, NoEnvironment};
use crate::source::layers::{self, Layers};
use crate::source::reader;
use crate::source::redacted::MergedLayers;
use crate::spec::Spec;

impl Scenario {
    /// Reads a scenario without opening the files that it names. `file` is its name in messages.
    pub fn read(file: &str, text: &str) -> Result<Self, ScenarioError> {
        Self::read_in(file, text, &NoEnvironment)
    }

    /// Reads a scenario without layers, in an environment. `file` is its name in messages.
    pub fn read_in(
        file: &str,
        text: &str,
        environment: &dyn Environment,
    ) -> Result<Self, ScenarioError> {
        let unread = |_: &Path| Err(std::io::ErrorKind::Unsupported.into());
        let layers = Layers {
            assignments: &[],
            file: &unread,
        };
        Self::read_layered(file, text, layers, environment)
    }

    /// Reads a scenario with its layers: the files that it includes, and assignments.
    pub fn read_layered(
        file: &str,
        text: &str,
        layers: Layers,
        environment: &dyn Environment,
    ) -> Result<Self, ScenarioError> {
        let collected = layers::collect(file, text, layers);
        let mut diagnostics = collected.diagnostics.clone();
        let table = collected.table(layers, &mut diagnostics);
        let mut resolved = MergedLayers::new(table.clone());
        let written = resolved
            .as_mut()
            .map(MergedLayers::secrets)
            .unwrap_or_default();
        let reading = reader::read(table, diagnostics);
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        let mut found = Vec::new();
        let spec = reading.spec.as_ref();
        let scenario = spec.map(|spec| {
            let secrets = SecretNames::with(written.clone());
            resolve_all(spec, folder, environment, secrets, &mut found)
        });
        found.retain(|diagnostic| reading.is_of_the_file(diagnostic));
        let mut diagnostics = reading.diagnostics;
        diagnostics.append(&mut found);
        // Errors without a location come first.
        diagnostics.sort_by_key(|diagnostic| diagnostic.span().map(|span| span.start));
        match scenario {
            Some(scenario) if diagnostics.is_empty() => {
                let text = |resolved: MergedLayers| resolved.text(&scenario.secrets.known);
                let resolved = resolved.map(text).unwrap_or_default();
                Ok(Self {
                    resolved,
                    ..scenario
                })
            }
            scenario => {
                let known = scenario.map(|scenario| scenario.secrets.known.clone());
                let secrets = known.unwrap_or_else(|| written.into());
                Err(ScenarioError::new(
                    &collected.sources,
                    diagnostics,
                    &secrets,
                ))
            }
        }
    }
}

/// Further rounds find no more secret variables.
const ROUNDS_MAX: usize = 8;

/// Compiles a scenario until all of its secret variables are known: a later use of a variable may show that it is
/// secret.
fn resolve_all(
    spec: &Spec,
    folder: &Path,
    environment: &dyn Environment,
    mut secrets: SecretNames,
    diagnostics: &mut Vec<Diagnostic>,
) -> Scenario {
    let data = data::resolve(spec, folder, environment, diagnostics);
    let mut rounds = 0;
    loop {
        let known = secrets.count();
        let mut found = Vec::new();
        let around = (folder, environment);
        let mut scenario = resolve(spec, &data, around, &mut secrets, &mut found);
        rounds += 1;
        if secrets.count() == known || rounds == ROUNDS_MAX {
            diagnostics.append(&mut found);
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
    (folder, environment): (&Path, &dyn Environment),
    secrets: &mut SecretNames,
    diagnostics: &mut Vec<Diagnostic>,
) -> Scenario {
    let host = spec
        .host
        .as_ref()
        .and_then(|host| match Host::parse(host.get_ref()) {
            Ok(host) => Some(host),
            Err(message) => {
                diagnostics.push(Diagnostic::new(message).at(host.span(), "here"));
                None
            }
        });
    let mut network = network::resolve(spec, folder, diagnostics);
    let (mut names, mut variables) = (Names::default(), Variables::default());
    let mut compiler = Compiler {
        folder,
        resolver: Resolver {
            data,
            variables: &mut variables,
            environment,
            secrets: &mut *secrets,
        },
        headers: &spec.headers,
        names: &mut names,
        diagnostics,
        host: 0,
    };
    network::key_password(&mut compiler, &spec.tls, &mut network.tls);
    // Common headers may use variables that the setup or a class sets later.
    let setup = compile_steps(&mut compiler, &spec.setup, When::SetUp).steps;
    let shares_values = compiler.resolver.variables.share();
    compiler.end_class();
    let classes = class::resolve(&spec.users, &mut network.hosts, &mut compiler);
    let teardown = compile_steps(&mut compiler, &spec.teardown, When::SetUp).steps;
    compiler.end_class();
    let profiles = profile::resolve_all(spec, diagnostics);
    let targets = targets::targets(spec, &names, &secrets.values, diagnostics);
    let min_duration = targets::min_duration(spec, diagnostics);
    let names = names.into_table();
    if names.len() > NAMES_MAX {
        diagnostics.push(
            Diagnostic::new(format!(
                "the scenario has {} names of requests; the limit is {NAMES_MAX}",
                names.len()
            ))
            .help("give similar requests the same `name`"),
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

fn hash(spec: &Spec) -> String {
    let typed = serde_json::json!(spec).to_string();
    let digest = Sha256::digest(typed);
    digest
        .iter()
        .take(8)
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
