//! Placement: the number of threads and processes that generate the load, and the cores of brunt and the embedded agent.

use brunt_record::Load;
use brunt_scenario::{Connections, Plan};

use crate::exit::Failure;
use crate::terminal::number_of;

/// Requests per second that a thread is expected to send with ease.
const RPS_PER_THREAD: f64 = 10_000.0;

/// Threads and cores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Number of threads that generate the load, in all processes.
    pub(crate) threads: usize,
    /// Number of processes that generate the load; 1: this process.
    pub(crate) processes: u32,
    /// Cores that brunt is pinned to; empty: not pinned.
    pub(crate) own: Vec<usize>,
    /// Cores that the embedded agent is pinned to; empty: not pinned.
    pub(crate) agent: Vec<usize>,
}

/// Chooses as many threads as the load needs. One core is reserved for a target on this machine; brunt and the embedded
/// agent get different cores.
pub(crate) fn place(
    allowed: &[usize],
    plan: &Plan,
    is_local: bool,
    is_embedded: bool,
) -> Placement {
    let most = match plan.network.connections {
        // Each thread needs at least one connection of the pool.
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
    /// Distributes the threads over processes, the same number to each.
    pub(crate) fn with_processes(self, processes: u32, plan: &Plan) -> Result<Self, Failure> {
        let each = self.threads.div_ceil(processes as usize);
        let threads = each * processes as usize;
        match plan.network.connections {
            Connections::Shared(most) if (most as usize) < threads && processes > 1 => {
                Err(Failure::Input(format!(
                    "{processes} processes with {} each cannot share {most} connections, since each thread \
                     needs one; set connections = {{ shared = {threads} }}, or use fewer --processes",
                    number_of(each, "thread")
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
    // A search may need all threads.
    let needed = match load.parts().map(requests_max).sum::<Option<f64>>() {
        Some(rate) if load.search.is_none() => {
            let enough = |threads: &usize| *threads as f64 * RPS_PER_THREAD >= rate;
            (1..most).find(enough).unwrap_or(most)
        }
        _ => usize::MAX,
    };
    needed.min(most)
}

/// Maximum requests per second of one load; `None`: unbounded.
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
    fn thread_count_follows_the_rate_and_leaves_a_core_to_a_local_target() {
        let allowed = [0, 1, 2, 3];
        let slow = load(100.0, Some(1.0));
        let unbounded = load(100.0, None);
        let fast = load(25_000.0, Some(1.0));
        let cases = [
            (&slow, true, 1),
            (&unbounded, true, 3),
            (&fast, true, 3),
            (&unbounded, false, 4),
        ];
        for (load, is_local, expected) in cases {
            assert_eq!(threads(&allowed, load, is_local), expected);
        }
        assert_eq!(threads(&[5], &unbounded, true), 1);
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
    fn embedded_agent_gets_its_own_core() {
        let placed = place(&[0, 1, 2, 3], &plan("\"per-user\""), true, true);
        assert_eq!((placed.own, placed.agent), (vec![0, 1, 2], vec![3]));
        let placed = place(&[5], &plan("\"per-user\""), true, true);
        assert_eq!((placed.own, placed.agent), (vec![], vec![]));
    }

    #[test]
    fn processes_have_equal_thread_counts() {
        let placed = |processes, connections| {
            let plan = plan(connections);
            let placed = place(&[0, 1, 2, 3], &plan, false, false);
            let placed = placed.with_processes(processes, &plan);
            placed.map(|placed| (placed.threads, placed.processes))
        };
        for (processes, expected) in [(1, (4, 1)), (2, (4, 2)), (3, (6, 3)), (8, (8, 8))] {
            assert_eq!(placed(processes, "\"per-user\"").unwrap(), expected);
        }
        assert_eq!(placed(1, "{ shared = 2 }").unwrap(), (2, 1));
        assert_eq!(placed(2, "{ shared = 2 }").unwrap(), (2, 2));
        let error = placed(3, "{ shared = 2 }").unwrap_err().into_message();
        assert!(error.contains("shared = 3"), "{error}");
    }

    #[test]
    fn thread_count_is_limited_by_a_shared_pool() {
        let placed = place(&[0, 1, 2, 3], &plan("{ shared = 2 }"), false, false);
        assert_eq!(placed.threads, 2);
    }
}
