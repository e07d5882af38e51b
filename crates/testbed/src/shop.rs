//! A small shop, as a stateful service for scenarios. It identifies visitors by cookies and tokens,
//! and rejects invalid requests as a real one would.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::{Request, Response, Routes};

/// Number of items that `/items` lists, ten per page.
const ITEMS: usize = 35;
const ITEMS_A_PAGE: usize = 10;

/// The shop, and the counts of its visitors' actions.
#[derive(Clone, Default)]
pub struct Shop {
    state: Arc<Mutex<ShopState>>,
}

/// The handler of a path.
type Rule = fn(&Shop, &Request) -> Response;

#[derive(Default)]
struct ShopState {
    logins: BTreeMap<String, u64>,
    logouts: u64,
    /// Products by session.
    baskets: BTreeMap<String, Vec<String>>,
    orders: u64,
    uploads: Vec<(String, usize)>,
}

impl Shop {
    /// A shop without visitors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Its routes:
    ///
    /// - `POST /login` with JSON (`user`, `password`, which is the user's name backwards): a token; `GET /me`
    ///   with it as a bearer; `POST /logout`;
    /// - `GET /private` with the basic credentials of a user;
    /// - `GET /shop`: a page that sets the cookie `sid` and holds a form with a `csrf` token; `POST
    ///   /shop/basket` (`product`, `csrf`) redirects to `GET /shop/basket`; `POST /shop/orders` (`csrf`)
    ///   takes the basket's content;
    /// - `GET /items?page=1`: 35 items, ten per page, with the number of the `next` page or null;
    /// - `POST /upload`: a multipart body; responds with the sizes of its parts.
    pub fn routes(&self) -> Routes {
        let rule = |routes: Routes, path: &str, rule: Rule| {
            let shop = self.clone();
            routes.rule(path, move |request| rule(&shop, request))
        };
        let all: [(&str, Rule); 9] = [
            ("/login", Self::login),
            ("/logout", Self::logout),
            ("/me", Self::me),
            ("/private", Self::private),
            ("/shop", Self::page),
            ("/shop/basket", Self::basket),
            ("/shop/orders", Self::order),
            ("/items", Self::items),
            ("/upload", Self::upload),
        ];
        all.into_iter()
            .fold(Routes::new(), |routes, (path, response)| {
                rule(routes, path, response)
            })
    }

    /// Number of logins by user.
    pub fn logins(&self) -> BTreeMap<String, u64> {
        self.state().logins.clone()
    }

    /// Number of logouts.
    pub fn logouts(&self) -> u64 {
        self.state().logouts
    }

    /// Number of orders.
    pub fn orders(&self) -> u64 {
        self.state().orders
    }

    /// Number of sessions.
    pub fn sessions(&self) -> usize {
        self.state().baskets.len()
    }

    /// Uploaded files, with their sizes.
    pub fn uploads(&self) -> Vec<(String, usize)> {
        self.state().uploads.clone()
    }

    fn state(&self) -> MutexGuard<'_, ShopState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn login(&self, request: &Request) -> Response {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let (Some(user), Some(password)) = (body["user"].as_str(), body["password"].as_str())
        else {
            return json_response(400, &json!({"error": "user and password are needed"}));
        };
        if !is_password(user, password) {
            return json_response(401, &json!({"error": "wrong password"}));
        }
        *self.state().logins.entry(user.to_owned()).or_default() += 1;
        json_response(
            200,
            &json!({"access_token": format!("token-{user}"), "expires_in": 3600}),
        )
    }

    fn logout(&self, request: &Request) -> Response {
        if user_of(request).is_none() {
            return json_response(401, &json!({"error": "not logged in"}));
        }
        self.state().logouts += 1;
        Response::new(204)
    }

    fn me(&self, request: &Request) -> Response {
        match user_of(request) {
            Some(user) if self.state().logins.contains_key(&user) => {
                json_response(200, &json!({"user": user, "roles": ["buyer", "reader"]}))
            }
            _ => json_response(401, &json!({"error": "not logged in"})),
        }
    }

    #[expect(clippy::unused_self, reason = "the signature of a handler")]
    fn private(&self, request: &Request) -> Response {
        let credentials = request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Basic "));
        // The credentials of ann:nna and bob:bob.
        match credentials {
            Some("YW5uOm5uYQ==" | "Ym9iOmJvYg==") => json_response(200, &json!({"private": true})),
            _ => json_response(401, &json!({"error": "not logged in"})),
        }
    }

    fn page(&self, request: &Request) -> Response {
        let known = cookie(request, "sid");
        let sid = known.clone().unwrap_or_else(|| {
            let mut state = self.state();
            let sid = format!("s{}", state.baskets.len() + 1);
            state.baskets.insert(sid.clone(), Vec::new());
            sid
        });
        let page = format!(
            "<html><form action=\"/shop/basket\" method=\"post\">\n\
             <input type=\"hidden\" name=\"csrf\" value=\"{}\">\n</form></html>",
            csrf_of(&sid)
        );
        let page = Response::ok(page).header("Content-Type", "text/html");
        match known {
            Some(_) => page,
            None => page.header("Set-Cookie", &format!("sid={sid}; Path=/shop; HttpOnly")),
        }
    }

    fn basket(&self, request: &Request) -> Response {
        let Some(sid) = cookie(request, "sid") else {
            return json_response(403, &json!({"error": "no session"}));
        };
        let mut state = self.state();
        let Some(basket) = state.baskets.get_mut(&sid) else {
            return json_response(403, &json!({"error": "an unknown session"}));
        };
        if request.method != "POST" {
            return json_response(200, &json!({"products": basket, "count": basket.len()}));
        }
        let form = form(&request.body);
        if form.get("csrf") != Some(&csrf_of(&sid)) {
            return json_response(403, &json!({"error": "wrong csrf token"}));
        }
        let Some(product) = form.get("product") else {
            return json_response(400, &json!({"error": "no product"}));
        };
        basket.push(product.clone());
        Response::redirect(303, "/shop/basket")
    }

    fn order(&self, request: &Request) -> Response {
        let sid = cookie(request, "sid").unwrap_or_default();
        let mut state = self.state();
        let form = form(&request.body);
        if form.get("csrf") != Some(&csrf_of(&sid)) {
            return json_response(403, &json!({"error": "wrong csrf token"}));
        }
        let count = match state.baskets.get_mut(&sid) {
            Some(basket) if !basket.is_empty() => std::mem::take(basket).len(),
            _ => return json_response(409, &json!({"error": "an empty basket"})),
        };
        state.orders += 1;
        let number = state.orders;
        json_response(
            201,
            &json!({"order": number, "count": count, "total": 9.5 * count as f64}),
        )
    }

    #[expect(clippy::unused_self, reason = "the signature of a handler")]
    fn items(&self, request: &Request) -> Response {
        let query = request
            .target
            .split_once('?')
            .map_or("", |(_, query)| query);
        let page = form(query.as_bytes())
            .get("page")
            .and_then(|page| page.parse().ok());
        let page: usize = page.unwrap_or(1).max(1);
        let first = (page - 1) * ITEMS_A_PAGE;
        let items = (first..ITEMS.min(first + ITEMS_A_PAGE))
            .map(|number| json!({"id": number, "name": format!("item {number}"), "price": 1.5}));
        let items: Vec<Value> = items.collect();
        let next = (first + ITEMS_A_PAGE < ITEMS).then_some(page + 1);
        json_response(200, &json!({"items": items, "next": next, "total": ITEMS}))
    }

    fn upload(&self, request: &Request) -> Response {
        let content_type = request.header("content-type").unwrap_or_default();
        let Some((_, boundary)) = content_type.split_once("multipart/form-data; boundary=") else {
            return json_response(415, &json!({"error": "no multipart body"}));
        };
        let Some(parts) = parts(&request.body, boundary) else {
            return json_response(400, &json!({"error": "a broken multipart body"}));
        };
        let mut fields = serde_json::Map::new();
        for (head, content) in parts {
            let name = quoted(&head, "name").unwrap_or_default();
            match quoted(&head, "filename") {
                Some(file) => {
                    fields.insert(name, json!({"file": file, "bytes": content.len()}));
                    self.state().uploads.push((file, content.len()));
                }
                None => {
                    fields.insert(name, String::from_utf8_lossy(content).into());
                }
            }
        }
        json_response(201, &Value::Object(fields))
    }
}

fn json_response(status: u16, body: &Value) -> Response {
    Response::new(status)
        .body(body.to_string())
        .header("Content-Type", "application/json")
}

fn is_password(user: &str, password: &str) -> bool {
    !user.is_empty() && user.chars().rev().eq(password.chars())
}

/// The user of a bearer token.
fn user_of(request: &Request) -> Option<String> {
    let token = request
        .header("authorization")?
        .strip_prefix("Bearer token-")?;
    Some(token.to_owned())
}

fn cookie(request: &Request, wanted: &str) -> Option<String> {
    let pairs = request.header("cookie")?.split(';');
    let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value.to_owned())
}

fn csrf_of(sid: &str) -> String {
    format!("csrf+{sid}/=")
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (percent_decoded(name), percent_decoded(value)))
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let (bytes, mut decoded, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let digits = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The parts of a multipart body, each with its headers; `None` if it is invalid.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<(String, &'a [u8])>> {
    let open = format!("--{boundary}\r\n");
    let between = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(open.as_bytes())?;
    let mut parts = Vec::new();
    loop {
        let end = find(rest, between.as_bytes())?;
        let part = &rest[..end];
        let head = find(part, b"\r\n\r\n")?;
        parts.push((
            String::from_utf8_lossy(&part[..head]).into_owned(),
            &part[head + 4..],
        ));
        rest = &rest[end + between.len()..];
        if rest == b"--\r\n" {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len())
        .position(|window| window == wanted)
}

/// The value of `NAME="…"` in part headers.
fn quoted(head: &str, name: &str) -> Option<String> {
    let begin = head.find(&format!(" {name}=\""))? + name.len() + 3;
    let end = head[begin..].find('"')? + begin;
    Some(head[begin..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipart_body_is_split_into_its_parts() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x\r\n\
                     Content-Disposition: form-data; name=\"f\"; filename=\"g\"\r\n\r\n\r\n--x--\r\n";
        let parts = parts(body, "x").expect("a valid body");
        let found: Vec<_> = parts
            .iter()
            .map(|(head, content)| {
                (
                    quoted(head, "name"),
                    quoted(head, "filename"),
                    content.len(),
                )
            })
            .collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(found, [(text("a"), None, 1), (text("f"), text("g"), 0)]);
        assert_eq!(super::parts(&body[..body.len() - 4], "x"), None);
    }

    #[test]
    fn form_is_decoded() {
        let form = form(b"a=b+c&d=%C3%A9%26&e=%");
        assert_eq!(form["a"], "b c");
        assert_eq!(form["d"], "é&");
        assert_eq!(form["e"], "%");
    }
}
