//! Placement: how many threads make the load, and which cores brunt and the embedded agent get.

use record::Load;

/// How many requests a second a thread is expected to make with ease.
const REQUESTS_A_THREAD: f64 = 10_000.0;

/// Threads and cores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Threads that make the load.
    pub(crate) threads: usize,
    /// The cores that brunt is pinned to; empty: none.
    pub(crate) own: Vec<usize>,
    /// The cores that the embedded agent is pinned to; empty: none.
    pub(crate) agent: Vec<usize>,
}

/// As many threads as the load needs. A target on this machine is left a core; the embedded agent
/// and brunt are kept apart.
pub(crate) fn place(
    allowed: &[usize],
    load: &Load,
    is_local: bool,
    is_embedded: bool,
) -> Placement {
    let most = if is_local {
        allowed.len().saturating_sub(1).max(1)
    } else {
        allowed.len().max(1)
    };
    let rate_max = match load.open {
        Some(_) => Some(
            load.stages
                .iter()
                .map(|stage| stage.from.max(stage.to))
                .fold(0.0, f64::max),
        ),
        None => load
            .tasks_per_user_second
            .map(|tasks| f64::from(scenario::users_in(load)) * tasks),
    };
    let needed = rate_max.map_or(usize::MAX, |rate| {
        let enough =
            |threads: &usize| *threads as f64 * REQUESTS_A_THREAD >= rate * load.requests_per_task;
        (1..most).find(enough).unwrap_or(most)
    });
    let threads = needed.min(most);
    if is_embedded && allowed.len() > 1 {
        let (own, agent) = allowed.split_at(threads);
        Placement {
            threads,
            own: own.to_vec(),
            agent: agent.to_vec(),
        }
    } else {
        Placement {
            threads,
            own: Vec::new(),
            agent: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use record::Stage;

    use super::*;

    fn load(users: f64, tasks_per_user_second: Option<f64>) -> Load {
        let stage = Stage {
            seconds: 10.0,
            from: users,
            to: users,
        };
        Load {
            stages: vec![stage],
            open: None,
            tasks_per_user_second,
            requests_per_task: 1.0,
        }
    }

    #[test]
    fn a_load_gets_the_threads_that_it_needs() {
        let allowed = [0, 1, 2, 3];
        let calm = load(100.0, Some(1.0));
        let wild = load(100.0, None);
        let busy = load(25_000.0, Some(1.0));
        let cases = [
            (&calm, true, true, (1, vec![0], vec![1, 2, 3])),
            (&wild, true, true, (3, vec![0, 1, 2], vec![3])),
            (&busy, true, false, (3, vec![], vec![])),
            (&wild, false, false, (4, vec![], vec![])),
        ];
        for (load, is_local, is_embedded, (threads, own, agent)) in cases {
            let expected = Placement {
                threads,
                own,
                agent,
            };
            assert_eq!(place(&allowed, load, is_local, is_embedded), expected);
        }
    }

    #[test]
    fn one_core_is_shared() {
        let expected = Placement {
            threads: 1,
            own: vec![],
            agent: vec![],
        };
        assert_eq!(place(&[5], &load(10.0, None), true, true), expected);
    }
}
