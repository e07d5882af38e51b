//! Bytes that flow in and out of devices: disks, and the network interfaces of the machine or of a process.

use std::collections::HashMap;
use std::fs;

use procfs::FromRead;
use procfs::net::InterfaceDeviceStatus;

/// Bytes in and out of each device by its name, since it appeared.
pub(crate) type Flows = HashMap<String, Flow>;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) in_bytes: u64,
    pub(crate) out_bytes: u64,
}

/// Computes the bytes of all devices together between two readings. A device that appeared in between counts from 0, and so
/// does one whose counters decreased, since it was removed and added again.
pub(crate) fn since(previous: &Flows, current: &Flows) -> Flow {
    let mut sum = Flow::default();
    for (name, current) in current {
        let previous = previous.get(name).copied().unwrap_or_default();
        let restarted =
            current.in_bytes < previous.in_bytes || current.out_bytes < previous.out_bytes;
        let previous = if restarted { Flow::default() } else { previous };
        sum.in_bytes += current.in_bytes - previous.in_bytes;
        sum.out_bytes += current.out_bytes - previous.out_bytes;
    }
    sum
}

/// Reads the text of `/proc/net/dev`.
pub(crate) fn interface_flows(net_dev: &[u8]) -> Option<Flows> {
    let interfaces = InterfaceDeviceStatus::from_read(net_dev).ok()?.0;
    let flows = interfaces.into_iter().map(|(name, counters)| {
        (
            name,
            Flow {
                in_bytes: counters.recv_bytes,
                out_bytes: counters.sent_bytes,
            },
        )
    });
    Some(flows.collect())
}

/// The interfaces of a process that has its own network namespace, as in a container, with their counters at the previous
/// reading.
#[derive(Debug, Default)]
pub(crate) struct NamespaceNetwork {
    previous: Option<Flows>,
}

impl NamespaceNetwork {
    /// The bytes since the previous reading. They are `None` if the process shares the machine's interfaces, whose bytes
    /// cannot be attributed to a process.
    pub(crate) fn reading(&mut self, pid: i32) -> Option<Flow> {
        let namespace = fs::read_link(format!("/proc/{pid}/ns/net")).ok()?;
        if namespace == fs::read_link("/proc/self/ns/net").ok()? {
            return None;
        }
        let current = interface_flows(&fs::read(format!("/proc/{pid}/net/dev")).ok()?)?;
        let flow = self
            .previous
            .as_ref()
            .map(|previous| since(previous, &current));
        self.previous = Some(current);
        flow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_summed() {
        let text = "Inter-|   Receive                  |  Transmit\n \
                    face |bytes    packets errs drop fifo frame compressed multicast|bytes\n    \
                    lo: 500 5 0 0 0 0 0 0 600 5 0 0 0 0 0 0\n  \
                    eth0: 7 1 0 0 0 0 0 0 8 1 0 0 0 0 0 0\n";
        let flows = interface_flows(text.as_bytes()).expect("parse");
        assert_eq!(
            since(&Flows::new(), &flows),
            Flow {
                in_bytes: 507,
                out_bytes: 608
            }
        );
    }

    #[test]
    fn devices_that_appear_or_restart_count_from_0() {
        let flows = |devices: &[(&str, u64, u64)]| -> Flows {
            let flow = |&(name, in_bytes, out_bytes): &(&str, u64, u64)| {
                (
                    name.to_owned(),
                    Flow {
                        in_bytes,
                        out_bytes,
                    },
                )
            };
            devices.iter().map(flow).collect()
        };
        let previous = flows(&[("a", 100, 100), ("b", 100, 100), ("removed", 50, 50)]);
        let current = flows(&[("a", 110, 130), ("b", 5, 200), ("new", 7, 9)]);
        let expected = Flow {
            in_bytes: 10 + 5 + 7,
            out_bytes: 30 + 200 + 9,
        };
        assert_eq!(since(&previous, &current), expected);
    }
}
