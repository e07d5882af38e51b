//! Descriptors: whether brunt may open as many files as the load needs connections, seen before the run.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use scenario::{Connections, Plan};

use crate::exit::Failure;

/// Descriptors beside the connections: standard streams, timers, record files, the monitor's.
const BESIDE: u64 = 64;

/// A search over users that names no highest level goes no higher than brunt may open connections for.
pub(crate) fn bound_search(plan: &mut Plan) {
    let is_own = !matches!(plan.network.connections, Connections::Shared(_));
    let users = scenario::users_in(&plan.load);
    let is_closed = plan.load.open.is_none();
    let Some(search) = plan.load.search.as_mut() else {
        return;
    };
    let allowed = getrlimit(Resource::Nofile).maximum;
    let most = allowed.map(|allowed| allowed.saturating_sub(BESIDE));
    let most = most.and_then(|most| u32::try_from(most).ok());
    if let Some(most) = most.filter(|most| *most < users)
        && is_own
        && is_closed
        && search.to.is_none()
        && f64::from(most) > search.from
    {
        search.to = Some(f64::from(most));
    }
}

/// Raises the soft limit as far as the load needs; fails where the hard limit is too low.
pub(crate) fn enough_for(plan: &Plan) -> Result<(), Failure> {
    let users = scenario::users_in_all(&plan.load);
    let connections = match plan.network.connections {
        Connections::Shared(most) => users.min(most),
        _ => users,
    };
    let needed = u64::from(connections) + BESIDE;
    let limit = getrlimit(Resource::Nofile);
    // No limit is a limit that is never reached.
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(limit.maximum.map_or(needed, |most| most.min(needed))),
        maximum: limit.maximum,
    };
    let is_raised = setrlimit(Resource::Nofile, raised).is_ok();
    if is_raised && limit.maximum.is_none_or(|most| most >= needed) {
        return Ok(());
    }
    let allowed = limit.maximum.or(limit.current).unwrap_or(0);
    Err(Failure::Input(format!(
        "{connections} connections need {needed} file descriptors, and brunt may open {allowed}; \
         raise the limit with: ulimit -n {needed} (as root, or in /etc/security/limits.conf), \
         let users share: connections = {{ shared = 100 }}, or play fewer users with -u"
    )))
}
