//! Examples of failures: what one of them looked like, without secrets. They are rare: one a second for each name and kind
//! of failure.

use brunt_scenario::{Request, Secrets, Seen};

use crate::client::context::Core;
use crate::client::session::Belongings;
use crate::net::error::Fault;

/// Bytes of a response's content that an example shows.
const EXCERPT_BYTES: usize = 200;

/// Secrets are masked in so much of it before it is cut.
const MASKED_BYTES: usize = 1_024;

/// What a response had that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) status: u16,
    /// Its header fields that were kept, each a line.
    pub(crate) fields: Vec<u8>,
    /// The beginning of its content, longer than what is shown: a secret is found before it is cut.
    pub(crate) content: Vec<u8>,
}

/// What is secret for a user at the moment: what the scenario tells, what the user's variables and cookies are.
pub(crate) fn secrets_of(core: &Core, belongings: &Belongings) -> Secrets {
    let life = &belongings.life;
    let mut secrets = core.plan.secrets.of_user(&life.variables, &life.noted);
    if let Some(jar) = &life.jar {
        jar.values().for_each(|value| secrets.add(value));
    }
    secrets
}

/// What is secret of an exchange as well: what the request held as it was sent last, and what the response set.
pub(crate) fn secrets_of_exchange(
    core: &Core,
    belongings: &Belongings,
    (request, bytes): (&Request, &[u8]),
    evidence: Option<&Evidence>,
) -> Secrets {
    let mut secrets = secrets_of(core, belongings);
    secrets.add_message(bytes);
    if let Some(evidence) = evidence {
        let Evidence {
            status,
            fields,
            content,
        } = evidence;
        secrets.add_fields(&String::from_utf8_lossy(fields));
        secrets.add_body(content);
        let seen = Seen::new(*status, fields, content, 0);
        let extracts = request.extracts.iter();
        for extract in extracts.filter(|extract| core.plan.secrets.holds(extract.slot)) {
            for value in extract.found_values(&seen) {
                secrets.add(&value.in_text());
            }
        }
    }
    secrets
}

/// A failure with the line of its request, without secrets.
pub(crate) fn of(fault: &Fault, request: &[u8], secrets: &Secrets) -> String {
    let line = request
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let line = secrets.mask(line.trim_end_matches(" HTTP/1.1"));
    format!("{line}: {}", text_of(fault, secrets))
}

/// What failed, with the beginning of what came instead, without secrets.
pub(crate) fn text_of(fault: &Fault, secrets: &Secrets) -> String {
    let text = secrets.mask_cut(&fault.text);
    let content = fault.evidence.as_ref().map(|evidence| &evidence.content);
    let content = content.map_or(&[][..], Vec::as_slice);
    let content = String::from_utf8_lossy(&content[..content.len().min(MASKED_BYTES)]);
    if content.trim().is_empty() {
        return text;
    }
    let content = secrets.mask_cut(content.trim());
    let end = content.floor_char_boundary(EXCERPT_BYTES);
    format!("{text}: {}", content[..end].trim_end())
}
