//! Sources of secrets: those that are known when the scenario is compiled, and the secret values of a user during the run.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as JsonValue;

use crate::expr::context::{RecentSecrets, VariableId};
use crate::expr::expression::Compiled;
use crate::redact::{Secrets, is_sensitive_name};
use crate::value::Value;

/// Largest number of values of a JSON variable that are examined.
const JSON_VALUES_MAX: usize = 10_000;

/// Secrets of a scenario.
#[derive(Debug, Clone, Default)]
pub struct SecretSources {
    /// Values that are known when the scenario is compiled.
    pub known: Arc<Secrets>,
    /// Variables that contain secrets.
    ids: Arc<[VariableId]>,
    /// Secret expressions that read only variables.
    members: Arc<[Compiled]>,
}

impl SecretSources {
    /// Current secrets of a user.
    pub fn of_user(&self, variables: &[Value], recent_secrets: &RecentSecrets) -> Secrets {
        let mut secrets = Secrets::over(&self.known);
        for (at, value) in variables.iter().enumerate() {
            if self.ids.iter().any(|id| id.index() == at) {
                add_all(value, &mut secrets);
            } else if let Value::Json(json) = value
                && is_small(json)
            {
                secrets.add_members(json);
            }
        }
        for member in &*self.members {
            if let Some(value) = member.of_variables(variables) {
                add_all(&value, &mut secrets);
            }
        }
        for value in recent_secrets.values() {
            add_all(value, &mut secrets);
        }
        secrets
    }

    /// Whether a variable contains secrets.
    pub fn holds(&self, id: VariableId) -> bool {
        self.ids.contains(&id)
    }
}

fn add_all(value: &Value, secrets: &mut Secrets) {
    match value {
        Value::Text(text) => secrets.add(text),
        Value::Json(json) if is_small(json) => {
            secrets.add(&json.to_string());
            secrets.add_all_of(json);
        }
        Value::Undefined | Value::None | Value::Bool(_) | Value::Json(_) => {}
        Value::Integer(_) | Value::Float(_) | Value::Number(_) => secrets.add(&value.in_text()),
    }
}

fn is_small(json: &JsonValue) -> bool {
    let mut left = JSON_VALUES_MAX;
    is_bounded(json, &mut left)
}

/// Whether a JSON value has no more values than the remaining number.
fn is_bounded(json: &JsonValue, left: &mut usize) -> bool {
    if *left == 0 {
        return false;
    }
    *left -= 1;
    match json {
        JsonValue::Array(items) => items.iter().all(|item| is_bounded(item, left)),
        JsonValue::Object(entries) => entries.values().all(|value| is_bounded(value, left)),
        _ => true,
    }
}

/// Place in a request where a value is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// A place for values that are not secret.
    #[default]
    Elsewhere,
    /// A secret header field, which requests keep when they are redirected to their own origin.
    Field,
    /// A parameter or a member with a secret name.
    Parameter,
}

impl Place {
    /// Place of the value of a parameter or a member.
    pub(crate) fn of_member(self, name: &str) -> Self {
        if is_sensitive_name(name) {
            Self::Parameter
        } else {
            self
        }
    }

    /// Place of the value of a header field.
    pub(crate) fn of_field(name: &str) -> Self {
        if is_sensitive_name(name) {
            Self::Field
        } else {
            Self::Elsewhere
        }
    }
}

/// Secrets that are found while a scenario is compiled.
#[derive(Debug, Default)]
pub(crate) struct SecretNames {
    /// Secret values found so far.
    pub(crate) values: Secrets,
    /// Variables that contain a secret: they are used where a secret belongs, or their value derives from one.
    variables: BTreeSet<String>,
    /// Members of variables that are used where a secret belongs, as written.
    members: Vec<(String, Compiled)>,
    /// Place of the current value.
    place: Place,
    /// Whether a compiled expression uses a secret.
    is_mentioned: bool,
}

impl SecretNames {
    /// Starts with known values.
    pub(crate) fn with(values: Secrets) -> Self {
        Self {
            values,
            ..Self::default()
        }
    }

    /// Number of secret variables found so far. Later expressions may show that a variable of an earlier one is secret.
    pub(crate) fn count(&self) -> usize {
        self.variables.len()
    }

    /// Enters another place and returns the previous one.
    pub(crate) fn enter(&mut self, place: Place) -> Place {
        std::mem::replace(&mut self.place, place)
    }

    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Whether an expression compiled since the last call uses a secret.
    pub(crate) fn take_mentioned(&mut self) -> bool {
        std::mem::take(&mut self.is_mentioned)
    }

    pub(crate) fn is_mentioned(&self) -> bool {
        self.is_mentioned
    }

    pub(crate) fn mention(&mut self) {
        self.is_mentioned = true;
    }

    /// Notes the name of a variable, a list or a column in an expression.
    pub(crate) fn name(&mut self, name: &str) {
        if is_sensitive_name(name) || self.variables.contains(name) {
            self.is_mentioned = true;
        }
    }

    /// Marks a variable as secret.
    pub(crate) fn add_variable(&mut self, name: &str) {
        if !self.variables.contains(name) {
            self.variables.insert(name.to_owned());
        }
    }

    /// Marks an expression that uses a secret or is used where one belongs. Results that the user's variables do not
    /// contain are noted when it is evaluated.
    pub(crate) fn secret(&mut self, expression: Compiled) -> Compiled {
        match &expression {
            Compiled::Constant(value) => add_all(value, &mut self.values),
            Compiled::Variable(_, name) if self.place != Place::Elsewhere => {
                self.add_variable(name);
            }
            Compiled::Variable(..) => {}
            steady if steady.is_steady() => {
                // Only this column of the row is secret.
                let written = format!("{steady:?}");
                if !self.members.iter().any(|(known, _)| *known == written) {
                    self.members.push((written, expression.clone()));
                }
            }
            // The request itself contains it.
            _ if self.place == Place::Field => {}
            _ => return Compiled::Secret(Box::new(expression)),
        }
        expression
    }

    /// Secret variables, by their indexes.
    pub(crate) fn into_sources<'a>(
        self,
        variables: impl Iterator<Item = &'a String>,
    ) -> SecretSources {
        let places = (0u32..).map(VariableId).zip(variables);
        let is_secret = |name: &String| is_sensitive_name(name) || self.variables.contains(name);
        let ids = places.filter(|(_, name)| is_secret(name)).map(|(id, _)| id);
        SecretSources {
            ids: ids.collect(),
            known: Arc::new(self.values),
            members: self.members.into_iter().map(|(_, member)| member).collect(),
        }
    }
}
