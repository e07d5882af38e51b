//! Belongings: what a user has and keeps from request to request.

use brunt_scenario::{Noted, Scope, Value};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::client::context::Core;
use crate::client::cookies::Jar;
use crate::connections::per_user::Keeper;

/// What a user has.
pub(crate) struct Belongings {
    pub(crate) random: Xoshiro256PlusPlus,
    pub(crate) keeper: Keeper,
    pub(crate) life: Life,
}

/// What a user has become: it begins anew with each life.
#[derive(Default)]
pub(crate) struct Life {
    /// By their slots.
    pub(crate) variables: Vec<Value>,
    /// What secret expressions gave last.
    pub(crate) noted: Noted,
    /// There once an answer has set a cookie.
    pub(crate) jar: Option<Box<Jar>>,
}

impl Life {
    /// A life with what the set-up left for all.
    pub(crate) fn begin(core: &Core) -> Self {
        Self {
            variables: core.first_values(),
            noted: Noted::default(),
            jar: None,
        }
    }
}

impl Belongings {
    pub(crate) fn new(core: &Core, random: Xoshiro256PlusPlus) -> Self {
        Self {
            random,
            keeper: Keeper::default(),
            life: Life::begin(core),
        }
    }

    /// What the user's expressions read and draw from.
    #[inline]
    pub(crate) fn scope<'a>(&'a mut self, core: &'a Core) -> Scope<'a> {
        Scope {
            random: &mut self.random,
            variables: &self.life.variables,
            stock: &core.stock,
            noted: &mut self.life.noted,
        }
    }
}
