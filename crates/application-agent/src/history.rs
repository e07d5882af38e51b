//! History: the stored analyses, and running sums over them. No query scans more than the last hundred analyses, and memory
//! is bounded by the retention.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::analysis::{Kept, Sums};

/// Number of analyses for insights.
pub(crate) const RECENT: usize = 100;

/// Stored analyses, oldest first, with their sums.
#[derive(Debug)]
pub(crate) struct History {
    retention: usize,
    order: VecDeque<Arc<str>>,
    models: HashMap<Arc<str>, Model>,
    recent: VecDeque<Kept>,
    recent_sums: Sums,
    all: Sums,
}

/// Analyses of a model.
#[derive(Debug, Default)]
pub(crate) struct Model {
    kept: VecDeque<Kept>,
    days: BTreeMap<i64, Sums>,
}

impl History {
    pub(crate) fn new(retention: usize) -> Self {
        Self {
            retention: retention.max(RECENT),
            order: VecDeque::new(),
            models: HashMap::new(),
            recent: VecDeque::new(),
            recent_sums: Sums::default(),
            all: Sums::default(),
        }
    }

    /// Adds an analysis, and removes the oldest beyond the retention.
    pub(crate) fn keep(&mut self, model: &str, kept: Kept) {
        let name = match self.models.get_key_value(model) {
            Some((name, _)) => name.clone(),
            None => Arc::from(model),
        };
        let entry = self.models.entry(name.clone()).or_default();
        entry.kept.push_back(kept);
        entry.days.entry(kept.day).or_default().add(&kept);
        self.order.push_back(name);
        self.all.add(&kept);
        self.recent.push_back(kept);
        self.recent_sums.add(&kept);
        if self.recent.len() > RECENT
            && let Some(old) = self.recent.pop_front()
        {
            self.recent_sums.take(&old);
        }
        if self.order.len() > self.retention {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(name) = self.order.pop_front() else {
            return;
        };
        let Some(model) = self.models.get_mut(&name) else {
            return;
        };
        if let Some(old) = model.kept.pop_front() {
            self.all.take(&old);
            if let Some(day) = model.days.get_mut(&old.day) {
                day.take(&old);
                if day.count == 0 {
                    model.days.remove(&old.day);
                }
            }
        }
        if model.kept.is_empty() {
            self.models.remove(&name);
        }
    }

    /// Number of stored analyses.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Sums over the last [`RECENT`] analyses.
    pub(crate) fn recent(&self) -> &Sums {
        &self.recent_sums
    }

    /// Number of models with analyses.
    pub(crate) fn model_count(&self) -> usize {
        self.models.len()
    }

    /// Analyses of a model.
    pub(crate) fn model(&self, name: &str) -> Option<&Model> {
        self.models.get(name)
    }

    /// Models with their sums since a day, most analyses first.
    pub(crate) fn models_since(&self, day: i64) -> Vec<(&str, Sums)> {
        let sums = self
            .models
            .iter()
            .map(|(name, model)| (&**name, model.since(day)));
        let mut sums: Vec<_> = sums.filter(|(_, sums)| sums.count > 0).collect();
        sums.sort_by(|a, b| b.1.count.cmp(&a.1.count).then(a.0.cmp(b.0)));
        sums
    }

    /// Daily sums over all models since a day.
    pub(crate) fn days_since(&self, day: i64) -> BTreeMap<i64, Sums> {
        let mut days: BTreeMap<i64, Sums> = BTreeMap::new();
        for model in self.models.values() {
            for (day, sums) in model.days.range(day..) {
                days.entry(*day).or_default().merge(sums);
            }
        }
        days
    }

    /// Latest analyses of a model, or of all models if it has none: at most `count`, and at most [`RECENT`] of all models.
    pub(crate) fn sample(&self, model: &str, at_most: usize) -> Vec<Kept> {
        let source = self
            .models
            .get(model)
            .map_or(&self.recent, |model| &model.kept);
        source.iter().rev().take(at_most).copied().collect()
    }
}

impl Model {
    fn since(&self, day: i64) -> Sums {
        let mut sums = Sums::default();
        self.days.range(day..).for_each(|(_, day)| sums.merge(day));
        sums
    }

    /// Sums over all analyses of the model.
    pub(crate) fn sums(&self) -> Sums {
        self.since(i64::MIN)
    }

    /// Number of analyses of the model.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(day: i64, quality: i64) -> Kept {
        Kept {
            day,
            quality,
            relevance: quality / 2,
            coherence: 7,
            hallucination: 1,
            latency_us: 3,
        }
    }

    proptest! {
        #[test]
        fn sums_equal_a_recomputation_over_what_is_kept(
            entries in prop::collection::vec((0usize..4, 0i64..5, 0i64..10_000), 0..400)
        ) {
            let retention = 150;
            let mut history = History::new(retention);
            let mut all = Vec::new();
            for (model, day, quality) in entries {
                history.keep(&format!("m{model}"), kept(day, quality));
                all.push((format!("m{model}"), kept(day, quality)));
            }
            let still = &all[all.len().saturating_sub(retention)..];
            prop_assert_eq!(history.len(), still.len());
            for since in 0..5 {
                let found = history.models_since(since);
                for (name, sums) in &found {
                    let mut expected = Sums::default();
                    still.iter().filter(|(model, k)| model == name && k.day >= since)
                        .for_each(|(_, k)| expected.add(k));
                    prop_assert_eq!(sums, &expected);
                }
                let total: i64 = found.iter().map(|(_, sums)| sums.count).sum();
                let expected = still.iter().filter(|(_, k)| k.day >= since).count();
                let days: i64 = history.days_since(since).values().map(|sums| sums.count).sum();
                prop_assert_eq!(usize::try_from(total).unwrap(), expected);
                prop_assert_eq!(total, days);
            }
            let mut recent = Sums::default();
            all.iter().rev().take(RECENT).for_each(|(_, k)| recent.add(k));
            prop_assert_eq!(history.recent(), &recent);
        }
    }
}
