//! The network of a process that has one of its own, as in a container. Others share the machine's, where
//! nobody can tell whose bytes they are.

use std::fs;

use crate::machine::{Flow, Flows, flowed, interface_flows};

/// The interfaces that a process alone sees, with their counters at the reading before.
#[derive(Debug, Default)]
pub(crate) struct OwnNetwork {
    before: Option<Flows>,
}

impl OwnNetwork {
    /// What flowed since the reading before through all interfaces that this process sees; `None` where these
    /// are the machine's.
    pub(crate) fn reading(&mut self, pid: i32) -> Option<Flow> {
        let own = fs::read_link(format!("/proc/{pid}/ns/net")).ok()?;
        if own == fs::read_link("/proc/self/ns/net").ok()? {
            return None;
        }
        let now = interface_flows(&fs::read(format!("/proc/{pid}/net/dev")).ok()?)?;
        let flow = self.before.as_ref().map(|before| flowed(before, &now));
        self.before = Some(now);
        flow
    }
}
