//! Chains of a recording: values that a response gives and later requests send become variables.

use std::collections::HashMap;

use brunt_scenario::is_sensitive_name;

use crate::data::{Data, identifier};
use crate::draft::{Body, Extract};
use crate::har::exchange::Exchange;
use crate::har::fields::{self, Place, SentValue};
use crate::har::sources::{self, GivenValue};
use crate::secrets::looks_secret;

/// Shortest value that is a token by its form alone.
const TOKEN_CHARACTERS_MIN: usize = 12;
/// Largest number of places that are kept for a value.
const PLACES_MAX: usize = 4;

/// Values that a task gives to later ones.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) extracts: Vec<Extract>,
    /// Comments: the variable, and the requests that send it.
    pub(super) notes: Vec<String>,
}

/// A value that a response gave before a request sent it.
struct Candidate {
    /// Index of the exchange.
    at: usize,
    given: GivenValue,
    variable: Option<usize>,
}

/// A variable with the requests that send it.
struct Variable {
    name: String,
    at: usize,
    extract: Extract,
    users: Vec<String>,
}

/// Finds the chains of a recording.
#[derive(Default)]
struct Finder {
    candidates: HashMap<String, Vec<Candidate>>,
    /// Values that a request sent before any response gave them, with their places.
    typed: HashMap<String, Vec<String>>,
    variables: Vec<Variable>,
}

/// Replaces the values that earlier responses gave by marks of variables. Returns what each exchange gives.
pub(super) fn link(exchanges: &mut [Exchange], data: &mut Data) -> Vec<Given> {
    let mut finder = Finder::default();
    let mut contents: Vec<Option<String>> = Vec::new();
    for (at, exchange) in exchanges.iter_mut().enumerate() {
        let place = exchange.request.place();
        let request = &mut exchange.request;
        fields::visit(request, &mut |sent| {
            let found = finder
                .known(sent, &place, data)
                .or_else(|| finder.in_texts(sent, &contents, &place, data));
            if found.is_none() {
                finder.type_in(sent);
            }
            found
        });
        if let Some(Body::Bytes(bytes)) = &mut request.body
            && let Ok(text) = std::str::from_utf8(bytes)
            && let Some(text) = finder.in_body(text, &place, data)
        {
            *bytes = text.into_bytes();
        }
        // The response of a server error is not expected again.
        if exchange.request.status.is_none_or(|status| status < 500) {
            for given in sources::values(exchange) {
                finder.add(at, given);
            }
        }
        contents.push(exchange.response.content.clone());
    }
    finder.into_given(exchanges.len())
}

impl Finder {
    /// The mark of a value that a response gave.
    fn known(&mut self, sent: SentValue, place: &str, data: &mut Data) -> Option<String> {
        let candidates = self
            .candidates
            .get_mut(sent.value)
            .filter(|_| !sent.value.is_empty())?;
        let candidate = candidates
            .iter_mut()
            .find(|candidate| fits(&candidate.given, sent))?;
        let number = if let Some(number) = candidate.variable {
            number
        } else {
            let name = data.reserve(&name_of(&candidate.given));
            self.variables.push(Variable {
                extract: Extract {
                    variable: name.clone(),
                    source: candidate.given.source.clone(),
                },
                name,
                at: candidate.at,
                users: Vec::new(),
            });
            let number = self.variables.len() - 1;
            candidate.variable = Some(number);
            number
        };
        let variable = &mut self.variables[number];
        if !variable.users.iter().any(|user| user == place) {
            variable.users.push(place.to_owned());
        }
        let name = &variable.name;
        let expression = match candidate.given.part {
            Some(part) => part.replace("{}", name),
            None => match (sent.is_string, candidate.given.is_number) {
                // An expression keeps the type of its value.
                (Some(true), true) => format!("{name} ~ ''"),
                (Some(false), false) => format!("{name} | int"),
                _ => name.clone(),
            },
        };
        Some(data.mark(&expression))
    }

    /// The mark of a token in the text of an earlier response, such as a script of a page.
    fn in_texts(
        &mut self,
        sent: SentValue,
        contents: &[Option<String>],
        place: &str,
        data: &mut Data,
    ) -> Option<String> {
        let named = match sent.place {
            Place::Field(name) | Place::Header(name) => name,
            Place::Segment(_) => return None,
        };
        if !is_token(sent.value) || self.typed.contains_key(sent.value) {
            return None;
        }
        let found = contents
            .iter()
            .enumerate()
            .find_map(|(at, content)| Some((at, sources::in_text(content.as_ref()?, sent.value)?)));
        let (at, source) = found?;
        let given = GivenValue {
            name: named.to_owned(),
            nouns: Vec::new(),
            value: sent.value.to_owned(),
            is_number: false,
            source,
            part: None,
        };
        self.add(at, given);
        self.known(sent, place, data)
    }

    /// A body of another type, with marks for the tokens in it.
    fn in_body(&mut self, body: &str, place: &str, data: &mut Data) -> Option<String> {
        let tokens: Vec<String> = self
            .candidates
            .keys()
            .filter(|value| is_token(value) && body.contains(value.as_str()))
            .cloned()
            .collect();
        let mut replaced = body.to_owned();
        for token in &tokens {
            let sent = SentValue {
                place: Place::Field(""),
                value: token,
                is_string: None,
            };
            if let Some(mark) = self.known(sent, place, data) {
                replaced = replaced.replace(token.as_str(), &mark);
            }
        }
        (replaced != body).then_some(replaced)
    }

    /// Remembers a value that no response gave.
    fn type_in(&mut self, sent: SentValue) {
        if sent.value.is_empty() {
            return;
        }
        let places = self.typed.entry(sent.value.to_owned()).or_default();
        if places.len() < PLACES_MAX {
            places.push(place_name(sent.place));
        }
    }

    /// Adds a value of a response, unless a request sent it before.
    fn add(&mut self, at: usize, given: GivenValue) {
        if let Some(places) = self.typed.get(&given.value) {
            let is_typed = is_token(&given.value)
                || places.iter().any(|place| is_name_of(&given, place))
                || is_sensitive_name(&given.name);
            if is_typed {
                return;
            }
        }
        let candidates = self.candidates.entry(given.value.clone()).or_default();
        // The first response that gives a value is the earliest at which it can be extracted.
        let is_known = candidates
            .iter()
            .any(|known| known.given.name == given.name && known.given.nouns == given.nouns);
        if candidates.len() < PLACES_MAX && !is_known {
            candidates.push(Candidate {
                at,
                given,
                variable: None,
            });
        }
    }

    fn into_given(self, exchanges: usize) -> Vec<Given> {
        const USERS_SHOWN_MAX: usize = 3;
        let mut all: Vec<Given> = (0..exchanges).map(|_| Given::default()).collect();
        for variable in self.variables {
            let given = &mut all[variable.at];
            let shown = variable.users[..variable.users.len().min(USERS_SHOWN_MAX)].join(", ");
            let more = match variable.users.len().saturating_sub(USERS_SHOWN_MAX) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            given.notes.push(format!(
                "{}: found in this response, sent later by {shown}{more}",
                variable.name
            ));
            given.extracts.push(variable.extract);
        }
        all
    }
}

/// Whether a value of a response is the one that a request sends, and not an equal one by chance.
fn fits(given: &GivenValue, sent: SentValue) -> bool {
    if is_token(&given.value) {
        return true;
    }
    match sent.place {
        Place::Segment(noun) => {
            let has_digit = given.value.bytes().any(|byte| byte.is_ascii_digit());
            let is_long = has_digit && given.value.len() >= 5;
            is_id(&given.name) && (is_long || is_name_of(given, noun))
                || !noun.is_empty() && plain(&given.name) == plain(noun)
        }
        Place::Field(name) => {
            let is_identifying = is_id(&given.name) || is_sensitive_name(&given.name);
            is_identifying && is_name_of(given, name) || are_secrets(given, name)
        }
        Place::Header(name) => {
            let is_match = given.name.eq_ignore_ascii_case("etag")
                && ["if-match", "if-unmodified-since"]
                    .iter()
                    .any(|known| name.eq_ignore_ascii_case(known));
            is_match || are_secrets(given, name)
        }
    }
}

/// Whether a value and the field or header that it is sent in are secrets by their names.
fn are_secrets(given: &GivenValue, name: &str) -> bool {
    is_sensitive_name(&given.name) && is_sensitive_name(name) && given.value.len() >= 4
}

/// Whether the name of a field or a noun of a path names a value of a response: `id` of an order is named `id`, `order`,
/// `order_id` and `orderId`.
fn is_name_of(given: &GivenValue, name: &str) -> bool {
    let (own, name) = (plain(&given.name), plain(name));
    if own == name && !own.is_empty() {
        return true;
    }
    let generic = GENERIC_IDS.iter().find(|generic| own == **generic);
    match generic {
        Some(generic) => given.nouns.iter().any(|noun| {
            let noun = plain(noun);
            !noun.is_empty() && (name == noun || name == format!("{noun}{generic}"))
        }),
        // `order_id` names the segment after `orders`.
        None => {
            GENERIC_IDS
                .iter()
                .any(|generic| own == format!("{name}{generic}"))
                && !name.is_empty()
        }
    }
}

const GENERIC_IDS: [&str; 8] = ["id", "uuid", "guid", "key", "code", "slug", "number", "ref"];

/// Whether a field contains an ID, by its name.
fn is_id(name: &str) -> bool {
    let name = plain(name);
    GENERIC_IDS.iter().any(|generic| name.ends_with(generic))
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn place_name(place: Place) -> String {
    match place {
        Place::Segment(name) | Place::Field(name) | Place::Header(name) => name.to_owned(),
    }
}

/// Whether a value is a token or an ID by its form: long, without spaces, and with digits among its letters.
fn is_token(value: &str) -> bool {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_graphic());
    let has = |accepts: fn(&u8) -> bool| value.bytes().any(|byte| accepts(&byte));
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    let is_address = value.contains("://") || value.contains('/') || value.contains('@');
    let is_date = value.len() >= 10
        && value.as_bytes()[..4].iter().all(u8::is_ascii_digit)
        && value.as_bytes()[4] == b'-'
        && value.as_bytes()[7] == b'-';
    is_plain
        && value.len() >= TOKEN_CHARACTERS_MIN
        && (is_mixed && !is_address && !is_date || looks_secret(value))
}

/// Name of the variable for a value.
fn name_of(given: &GivenValue) -> String {
    let generic = GENERIC_IDS.contains(&plain(&given.name).as_str());
    let noun = given.nouns.last().filter(|_| generic);
    let name = if given.part.is_some() {
        "location"
    } else {
        &given.name
    };
    identifier(&match noun {
        Some(noun) => format!("{noun}_{name}"),
        None => name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(name: &str, noun: &str, value: &str) -> GivenValue {
        GivenValue {
            name: name.to_owned(),
            nouns: vec![noun.to_owned()],
            value: value.to_owned(),
            is_number: true,
            source: json!("$"),
            part: None,
        }
    }

    #[test]
    fn value_fits_where_its_name_says_so() {
        let cases = [
            (given("id", "order", "7"), Place::Segment("order"), true),
            (given("id", "order", "7"), Place::Segment("user"), false),
            (given("id", "order", "70001"), Place::Segment("cart"), true),
            (
                given("order_id", "checkout", "7"),
                Place::Segment("order"),
                true,
            ),
            (given("count", "order", "7"), Place::Segment("order"), false),
            (given("id", "product", "7"), Place::Field("product"), true),
            (given("id", "product", "7"), Place::Field("productId"), true),
            (given("id", "product", "7"), Place::Field("id"), true),
            (given("id", "product", "7"), Place::Field("count"), false),
            (given("id", "order", "7"), Place::Field("user_id"), false),
            (given("page", "order", "7"), Place::Field("page"), false),
            (
                given("access_token", "login", "abcd"),
                Place::Header("Authorization"),
                true,
            ),
            (
                given("token", "login", "abc"),
                Place::Header("X-Token"),
                false,
            ),
            (
                given("x", "y", "5f2b1c9d-0000-4000-8000-1a2b3c4d5e6f"),
                Place::Header("X-A"),
                true,
            ),
            (
                given("x", "y", "2026-01-31T10:00:00Z"),
                Place::Field("from"),
                false,
            ),
            (given("x", "y", "https://h/a1"), Place::Field("url"), false),
        ];
        for (given, place, expected) in cases {
            let value = given.value.clone();
            let sent = SentValue {
                place,
                value: &value,
                is_string: None,
            };
            assert_eq!(fits(&given, sent), expected, "{given:?} {place:?}");
        }
    }
}
