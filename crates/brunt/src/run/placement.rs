//! Placement: how many threads make the load, and which cores brunt and the embedded agent get.

use brunt_record::Load;
use brunt_scenario::{Connections, Plan};

use crate::exit::Failure;

/// How many requests a second a thread is expected to make with ease.
const REQUESTS_A_THREAD: f64 = 10_000.0;

/// Threads and cores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Threads that make the load, of all processes.
    pub(crate) threads: usize,
    /// Processes that make it; where it is one, brunt is that.
    pub(crate) processes: u32,
    /// The cores that brunt is pinned to; empty: none.
    pub(crate) own: Vec<usize>,
    /// The cores that the embedded agent is pinned to; empty: none.
    pub(crate) agent: Vec<usize>,
}

/// As many threads as the load needs. A target on this machine is left a core; the embedded agent
/// and brunt are kept apart.
pub(crate) fn place(
    allowed: &[usize],
    plan: &Plan,
    is_local: bool,
    is_embedded: bool,
) -> Placement {
    let most = match plan.network.connections {
        // Each thread has a part of the pool: one connection at least.
        Connections::Shared(most) => most as usize,
        _ => usize::MAX,
    };
    let threads = threads(allowed, &plan.load, is_local).min(most);
    if is_embedded && allowed.len() > 1 {
        let (own, agent) = allowed.split_at(threads);
        Placement {
            threads,
            processes: 1,
            own: own.to_vec(),
            agent: agent.to_vec(),
        }
    } else {
        Placement {
            threads,
            processes: 1,
            own: Vec::new(),
            agent: Vec::new(),
        }
    }
}

impl Placement {
    /// The same with so many processes, which have as many threads each.
    pub(crate) fn of_processes(self, processes: u32, plan: &Plan) -> Result<Self, Failure> {
        let each = self.threads.div_ceil(processes as usize);
        let threads = each * processes as usize;
        match plan.network.connections {
            Connections::Shared(most) if (most as usize) < threads && processes > 1 => {
                Err(Failure::Input(format!(
                    "{processes} processes with {each} threads each cannot share {most} connections: give each thread                      one at least, with connections = {{ shared = {threads} }}, or fewer --processes"
                )))
            }
            _ => Ok(Self {
                threads,
                processes,
                ..self
            }),
        }
    }
}

fn threads(allowed: &[usize], load: &Load, is_local: bool) -> usize {
    let most = if is_local {
        allowed.len().saturating_sub(1).max(1)
    } else {
        allowed.len().max(1)
    };
    // A search goes as high as it can.
    let needed = match load.parts().map(requests_max).sum::<Option<f64>>() {
        Some(rate) if load.search.is_none() => {
            let enough = |threads: &usize| *threads as f64 * REQUESTS_A_THREAD >= rate;
            (1..most).find(enough).unwrap_or(most)
        }
        _ => usize::MAX,
    };
    needed.min(most)
}

/// Requests a second of one load at most; `None`: no bound.
fn requests_max(load: &Load) -> Option<f64> {
    let tasks = match load.open {
        Some(_) => {
            let levels = load.stages.iter().map(|stage| stage.from.max(stage.to));
            levels.fold(0.0, f64::max)
        }
        None => f64::from(brunt_scenario::users_in(load)) * load.tasks_per_user_second?,
    };
    Some(tasks * load.requests_per_task)
}

#[cfg(test)]
mod tests {
    use brunt_record::LoadStage;

    use super::*;

    fn load(users: f64, tasks_per_user_second: Option<f64>) -> Load {
        let stage = LoadStage {
            seconds: 10.0,
            from: users,
            to: users,
        };
        Load {
            stages: vec![stage],
            open: None,
            search: None,
            warm_up_s: 0.0,
            concurrent: Vec::new(),
            iterations: None,
            until_decided_s: None,
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
            (&calm, true, 1),
            (&wild, true, 3),
            (&busy, true, 3),
            (&wild, false, 4),
        ];
        for (load, is_local, expected) in cases {
            assert_eq!(threads(&allowed, load, is_local), expected);
        }
        assert_eq!(threads(&[5], &wild, true), 1);
    }

    fn plan(connections: &str) -> Plan {
        let text = format!(
            "connections = {connections}\n[[users.u.tasks]]\nget = \"/\"\n\
             [profiles.p]\nusers = 100\nduration = \"1s\"\n"
        );
        let scenario = brunt_scenario::Scenario::read("p.toml", &text).unwrap();
        Plan::new(&scenario, "p", &brunt_scenario::Overrides::default(), &[]).unwrap()
    }

    #[test]
    fn the_embedded_agent_is_kept_apart() {
        let placed = place(&[0, 1, 2, 3], &plan("\"per-user\""), true, true);
        assert_eq!((placed.own, placed.agent), (vec![0, 1, 2], vec![3]));
        let placed = place(&[5], &plan("\"per-user\""), true, true);
        assert_eq!((placed.own, placed.agent), (vec![], vec![]));
    }

    #[test]
    fn processes_have_as_many_threads_each() {
        let placed = |processes, connections| {
            let plan = plan(connections);
            let placed = place(&[0, 1, 2, 3], &plan, false, false);
            let placed = placed.of_processes(processes, &plan);
            placed.map(|placed| (placed.threads, placed.processes))
        };
        for (processes, expected) in [(1, (4, 1)), (2, (4, 2)), (3, (6, 3)), (8, (8, 8))] {
            assert_eq!(placed(processes, "\"per-user\"").unwrap(), expected);
        }
        assert_eq!(placed(1, "{ shared = 2 }").unwrap(), (2, 1));
        assert_eq!(placed(2, "{ shared = 2 }").unwrap(), (2, 2));
        let refused = placed(3, "{ shared = 2 }").unwrap_err().in_words();
        assert!(refused.contains("shared = 3"), "{refused}");
    }

    #[test]
    fn each_thread_has_a_connection_of_a_shared_pool() {
        let placed = place(&[0, 1, 2, 3], &plan("{ shared = 2 }"), false, false);
        assert_eq!(placed.threads, 2);
    }
}
