//! The session of a user: its state from request to request.

use std::rc::Rc;

use brunt_scenario::{EvalContext, RecentSecrets, SharedData, Value};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::cookies::CookieJar;
use crate::connections::per_user::UserConnections;

pub(crate) struct UserSession {
    /// Number of the user over the whole run, from 1; 0 in the set-up.
    pub(crate) number: u64,
    pub(crate) random: Xoshiro256PlusPlus,
    pub(crate) connections: UserConnections,
    pub(crate) state: SessionState,
}

/// State that a user's responses change. A user that starts again gets a new one.
#[derive(Default)]
pub(crate) struct SessionState {
    /// Variables by slot.
    pub(crate) variables: Vec<Value>,
    /// Recent values of secret expressions.
    pub(crate) recent_secrets: RecentSecrets,
    /// Present once a response has set a cookie.
    pub(crate) jar: Option<Box<CookieJar>>,
}

impl SessionState {
    /// Creates a state with the initial values of the variables.
    pub(crate) fn new(variables: Vec<Value>) -> Self {
        Self {
            variables,
            ..Self::default()
        }
    }
}

impl UserSession {
    /// Creates a session with the initial values of the variables.
    pub(crate) fn new(number: u64, random: Xoshiro256PlusPlus, variables: Vec<Value>) -> Self {
        Self {
            number,
            random,
            connections: UserConnections::default(),
            state: SessionState::new(variables),
        }
    }

    /// Context in which the user's expressions are evaluated.
    #[inline]
    pub(crate) fn scope<'a>(&'a mut self, shared: &'a Rc<SharedData>) -> EvalContext<'a> {
        EvalContext {
            random: &mut self.random,
            variables: &self.state.variables,
            shared,
            user: self.number,
            recent_secrets: &mut self.state.recent_secrets,
        }
    }
}
