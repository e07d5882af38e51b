//! Security schemes of a description. Each requires a secret, which the scenario reads from the environment.

use serde_json::Value;

use crate::data::Data;
use crate::draft::is_token;
use crate::openapi::parameters::pair;
use crate::openapi::style::component;
use crate::secrets;
use crate::warnings::Warnings;

/// Secrets that an operation sends, as texts of the scenario file.
#[derive(Debug, Default)]
pub(super) struct Security {
    pub(super) headers: Vec<(String, String)>,
    /// Pairs of the query.
    pub(super) query: Vec<String>,
    /// Pairs of the `Cookie` header.
    pub(super) cookies: Vec<String>,
}

impl Security {
    /// The secrets of the first security requirement of an operation; none if one of its requirements is empty.
    pub(super) fn of(
        operation: &Value,
        root: &Value,
        data: &mut Data,
        warnings: &mut Warnings,
    ) -> Self {
        let mut security = Self::default();
        for (key, scheme) in schemes(operation, root) {
            let name = text(scheme, "name");
            let mut secret = |of: &str, hint: &str| {
                let variable = data.secret(of, None).variable;
                warnings.at(
                    secrets::warning(&variable),
                    format!("security scheme `{key}`{hint}"),
                );
                format!("{{{{ env.{variable} }}}}")
            };
            let authorization = match (text(scheme, "type"), text(scheme, "in")) {
                ("apiKey", "header") if is_token(name) => {
                    let value = secret(name, "");
                    security.headers.push((name.to_owned(), value));
                    continue;
                }
                ("apiKey", "cookie") if is_token(name) => {
                    let value = secret(name, "");
                    security
                        .cookies
                        .push(format!("{}={value}", component(name)));
                    continue;
                }
                ("apiKey", "query") if !name.is_empty() => {
                    let value = secret(name, "");
                    security.query.push(pair(name, &value));
                    continue;
                }
                ("http", _) if text(scheme, "scheme").eq_ignore_ascii_case("basic") => "Basic ",
                ("basic", _) => "Basic ",
                ("http", _) if text(scheme, "scheme").eq_ignore_ascii_case("digest") => {
                    warnings.at("digest authentication is not supported, left out", key);
                    continue;
                }
                ("http" | "oauth2" | "openIdConnect", _) => "Bearer ",
                ("mutualTLS", _) => {
                    let what =
                        "a client certificate is required: set `certificate` and `key` under [tls]";
                    warnings.at(what, key);
                    continue;
                }
                _ => continue,
            };
            let hint = match authorization {
                "Basic " => " (user:password in Base64)",
                _ => "",
            };
            let value = format!("{authorization}{}", secret("Authorization", hint));
            security.headers.push(("Authorization".to_owned(), value));
        }
        security
    }
}

/// The schemes of the first security requirement of an operation with their keys.
fn schemes<'a>(operation: &'a Value, root: &'a Value) -> Vec<(&'a str, &'a Value)> {
    let requirements = operation.get("security").or_else(|| root.get("security"));
    let requirements = requirements
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let is_empty = |value: &Value| value.as_object().is_none_or(serde_json::Map::is_empty);
    if requirements.iter().any(is_empty) {
        return Vec::new();
    }
    let described = root
        .pointer("/components/securitySchemes")
        .or_else(|| root.get("securityDefinitions"));
    let names = requirements
        .first()
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|requirement| requirement.keys());
    names
        .filter_map(|name| Some((name.as_str(), described?.get(name)?)))
        .collect()
}

fn text<'a>(scheme: &'a Value, key: &str) -> &'a str {
    scheme.get(key).and_then(Value::as_str).unwrap_or_default()
}
