//! Replaces the secrets of a recorded request by environment variables. Those of its headers are replaced when the headers
//! are selected.

use std::borrow::Cow;

use brunt_scenario::is_sensitive_name;
use url::form_urlencoded;

use crate::data::{Data, encoded_mark};
use crate::draft::{Body, PartContent};
use crate::json_bodies;
use crate::recorded_request::RecordedRequest;
use crate::secrets::{self, looks_secret};
use crate::warnings::Warnings;

/// Replaces the secrets in the credentials, the query and the body.
pub(crate) fn replace(request: &mut RecordedRequest, data: &mut Data, warnings: &mut Warnings) {
    let place = request.place();
    let mut replacement = Replacement {
        place: &place,
        data,
        warnings,
    };
    if let Some(auth) = &mut request.auth {
        // Some services take a key as the user, without a password.
        let is_key =
            auth.password.is_empty() && (auth.user.len() >= 16 || looks_secret(&auth.user));
        let (name, secret) = if is_key {
            ("auth_user", &mut auth.user)
        } else {
            ("password", &mut auth.password)
        };
        replacement.replace_value(name, secret, None);
    }
    let target = request.target();
    if let Some((path, query)) = target.split_once('?')
        && let Some(query) = replacement.replaced_pairs(query)
    {
        request.raw_target = Some(format!("{path}?{query}"));
    }
    let is_form = request.is_form();
    request.body = request
        .body
        .take()
        .map(|body| replacement.body(body, is_form));
}

struct Replacement<'a> {
    place: &'a str,
    data: &'a mut Data,
    warnings: &'a mut Warnings,
}

impl Replacement<'_> {
    /// Replaces a value by the mark of a variable. `decoded` is what the variable has to contain, if not the value.
    fn replace_value(&mut self, name: &str, value: &mut String, decoded: Option<&str>) {
        if value.is_empty() || self.data.has_variable(value) {
            return;
        }
        let known = self.data.secret(name, Some(decoded.unwrap_or(value)));
        let warning = secrets::warning(&known.variable);
        self.warnings
            .at(warning, format!("`{name}` of {}", self.place));
        *value = known.mark;
    }

    fn replace_if_secret(&mut self, name: &str, value: &mut String) {
        if is_sensitive_name(name) || looks_secret(value) {
            self.replace_value(name, value, None);
        }
    }

    /// Replaces secrets in pairs of a query or a form and keeps everything else as it is, since servers differ in the
    /// encodings that they accept. `None`: there are no secrets.
    fn replaced_pairs(&mut self, pairs: &str) -> Option<String> {
        let mut found = false;
        let pairs: Vec<Cow<str>> = pairs
            .split('&')
            .map(|pair| {
                let Some((name, value)) = pair.split_once('=') else {
                    return pair.into();
                };
                let (plain_name, plain) = (decoded(name), decoded(value));
                if !is_sensitive_name(&plain_name) && !looks_secret(&plain) {
                    return pair.into();
                }
                let mut replaced = value.to_owned();
                self.replace_value(&plain_name, &mut replaced, Some(&plain));
                found |= replaced != value;
                if replaced != value {
                    replaced = encoded_mark(&replaced);
                }
                format!("{name}={replaced}").into()
            })
            .collect();
        found.then(|| pairs.join("&"))
    }

    fn body(&mut self, body: Body, is_form: bool) -> Body {
        match body {
            Body::Json(value) => {
                match json_bodies::writable(&value, self.place, self.data, self.warnings) {
                    Some(value) => Body::Json(value),
                    None => Body::Bytes(value.to_string().into_bytes()),
                }
            }
            Body::Form(mut fields) => {
                for (name, value) in &mut fields {
                    self.replace_if_secret(name, value);
                }
                Body::Form(fields)
            }
            Body::Multipart(mut parts) => {
                for part in &mut parts {
                    if let PartContent::Text(value) = &mut part.content {
                        self.replace_if_secret(&part.name, value);
                    }
                }
                Body::Multipart(parts)
            }
            Body::Bytes(bytes) if is_form => match std::str::from_utf8(&bytes) {
                Ok(pairs) => match self.replaced_pairs(pairs) {
                    Some(pairs) => Body::Bytes(pairs.into_bytes()),
                    None => Body::Bytes(bytes),
                },
                Err(_) => Body::Bytes(bytes),
            },
            Body::Text(pairs) if is_form => {
                Body::Text(self.replaced_pairs(&pairs).unwrap_or(pairs))
            }
            other => other,
        }
    }
}

/// A name or a value without its encoding.
fn decoded(text: &str) -> String {
    let pair = format!("={text}");
    let mut pairs = form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn secrets_of_a_query_are_replaced_and_the_rest_keeps_its_encoding() {
        let url = Url::parse("http://h/a?b=%20+&access_token=t%2B1%3D&c&token=").unwrap();
        let mut request = RecordedRequest::new("GET", url);
        let (mut data, mut warnings) = Default::default();
        replace(&mut request, &mut data, &mut warnings);
        assert_eq!(
            data.literal_path(&request.target()),
            "/a?b=%20+&access_token={{ env.ACCESS_TOKEN }}&c&token="
        );
        // The variable contains the value without its encoding.
        assert_eq!(
            data.secret("access_token", Some("t+1=")).variable,
            "ACCESS_TOKEN"
        );
        assert_eq!(warnings.into_lines().len(), 1);
    }

    #[test]
    fn key_without_a_password_is_the_secret_of_credentials() {
        let replaced = |user: &str, password: &str| {
            let mut request = RecordedRequest::new("GET", Url::parse("http://h/").unwrap());
            request.auth = Some(crate::draft::Credentials {
                user: user.to_owned(),
                password: password.to_owned(),
            });
            let mut data = Data::default();
            replace(&mut request, &mut data, &mut Warnings::default());
            let auth = request.auth.unwrap();
            (data.literal(&auth.user), data.literal(&auth.password))
        };
        let pair = |user: &str, password: &str| (user.to_owned(), password.to_owned());
        assert_eq!(replaced("ann", "x"), pair("ann", "{{ env.PASSWORD }}"));
        assert_eq!(replaced("ann", ""), pair("ann", ""));
        assert_eq!(
            replaced("key_0123456789abcdef", ""),
            pair("{{ env.AUTH_USER }}", "")
        );
    }
}
