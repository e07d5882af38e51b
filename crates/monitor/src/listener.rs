//! The process that listens on a TCP port of this machine.

use std::collections::{BTreeMap, HashSet};
use std::{fs, io};

use procfs::net::{TcpNetEntries, TcpState};
use procfs::process::{FDTarget, all_processes};
use procfs::{FromReadSI, ProcError};
use rustix::process::Pid;

use crate::error::MonitorError;

/// ID of the first process of a machine or container. It may have opened a service's socket (socket activation) without being
/// the service.
const INIT: i32 = 1;

/// ID of the process that listens on this TCP port, on any IPv4 or IPv6 address.
///
/// If a service has passed its socket to workers, it is their common ancestor. Only processes in the own network namespace are
/// found, and only those of the own user unless it is root.
///
/// # Errors
///
/// If no process listens, if the process is not visible to this user, or if several processes listen that are not children of
/// each other.
pub fn listener_of(port: u16) -> Result<Pid, MonitorError> {
    let mut sockets = HashSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        match fs::read(table) {
            Ok(text) => sockets.extend(listening(&text, port).map_err(|source| {
                MonitorError::Unreadable {
                    what: table.into(),
                    source,
                }
            })?),
            // A machine without IPv6, or without IPv4.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(MonitorError::Unreadable {
                    what: table.into(),
                    source,
                });
            }
        }
    }
    if sockets.is_empty() {
        return Err(MonitorError::NoListener(port));
    }
    let holders = holders(&sockets).map_err(|source| MonitorError::Unreadable {
        what: "/proc".into(),
        source,
    })?;
    let owners: Vec<Pid> = owners(&holders)
        .into_iter()
        .filter_map(Pid::from_raw)
        .collect();
    match owners.as_slice() {
        [] => Err(MonitorError::OwnerHidden(port)),
        [owner] => Ok(*owner),
        _ => Err(MonitorError::SeveralListeners { port, pids: owners }),
    }
}

/// Inodes of the sockets that listen on this port, from a table of the kernel.
fn listening(table: &[u8], port: u16) -> io::Result<Vec<u64>> {
    let entries = TcpNetEntries::from_read(table, procfs::current_system_info())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
    Ok(entries
        .0
        .into_iter()
        .filter(|entry| entry.state == TcpState::Listen && entry.local_address.port() == port)
        .map(|entry| entry.inode)
        .collect())
}

/// The visible processes that have one of these sockets open, with their parents.
fn holders(sockets: &HashSet<u64>) -> io::Result<BTreeMap<i32, i32>> {
    let processes = all_processes().map_err(|error| match error {
        ProcError::Io(error, _) => error,
        other => io::Error::other(other.to_string()),
    })?;
    let holds = |target: &FDTarget| matches!(target, FDTarget::Socket(s) if sockets.contains(s));
    let mut holders = BTreeMap::new();
    // Processes that end during the search or may not be read are skipped.
    for process in processes.flatten() {
        let Ok(descriptors) = process.fd() else {
            continue;
        };
        if descriptors
            .flatten()
            .any(|descriptor| holds(&descriptor.target))
            && let Ok(stat) = process.stat()
        {
            holders.insert(process.pid(), stat.ppid);
        }
    }
    Ok(holders)
}

/// The processes whose parent is not among them, in ascending order.
fn owners(holders: &BTreeMap<i32, i32>) -> Vec<i32> {
    let without_init = holders.keys().any(|pid| *pid != INIT);
    let counts = |pid: &i32| holders.contains_key(pid) && !(without_init && *pid == INIT);
    holders
        .iter()
        .filter(|(pid, parent)| counts(pid) && !counts(parent))
        .map(|(pid, _)| *pid)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_sockets_of_a_port_are_found() {
        // 1F90 is 8000 + 80 = 8080; 0A is listening, 01 established.
        let header =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n";
        let v4 = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  \
                  1000        0 4711 1 0000000000000000 100 0 0 10 0\n   \
                  1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000  \
                  1000        0 4712 1 0000000000000000 20 4 30 10 -1\n   \
                  2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  \
                  1000        0 4713 1 0000000000000000 100 0 0 10 0\n";
        let v6 = "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 \
                  0A 00000000:00000000 00:00000000 00000000     0        0 4714 1 \
                  0000000000000000 100 0 0 10 0\n";
        for (rows, port, expected) in [
            (v4, 8080, vec![4711]),
            (v4, 8081, vec![4713]),
            (v6, 8080, vec![4714]),
            (v4, 80, vec![]),
        ] {
            let table = format!("{header}{rows}");
            assert_eq!(
                listening(table.as_bytes(), port).expect("parse"),
                expected,
                "{port}"
            );
        }
        assert!(listening(b"header\nnonsense\n", 1).is_err());
    }

    #[test]
    fn owner_is_the_common_ancestor() {
        for (what, holders, expected) in [
            ("one", vec![(10, 1)], vec![10]),
            (
                "workers of a master",
                vec![(10, 1), (11, 10), (12, 10), (13, 12)],
                vec![10],
            ),
            (
                "activated by init",
                vec![(1, 0), (10, 1), (11, 10)],
                vec![10],
            ),
            ("init itself", vec![(1, 0)], vec![1]),
            ("unrelated processes", vec![(20, 1), (10, 1)], vec![10, 20]),
            ("no visible process", vec![], vec![]),
        ] {
            assert_eq!(owners(&holders.into_iter().collect()), expected, "{what}");
        }
    }
}
