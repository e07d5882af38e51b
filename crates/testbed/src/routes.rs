//! Routes: the response to each request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Request, Response};

/// Responses by path. Other paths get a response by these rules, in this order:
/// - a request with the header `X-Status: <code>`, 200 to 599, gets that status;
/// - `/status/<code>`, 200 to 599: that status, without `Location`;
/// - `/redirect/<n>`: 302 to `/redirect/<n-1>`, and 200 for `/redirect/0`;
/// - `/health`: 307 to `/health/`, which is 200;
/// - everything else: the default response, 404 unless another one is set.
#[derive(Default)]
pub struct Routes {
    by_path: BTreeMap<String, Route>,
    default: Option<Route>,
}

enum Route {
    /// Responses in order; the last one is repeated.
    Script {
        responses: Vec<Response>,
        next: AtomicUsize,
    },
    Rule(Box<Rule>),
}

type Rule = dyn Fn(&Request) -> Response + Send + Sync;

impl Routes {
    /// No routes except the rules above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the response to a path, with any query.
    #[must_use]
    pub fn at(self, path: &str, response: Response) -> Self {
        self.sequence(path, vec![response])
    }

    /// Sets a sequence of responses to a path, counted over all connections. The last one is
    /// repeated.
    ///
    /// # Panics
    /// If there is no response.
    #[must_use]
    pub fn sequence(self, path: &str, responses: Vec<Response>) -> Self {
        assert!(!responses.is_empty(), "{path} needs at least one response");
        let next = AtomicUsize::new(0);
        self.route(path, Route::Script { responses, next })
    }

    /// Sets a function that responds to a path.
    #[must_use]
    pub fn rule(
        self,
        path: &str,
        rule: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.route(path, Route::Rule(Box::new(rule)))
    }

    /// Sets the default response.
    #[must_use]
    pub fn otherwise(mut self, response: Response) -> Self {
        self.default = Some(Route::Script {
            responses: vec![response],
            next: AtomicUsize::new(0),
        });
        self
    }

    /// Sets a function as the default response.
    #[must_use]
    pub fn otherwise_rule(
        mut self,
        rule: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.default = Some(Route::Rule(Box::new(rule)));
        self
    }

    fn route(mut self, path: &str, route: Route) -> Self {
        self.by_path.insert(path.to_owned(), route);
        self
    }

    pub(crate) fn respond(&self, request: &Request) -> Response {
        if let Some(route) = self.by_path.get(request.path()) {
            return route.respond(request);
        }
        built_in(request).unwrap_or_else(|| match &self.default {
            Some(route) => route.respond(request),
            None => Response::new(404).body("not found\n"),
        })
    }
}

impl Route {
    fn respond(&self, request: &Request) -> Response {
        match self {
            Self::Script { responses, next } => {
                let at = next.fetch_add(1, Ordering::Relaxed);
                responses[at.min(responses.len() - 1)].clone()
            }
            Self::Rule(rule) => rule(request),
        }
    }
}

fn built_in(request: &Request) -> Option<Response> {
    if let Some(code) = request.header("x-status") {
        return status(code);
    }
    let path = request.path();
    if let Some(code) = path.strip_prefix("/status/") {
        return status(code);
    }
    if let Some(left) = path.strip_prefix("/redirect/") {
        return Some(match left.parse::<u32>().ok()?.checked_sub(1) {
            Some(left) => Response::redirect(302, &format!("/redirect/{left}")),
            None => Response::ok("arrived\n"),
        });
    }
    match path {
        "/health" => Some(Response::redirect(307, "/health/")),
        "/health/" => Some(Response::ok("healthy\n")),
        _ => None,
    }
}

fn status(code: &str) -> Option<Response> {
    let status = code.parse().ok().filter(|code| (200..600).contains(code))?;
    Some(Response::new(status).body(format!("status {status}\n")))
}
