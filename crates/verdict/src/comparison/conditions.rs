//! Conditions of runs, and which runs can be compared. A difference that changes the load or the machine prevents a
//! comparison, a difference that may affect the measurements weakens it, and others are only named.

use brunt_record::{Header, Load, Machine};
use serde::{Deserialize, Serialize};

use crate::number;

/// The relative difference of memory from which machines differ.
const MEMORY: f64 = 0.1;
/// The relative difference below which durations are equal.
const LENGTH: f64 = 0.02;

/// The conditions of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// Hash of the resolved scenario, in hexadecimal.
    pub scenario_hash: String,
    /// The profile's name.
    pub profile: String,
    /// The base URL of the service, without credentials.
    pub host: String,
    /// Whether the service was the Application Agent that ships with brunt.
    pub embedded: bool,
    /// User classes with their proportion of the users (0 to 1).
    pub classes: Vec<(String, f64)>,
    /// The planned load.
    pub load: Load,
    /// The machine of the generator.
    pub machine: Machine,
    /// The version of brunt.
    pub brunt_version: String,
}

/// The effect of a difference on a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compatibility {
    /// It is not made, unless the user allows it.
    Incompatible,
    /// Its result may be due to the difference.
    Degraded,
    /// No effect.
    Ignorable,
}

impl Compatibility {
    /// Name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Incompatible => "incompatible",
            Self::Degraded => "degraded",
            Self::Ignorable => "ignorable",
        }
    }
}

/// A difference between the conditions of a baseline and those of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionDifference {
    /// The condition.
    pub condition: &'static str,
    /// Its value in the baseline.
    pub baseline: String,
    /// Its value in the run.
    pub run: String,
    /// The effect of the difference.
    pub compatibility: Compatibility,
}

impl ConditionDifference {
    /// In words: `profile: load in the baseline, spike in the run`.
    pub fn in_words(&self) -> String {
        self.between("baseline", "run")
    }

    /// The same with other words for both sides.
    pub(crate) fn between(&self, one: &str, other: &str) -> String {
        let Self {
            condition: what,
            baseline,
            run,
            ..
        } = self;
        format!("{what}: {baseline} in the {one}, {run} in the {other}")
    }
}

/// The differences that prevent a comparison.
pub fn incompatible(differences: &[ConditionDifference]) -> Vec<&ConditionDifference> {
    let all = differences.iter();
    all.filter(|difference| difference.compatibility == Compatibility::Incompatible)
        .collect()
}

impl Conditions {
    /// Reads the conditions of a run.
    pub fn of(header: &Header) -> Self {
        Self {
            scenario_hash: header.scenario_hash.clone(),
            profile: header.profile.clone(),
            host: header.host.clone(),
            embedded: header.embedded,
            classes: header.classes.clone(),
            load: header.load.clone(),
            machine: header.machine.clone(),
            brunt_version: header.brunt_version.clone(),
        }
    }

    /// Differences of a run's conditions from these, the most severe first.
    pub fn differences(&self, run: &Self) -> Vec<ConditionDifference> {
        let mut found = Vec::new();
        let mut add = |what, baseline: String, run: String, weight| {
            if baseline != run {
                found.push(ConditionDifference {
                    condition: what,
                    baseline,
                    run,
                    compatibility: weight,
                });
            }
        };
        let text = |text: &str| format!("`{text}`");
        let (one, other) = (text(&self.profile), text(&run.profile));
        add("profile", one, other, Compatibility::Incompatible);
        let (one, other) = (text(&self.scenario_hash), text(&run.scenario_hash));
        add("scenario hash", one, other, Compatibility::Incompatible);
        let (one, other) = (classes(&self.classes), classes(&run.classes));
        add("user classes", one, other, Compatibility::Incompatible);
        let (one, other) = (levels(&self.load), levels(&run.load));
        add("load", one, other, Compatibility::Incompatible);
        self.of_machine(&run.machine, &mut add);
        let (one, other) = (self.load.duration_s(), run.load.duration_s());
        if differs(one, other, LENGTH) {
            let words = [one, other].map(number::seconds);
            let [one, other] = words;
            add("length", one, other, Compatibility::Degraded);
        }
        let whose = |embedded: bool| if embedded { "embedded" } else { "another" };
        let (one, other) = (whose(self.embedded), whose(run.embedded));
        add("agent", one.into(), other.into(), Compatibility::Degraded);
        let (one, other) = (text(&self.brunt_version), text(&run.brunt_version));
        add("brunt", one, other, Compatibility::Degraded);
        // The embedded agent uses any free port.
        if !(self.embedded && run.embedded) {
            add(
                "host",
                self.host.clone(),
                run.host.clone(),
                Compatibility::Ignorable,
            );
        }
        found.sort_by_key(|difference| difference.compatibility as u8);
        found
    }

    fn of_machine(
        &self,
        run: &Machine,
        add: &mut impl FnMut(&'static str, String, String, Compatibility),
    ) {
        let own = &self.machine;
        // An unknown machine may be the same one.
        let weight = |known: bool| {
            if known {
                Compatibility::Incompatible
            } else {
                Compatibility::Degraded
            }
        };
        let models = [&own.cpu_model, &run.cpu_model];
        let known = weight(models.iter().all(|model| model.is_some()));
        let [one, other] = models.map(|model| or_unknown(model.clone()));
        add("processor", one, other, known);
        let cores = [own.cores, run.cores];
        let known = weight(cores.iter().all(Option::is_some));
        let [one, other] = cores.map(|cores| or_unknown(cores.map(|cores| cores.to_string())));
        add("cores", one, other, known);
        let memory = [own.memory_bytes, run.memory_bytes];
        let is_another = match memory {
            [Some(one), Some(other)] => differs(one as f64, other as f64, MEMORY),
            [one, other] => one != other,
        };
        if is_another {
            let words = |bytes: u64| format!("{} GB", number::measured(bytes as f64 / 1e9));
            let [one, other] = memory.map(|bytes| or_unknown(bytes.map(words)));
            add("memory", one, other, Compatibility::Degraded);
        }
        let [one, other] = [&own.system, &run.system].map(|system| or_unknown(system.clone()));
        add("system", one, other, Compatibility::Degraded);
    }
}

fn or_unknown(text: Option<String>) -> String {
    text.unwrap_or_else(|| "unknown".into())
}

fn differs(one: f64, other: f64, share: f64) -> bool {
    (one - other).abs() > share * one.max(other)
}

fn classes(classes: &[(String, f64)]) -> String {
    let words = classes
        .iter()
        .map(|(name, share)| format!("{name} {:.0} %", share * 100.0));
    words.collect::<Vec<_>>().join(", ")
}

/// The levels in order, regardless of their durations.
fn levels(load: &Load) -> String {
    load.parts()
        .map(levels_alone)
        .collect::<Vec<_>>()
        .join(" with ")
}

fn levels_alone(load: &Load) -> String {
    let stages = load.stages.iter().map(|stage| {
        let [from, to] = [stage.from, stage.to].map(number::measured);
        if from == to {
            to
        } else {
            format!("{from} to {to}")
        }
    });
    let levels = stages.collect::<Vec<_>>().join(", ");
    match &load.open {
        None => format!("{levels} users"),
        Some(open) => format!("{levels} tasks/s by {} users", open.users),
    }
}

#[cfg(test)]
mod tests {
    use brunt_record::LoadStage;

    use super::*;

    fn conditions() -> Conditions {
        let stage = |seconds, from, to| LoadStage { seconds, from, to };
        Conditions {
            scenario_hash: "0123".into(),
            profile: "load".into(),
            host: "http://127.0.0.1:1/".into(),
            embedded: false,
            classes: vec![("visitor".into(), 1.0)],
            load: Load {
                stages: vec![stage(5.0, 0.0, 10.0), stage(295.0, 10.0, 10.0)],
                ..Load::default()
            },
            machine: Machine {
                cpu_model: Some("a".into()),
                cores: Some(2),
                memory_bytes: Some(8_000_000_000),
                system: Some("Linux 6.18".into()),
            },
            brunt_version: "0.1.0".into(),
        }
    }

    fn found(change: impl Fn(&mut Conditions)) -> Option<(&'static str, Compatibility)> {
        let mut run = conditions();
        change(&mut run);
        let found = conditions().differences(&run);
        assert!(found.len() <= 1, "{found:?}");
        found.first().map(|it| (it.condition, it.compatibility))
    }

    #[test]
    fn difference_has_its_name_and_effect() {
        type Case = (fn(&mut Conditions), Option<(&'static str, Compatibility)>);
        let cases: [Case; 15] = [
            (|_| {}, None),
            (
                |run| run.profile = "spike".into(),
                Some(("profile", Compatibility::Incompatible)),
            ),
            (
                |run| run.scenario_hash = "4567".into(),
                Some(("scenario hash", Compatibility::Incompatible)),
            ),
            (
                |run| run.classes[0].1 = 0.5,
                Some(("user classes", Compatibility::Incompatible)),
            ),
            (
                |run| run.load.stages[1].to = 20.0,
                Some(("load", Compatibility::Incompatible)),
            ),
            (
                |run| run.load.stages[1].seconds = 100.0,
                Some(("length", Compatibility::Degraded)),
            ),
            (|run| run.load.stages[1].seconds = 296.0, None),
            (
                |run| run.machine.cpu_model = Some("b".into()),
                Some(("processor", Compatibility::Incompatible)),
            ),
            (
                |run| run.machine.cpu_model = None,
                Some(("processor", Compatibility::Degraded)),
            ),
            (
                |run| run.machine.cores = Some(4),
                Some(("cores", Compatibility::Incompatible)),
            ),
            (
                |run| run.machine.memory_bytes = Some(4_000_000_000),
                Some(("memory", Compatibility::Degraded)),
            ),
            (|run| run.machine.memory_bytes = Some(7_900_000_000), None),
            (
                |run| run.machine.system = Some("Linux 6.19".into()),
                Some(("system", Compatibility::Degraded)),
            ),
            (
                |run| run.brunt_version = "0.2.0".into(),
                Some(("brunt", Compatibility::Degraded)),
            ),
            (
                |run| run.host = "http://127.0.0.1:2/".into(),
                Some(("host", Compatibility::Ignorable)),
            ),
        ];
        for (change, expected) in cases {
            assert_eq!(found(change), expected);
        }
    }

    #[test]
    fn most_severe_difference_comes_first() {
        let mut run = conditions();
        run.host = "http://127.0.0.1:2/".into();
        run.load.stages[1].seconds = 55.0;
        run.profile = "spike".into();
        let found = conditions().differences(&run);
        let words: Vec<String> = found.iter().map(ConditionDifference::in_words).collect();
        assert_eq!(
            words,
            [
                "profile: `load` in the baseline, `spike` in the run",
                "length: 300 s in the baseline, 60 s in the run",
                "host: http://127.0.0.1:1/ in the baseline, http://127.0.0.1:2/ in the run",
            ]
        );
        assert_eq!(incompatible(&found).len(), 1);
    }
}
