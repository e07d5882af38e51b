//! Servers of a description, its paths and its operations.

use serde_json::Value;
use url::Url;

use crate::openapi::swagger2;
use crate::warnings::{Warnings, one_line};

/// Target of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Target {
    /// Base URL of a host other than the scenario's.
    pub(super) host: Option<String>,
    /// Path before the operation's path, if the base URL does not contain it.
    pub(super) prefix: String,
}

/// Server of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Server {
    /// Origin, and path without a slash at its end.
    Absolute(String, String),
    /// Path of a URL that is relative to the description, whose URL is unknown.
    Relative(String),
    /// URL that cannot be used.
    Unusable(String),
}

/// The servers of a description.
#[derive(Debug)]
pub(super) struct Servers {
    base: Option<Url>,
    /// Server of the complete description.
    main: Server,
    /// Whether all operations have the main server, so that the base URL contains its path.
    is_single: bool,
}

impl Servers {
    /// Reads the servers. `from` is the URL of the description, if it is known.
    pub(super) fn read(root: &Value, is_old: bool, from: Option<&str>) -> Self {
        let base = from.and_then(|from| Url::parse(from).ok());
        let main = if is_old {
            let scheme = base.as_ref().map_or("https", Url::scheme);
            server(
                &swagger2::server(root, scheme).unwrap_or_else(|| "/".to_owned()),
                base.as_ref(),
            )
        } else {
            first(root, base.as_ref()).unwrap_or_else(|| server("/", base.as_ref()))
        };
        let mut servers = Self {
            base,
            main,
            is_single: true,
        };
        let paths = root.get("paths").and_then(Value::as_object);
        let items = paths.into_iter().flat_map(|paths| paths.values());
        let all: Vec<Server> = items
            .flat_map(|item| {
                let own = item.as_object().into_iter().flat_map(|item| item.values());
                own.filter(|operation| operation.is_object())
                    .map(|operation| servers.of(item, operation))
            })
            .collect();
        let is_usable = |server: &&Server| matches!(server, Server::Absolute(..));
        if !is_usable(&&servers.main)
            && let Some(usable) = all.iter().find(is_usable)
        {
            servers.main = usable.clone();
        }
        servers.is_single = all.iter().all(|server| *server == servers.main);
        servers
    }

    /// The base URL of the scenario. If there is none, a warning names the reason and the remedy.
    pub(super) fn host(&self, warnings: &mut Warnings) -> Option<String> {
        match &self.main {
            Server::Absolute(origin, path) if self.is_single => Some(format!("{origin}{path}")),
            Server::Absolute(origin, _) => Some(origin.clone()),
            Server::Relative(path) => {
                let what = if path.is_empty() {
                    "the description names no host".to_owned()
                } else {
                    format!(
                        "the server `{path}` is relative to the URL of the description, and precedes the paths of requests"
                    )
                };
                warnings.add(one_line(&format!(
                    "{what}: import the description from its URL, or set `host`, such as \"http://localhost:8000\" (or use \
                     --host)"
                )));
                None
            }
            Server::Unusable(url) => {
                warnings.add(one_line(&format!(
                    "the description contains no usable server URL (`{url}`); set `host`, or use --host"
                )));
                None
            }
        }
    }

    /// Target of an operation.
    pub(super) fn target(
        &self,
        item: &Value,
        operation: &Value,
        warnings: &mut Warnings,
    ) -> Target {
        match (self.of(item, operation), &self.main) {
            (server, main) if server == *main && self.is_single => match server {
                Server::Relative(prefix) => Target { host: None, prefix },
                _ => Target::default(),
            },
            (Server::Absolute(origin, prefix), Server::Absolute(main, _)) if origin == *main => {
                Target { host: None, prefix }
            }
            (Server::Absolute(origin, path), _) => Target {
                host: Some(format!("{origin}{path}")),
                prefix: String::new(),
            },
            (Server::Relative(prefix), _) => Target { host: None, prefix },
            (Server::Unusable(url), _) => {
                warnings.at(
                    "a server URL cannot be used; the operation is sent to the host of the scenario",
                    format!("`{url}`"),
                );
                Target::default()
            }
        }
    }

    /// The server of an operation: its own, that of its path, or the main one.
    fn of(&self, item: &Value, operation: &Value) -> Server {
        let base = self.base.as_ref();
        first(operation, base)
            .or_else(|| first(item, base))
            .unwrap_or_else(|| self.main.clone())
    }
}

/// The first server of a list, with the default values of its variables.
fn first(described: &Value, base: Option<&Url>) -> Option<Server> {
    let first = described.pointer("/servers/0")?;
    let url = first.get("url")?.as_str()?.to_owned();
    let variables = first.get("variables").and_then(Value::as_object);
    let url = variables
        .into_iter()
        .flatten()
        .fold(url, |url, (name, variable)| {
            let text = match variable.get("default") {
                Some(Value::String(text)) => text.clone(),
                // A port is often written as a number.
                Some(Value::Number(number)) => number.to_string(),
                _ => return url,
            };
            url.replace(&format!("{{{name}}}"), &text)
        });
    Some(server(&url, base))
}

fn server(text: &str, base: Option<&Url>) -> Server {
    let unusable = || Server::Unusable(text.to_owned());
    let url = match (base, Url::parse(text)) {
        (_, Ok(url)) => url,
        (Some(base), Err(_)) => match base.join(text) {
            Ok(url) => url,
            Err(_) => return unusable(),
        },
        (None, Err(url::ParseError::RelativeUrlWithoutBase)) if !text.starts_with("//") => {
            let origin = Url::parse("http://relative.invalid/").ok();
            return match origin.and_then(|origin| origin.join(text).ok()) {
                Some(url) => Server::Relative(plain_path(&url)),
                None => unusable(),
            };
        }
        (None, Err(_)) => return unusable(),
    };
    let has_user = !url.username().is_empty() || url.password().is_some();
    // An undeclared variable.
    let has_variable = text.contains('{');
    if !matches!(url.scheme(), "http" | "https")
        || url.host_str().is_none()
        || has_user
        || has_variable
    {
        return unusable();
    }
    Server::Absolute(url.origin().ascii_serialization(), plain_path(&url))
}

fn plain_path(url: &Url) -> String {
    url.path().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn server_is_resolved_against_the_url_of_the_description() {
        let absolute = |origin: &str, path: &str| Server::Absolute(origin.into(), path.into());
        // OpenAPI 3.0.4, "Server Object", and RFC 3986, section 5.4.
        let cases = [
            (
                "/v1",
                Some("http://h:1/docs/a.yaml"),
                absolute("http://h:1", "/v1"),
            ),
            (
                "./v2/",
                Some("http://h/docs/a.yaml"),
                absolute("http://h", "/docs/v2"),
            ),
            (
                "../v3",
                Some("http://h/docs/x/a.yaml"),
                absolute("http://h", "/docs/v3"),
            ),
            (
                "//other/v",
                Some("https://h/a"),
                absolute("https://other", "/v"),
            ),
            (
                "https://x/y/",
                Some("http://h/a"),
                absolute("https://x", "/y"),
            ),
            ("HTTPS://X:443/", None, absolute("https://x", "")),
            ("/v1/", None, Server::Relative("/v1".into())),
            ("v1", None, Server::Relative("/v1".into())),
            ("/", None, Server::Relative(String::new())),
            ("//other/v", None, Server::Unusable("//other/v".into())),
            ("wss://x/", None, Server::Unusable("wss://x/".into())),
            (
                "https://u:p@x/",
                None,
                Server::Unusable("https://u:p@x/".into()),
            ),
            (
                "https://{region}.x/",
                None,
                Server::Unusable("https://{region}.x/".into()),
            ),
        ];
        for (url, from, expected) in cases {
            let from = from.and_then(|from| Url::parse(from).ok());
            assert_eq!(server(url, from.as_ref()), expected, "{url}");
        }
    }

    #[test]
    fn operation_has_the_server_of_the_operation_or_of_its_path() {
        let get = |servers: Value| json!({ "get": {}, "servers": servers });
        let url = |url: &str| json!([{ "url": url }]);
        let root = json!({
            "servers": [{ "url": "https://{name}:{port}/v1", "variables": {
                "name": { "default": "h" }, "port": { "default": 8443 },
            } }],
            "paths": { "/a": { "get": {} }, "/b": get(url("https://h:8443/v2")), "/c": get(url("https://up.test/")) },
        });
        let servers = Servers::read(&root, false, None);
        let mut warnings = Warnings::default();
        assert_eq!(servers.host(&mut warnings), Some("https://h:8443".into()));
        let mut target = |path: &str| {
            let item = &root["paths"][path];
            servers.target(item, &item["get"], &mut warnings)
        };
        let prefix = |prefix: &str| Target {
            host: None,
            prefix: prefix.into(),
        };
        assert_eq!(target("/a"), prefix("/v1"));
        assert_eq!(target("/b"), prefix("/v2"));
        assert_eq!(target("/c").host.as_deref(), Some("https://up.test"));
        assert!(warnings.into_lines().is_empty());
    }
}
