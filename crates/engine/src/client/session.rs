//! The session of a user: what it has and keeps from request to request.

use std::rc::Rc;

use brunt_scenario::{EvalContext, RecentSecrets, SharedData, Value};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::cookies::CookieJar;
use crate::connections::per_user::UserConnections;

pub(crate) struct UserSession {
    pub(crate) random: Xoshiro256PlusPlus,
    pub(crate) connections: UserConnections,
    pub(crate) state: SessionState,
}

/// What a user's responses have left. A user that starts again starts with a new one.
#[derive(Default)]
pub(crate) struct SessionState {
    /// By their slots.
    pub(crate) variables: Vec<Value>,
    /// The last values of secret expressions.
    pub(crate) recent_secrets: RecentSecrets,
    /// Present once a response has set a cookie.
    pub(crate) jar: Option<Box<CookieJar>>,
}

impl SessionState {
    /// A state with the first values of the variables.
    pub(crate) fn new(variables: Vec<Value>) -> Self {
        Self {
            variables,
            ..Self::default()
        }
    }
}

impl UserSession {
    /// A session with the first values of the variables.
    pub(crate) fn new(random: Xoshiro256PlusPlus, variables: Vec<Value>) -> Self {
        Self {
            random,
            connections: UserConnections::default(),
            state: SessionState::new(variables),
        }
    }

    /// What the user's expressions read and draw from.
    #[inline]
    pub(crate) fn scope<'a>(&'a mut self, shared: &'a Rc<SharedData>) -> EvalContext<'a> {
        EvalContext {
            random: &mut self.random,
            variables: &self.state.variables,
            shared,
            recent_secrets: &mut self.state.recent_secrets,
        }
    }
}
