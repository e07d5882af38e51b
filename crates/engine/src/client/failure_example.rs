//! Examples of failures, with secrets masked. At most one per second is kept for each name and kind of failure.

use brunt_scenario::{Plan, RenderedRequest, Request, ResponseView, Secrets};

use super::session::UserSession;
use crate::net::error::{RejectedResponse, RequestError};

/// Number of bytes of a response body in an example.
const EXCERPT_BYTES: usize = 200;

/// Number of bytes of the body in which secrets are masked before it is cut.
const MASKED_BYTES: usize = 1_024;

/// The current secrets of a user: those of the scenario, and those in the user's variables and cookies.
pub(crate) fn secrets_of(plan: &Plan, session: &UserSession) -> Secrets {
    let state = &session.state;
    let mut secrets = plan
        .secrets
        .of_user(&state.variables, &state.recent_secrets);
    if let Some(jar) = &state.jar {
        jar.values().for_each(|value| secrets.add(&value));
    }
    secrets
}

/// Same as [`secrets_of`], with the secrets in the request as it was last sent and those that the response set.
pub(crate) fn secrets_of_exchange(
    plan: &Plan,
    session: &UserSession,
    (request, rendered): (&Request, &RenderedRequest),
    response: Option<&RejectedResponse>,
) -> Secrets {
    let mut secrets = secrets_of(plan, session);
    let (head, body) = rendered.parts();
    secrets.add_fields(&String::from_utf8_lossy(head));
    secrets.add_body(body);
    if let Some(response) = response {
        let RejectedResponse {
            status,
            fields,
            content,
        } = response;
        secrets.add_fields(&String::from_utf8_lossy(fields));
        secrets.add_body(content);
        let seen = ResponseView::new(*status, fields, content, 0);
        let extracts = request.extracts.iter();
        for extract in extracts.filter(|extract| plan.secrets.holds(extract.variable)) {
            for value in extract.found_values(&seen) {
                secrets.add(&value.in_text());
            }
        }
    }
    secrets
}

/// The method and the path of the request with the error, secrets masked.
pub(crate) fn of(error: &RequestError, request: &str, secrets: &Secrets) -> String {
    let request = secrets.mask(request);
    format!("{request}: {}", text_of(error, secrets))
}

/// The error with the start of the response body, secrets masked.
pub(crate) fn text_of(error: &RequestError, secrets: &Secrets) -> String {
    let text = secrets.mask_cut(&error.text);
    let content = error.response.as_ref().map(|response| &response.content);
    let content = content.map_or(&[][..], Vec::as_slice);
    let content = String::from_utf8_lossy(&content[..content.len().min(MASKED_BYTES)]);
    if content.trim().is_empty() {
        return text;
    }
    let content = secrets.mask_cut(content.trim());
    let end = content.floor_char_boundary(EXCERPT_BYTES);
    format!("{text}: {}", content[..end].trim_end())
}
