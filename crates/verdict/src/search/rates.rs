//! Conversion of levels of an open load from tasks to requests per second. The number of requests per task is
//! measured at each level, since loops and conditions of a scenario do not determine it in advance.

use brunt_record::{LoadLevel, RunRecord, SearchPhase};

/// The number of tasks below which a level does not show the requests per task.
const TASKS_MIN: u64 = 30;
/// The smallest proportion of the offered tasks that ended, if tasks did not pile up: otherwise, requests of
/// unfinished tasks are counted.
const KEPT_UP: f64 = 0.8;

/// Requests per task, by level.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// In the closed model, levels are users, and are not converted.
    is_open: bool,
    /// The planned value.
    planned: f64,
    /// Neighboring levels that were measured, in ascending order.
    groups: Vec<Group>,
}

/// Neighboring levels, counted together.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Group {
    lowest: f64,
    highest: f64,
    requests: u64,
    tasks: u64,
}

impl Group {
    fn requests_per_task(&self) -> f64 {
        self.requests as f64 / self.tasks as f64
    }

    fn and(self, higher: Self) -> Self {
        Self {
            lowest: self.lowest,
            highest: higher.highest,
            requests: self.requests + higher.requests,
            tasks: self.tasks + higher.tasks,
        }
    }
}

impl Rates {
    /// The rates of a run so far.
    pub fn of(record: &RunRecord) -> Self {
        Self::until(record, record.timeline.seconds().len() as f64)
    }

    /// The same for the seconds before a time.
    pub(crate) fn until(record: &RunRecord, until_s: f64) -> Self {
        let load = &record.header.load;
        let mut rates = Self {
            is_open: load.open.is_some(),
            planned: load.requests_per_task,
            groups: Vec::new(),
        };
        if rates.is_open {
            let mut measured = if load.search.is_some() {
                of_levels(record, until_s)
            } else {
                of_all(record, until_s).into_iter().collect()
            };
            measured.sort_by(|a: &Group, b: &Group| a.lowest.total_cmp(&b.lowest));
            measured.into_iter().for_each(|group| rates.push(group));
        }
        rates
    }

    /// Adds a level above the others. More tasks mean more requests: neighbors that contradict this by chance are
    /// pooled.
    fn push(&mut self, group: Group) {
        let mut last = group;
        while let Some(below) = self.groups.last() {
            let is_less =
                below.highest * below.requests_per_task() < last.lowest * last.requests_per_task();
            if is_less && below.highest < last.lowest {
                break;
            }
            last = below.and(last);
            self.groups.pop();
        }
        self.groups.push(last);
    }

    /// A level in requests per second; in users for the closed model.
    pub fn rate(&self, level: f64) -> f64 {
        if self.is_open {
            level * self.requests_per_task(level)
        } else {
            level
        }
    }

    /// The level of a number of requests per second, in the open model.
    pub(crate) fn level(&self, rps: f64) -> Option<f64> {
        let highest = self
            .groups
            .last()
            .map_or(self.planned, Group::requests_per_task);
        (highest > 0.0).then(|| rps / highest)
    }

    /// Requests per task at the next measured level below, or above.
    fn requests_per_task(&self, level: f64) -> f64 {
        let below = self.groups.iter().rev().find(|group| group.lowest <= level);
        let nearest = below.or(self.groups.first());
        nearest.map_or(self.planned, Group::requests_per_task)
    }
}

/// Measurements of each level of a search.
fn of_levels(record: &RunRecord, until_s: f64) -> Vec<Group> {
    let first = record.header.load.search.map(|search| LoadLevel {
        from_ms: 0,
        ramp_ms: 0,
        level: search.from,
        phase: SearchPhase::Probe,
    });
    let levels: Vec<LoadLevel> = first.into_iter().chain(record.levels().copied()).collect();
    let ends = levels
        .iter()
        .skip(1)
        .map(|level| level.from_ms as f64 / 1e3);
    let ends = ends.chain([until_s]);
    levels
        .iter()
        .zip(ends)
        .filter_map(|(level, end_s)| {
            let from_s = level.from_ms as f64 / 1e3;
            measured(record, level.level, from_s, end_s.min(until_s))
        })
        .collect()
}

/// Measurements of a load with planned levels.
fn of_all(record: &RunRecord, until_s: f64) -> Option<Group> {
    let load = record.load();
    let mean = load.integral(until_s) / until_s.max(1.0);
    let most = load.stages.iter().map(|stage| stage.from.max(stage.to));
    let highest = most.fold(0.0, f64::max);
    let group = measured(record, mean, 0.0, until_s)?;
    Some(Group {
        lowest: 0.0,
        highest,
        ..group
    })
}

fn measured(record: &RunRecord, level: f64, from_s: f64, to_s: f64) -> Option<Group> {
    let (requests, tasks) = record.requests_and_tasks(from_s, to_s);
    let offered = level * (to_s - from_s);
    (tasks >= TASKS_MIN && tasks as f64 >= KEPT_UP * offered).then_some(Group {
        lowest: level,
        highest: level,
        requests,
        tasks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(level: f64, requests: u64, tasks: u64) -> Group {
        Group {
            lowest: level,
            highest: level,
            requests,
            tasks,
        }
    }

    fn rates(groups: &[Group]) -> Rates {
        let mut rates = Rates {
            is_open: true,
            planned: 1.0,
            groups: Vec::new(),
        };
        groups.iter().for_each(|group| rates.push(*group));
        rates
    }

    #[test]
    fn level_not_measured_has_the_requests_per_task_of_the_one_below() {
        let rates = rates(&[measured(10.0, 200, 100), measured(20.0, 600, 200)]);
        for (level, rate) in [
            (5.0, 10.0),
            (10.0, 20.0),
            (15.0, 30.0),
            (20.0, 60.0),
            (40.0, 120.0),
        ] {
            assert!((rates.rate(level) - rate).abs() < 1e-9, "{level}");
        }
        assert!((rates.level(300.0).unwrap() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_measured_leaves_what_was_planned() {
        assert!((rates(&[]).rate(7.0) - 7.0).abs() < 1e-9);
    }

    #[test]
    fn neighbors_with_falling_rates_are_pooled() {
        let rates = rates(&[
            measured(10.0, 100, 100),
            measured(100.0, 1_700, 1_000),
            measured(101.0, 1_600, 1_000),
        ]);
        assert!((rates.rate(10.0) - 10.0).abs() < 1e-9);
        assert!((rates.rate(100.0) - 165.0).abs() < 1e-9);
        assert!((rates.rate(101.0) - 166.65).abs() < 1e-9);
    }

    #[test]
    fn closed_model_has_users() {
        let closed = Rates {
            is_open: false,
            ..rates(&[])
        };
        assert!((closed.rate(12.0) - 12.0).abs() < 1e-9);
    }
}
