//! Class mixes: the class of each user and each arrival of a load.

use std::ops::Range;

use brunt_record::Load;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::model::step::Step;
use crate::model::wait::Wait;
use crate::plan::arrivals::Arrivals;
use crate::plan::tasks::Tasks;
use crate::random::mix;

/// Classes of one load and their weights. Each load counts its users and arrivals from 0.
#[derive(Debug, Clone)]
pub struct ClassMix {
    /// Estimated mean number of requests, groups or values per task, with an entry per name.
    pub(super) counts: Vec<f64>,
    /// Index among the loads of the plan.
    number: u64,
    /// Indexes of its classes.
    pub classes: Range<usize>,
    /// Classes of the users of fixed counts, which come first.
    fixed: Vec<usize>,
    class_cycle: Vec<usize>,
}

/// A compiled user class.
#[derive(Debug, Clone)]
pub struct PlannedClass {
    /// Name.
    pub name: String,
    /// Share of the users (0 to 1).
    pub share: f64,
    /// Share of the users outside fixed counts, relative to the other classes.
    pub(super) weight: f64,
    /// Think time of its users between two tasks.
    pub wait: Wait,
    /// Steps that a user runs once, before its tasks.
    pub on_start: Vec<Step>,
    /// Steps that a user runs once, after its tasks.
    pub on_stop: Vec<Step>,
    /// Its tasks.
    pub tasks: Tasks,
}

impl ClassMix {
    /// The class mix of load `number`, whose first class has index `first`.
    pub(super) fn new(
        number: usize,
        first: usize,
        classes: &[PlannedClass],
        fixed: Vec<usize>,
        counts: Vec<f64>,
    ) -> Self {
        let moved = |class: usize| class + first;
        Self {
            counts,
            number: number as u64,
            classes: first..first + classes.len(),
            fixed: fixed.into_iter().map(moved).collect(),
            class_cycle: class_cycle(classes).into_iter().map(moved).collect(),
        }
    }

    /// Class of a user, by its number: first the fixed counts, then a sequence in which every stretch has each class in
    /// its share.
    pub fn class_of(&self, user: u32) -> usize {
        match self.fixed.get(user as usize) {
            Some(class) => *class,
            // The number of users fits in a u32.
            None => self.class_cycle[(user as usize - self.fixed.len()) % self.class_cycle.len()],
        }
    }

    /// Arrivals of its open load, which are the same on any number of cores.
    pub fn arrivals(&self, load: &Load, seed: u64) -> Arrivals {
        let random = Xoshiro256PlusPlus::seed_from_u64(mix(self.seed(seed) ^ 0xa771));
        Arrivals::new(load, random)
    }

    /// Class and random number generator of an arrival. They depend only on the seed and its number.
    pub fn arrival(&self, seed: u64, number: u64) -> (usize, Xoshiro256PlusPlus) {
        #[expect(clippy::cast_possible_truncation, reason = "below the cycle")]
        let class = self.class_cycle[(number % u64::from(CLASS_CYCLE)) as usize];
        let state = mix(mix(self.seed(seed)) ^ number);
        (class, Xoshiro256PlusPlus::seed_from_u64(state))
    }

    /// Seed of this load, which differs from those of concurrent loads.
    fn seed(&self, seed: u64) -> u64 {
        match self.number {
            0 => seed,
            number => mix(seed ^ mix(number)),
        }
    }
}

/// Number of users after which the classes repeat.
const CLASS_CYCLE: u32 = 1000;

/// Classes of the first users outside fixed counts. Each class is due its share of the users so far, and the one that is
/// furthest behind is next.
fn class_cycle(classes: &[PlannedClass]) -> Vec<usize> {
    let mut given = vec![0.0; classes.len()];
    let total: f64 = classes.iter().map(|class| class.weight).sum();
    // With fixed counts only, there are no other users.
    let weight = |class: usize| {
        if total > 0.0 {
            classes[class].weight / total
        } else {
            0.0
        }
    };
    let next = |number: u32| {
        let due = |class: usize| weight(class) * f64::from(number + 1) - given[class];
        let next = (0..classes.len())
            .max_by(|a, b| due(*a).total_cmp(&due(*b)).then(b.cmp(a)))
            .unwrap_or(0);
        given[next] += 1.0;
        next
    };
    (0..CLASS_CYCLE).map(next).collect()
}
