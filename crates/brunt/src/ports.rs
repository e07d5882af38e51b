//! Ports: whether brunt has as many local ports as the load needs connections, seen before the run.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

use brunt_engine::Origins;
use brunt_scenario::Plan;

use crate::exit::Failure;
use crate::system::preflight::connections_of;

/// The ports that the system gives to who connects.
const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// Fails where there are too few ports. Each local address has all ports for each of the service's.
pub(crate) fn enough_for(plan: &Plan, target: &Origins, sources: usize) -> Result<(), Failure> {
    // Where the system does not say how many there are, the run will.
    let Some(ports) = ports(Path::new(RANGE)) else {
        return Ok(());
    };
    let addresses = target.addresses();
    let distinct: BTreeSet<&SocketAddr> = addresses.iter().collect();
    let connections = u64::from(connections_of(plan));
    enough(connections, ports, sources.max(1), distinct.len().max(1)).map_err(Failure::Input)
}

fn enough(connections: u64, ports: u64, sources: usize, addresses: usize) -> Result<(), String> {
    let most = ports * sources as u64 * addresses as u64;
    if connections <= most {
        return Ok(());
    }
    let wanted = connections.div_ceil(ports * addresses as u64);
    Err(format!(
        "{connections} connections need a local port each, and there are {most}: {ports} for each of {sources} local \
         and {addresses} remote addresses; widen the range with: sysctl -w \
         net.ipv4.ip_local_port_range=\"1024 65535\" (and reserve the ports of services: sysctl -w \
         net.ipv4.ip_local_reserved_ports=\"8000,8080\"), connect from {wanted} local addresses with --local-address, let users \
         share: connections = {{ shared = 100 }}, or play fewer users with -u"
    ))
}

fn ports(range: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(range).ok()?;
    let mut ends = text.split_whitespace().map(str::parse::<u64>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    Some(last.checked_sub(first)? + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_of_addresses_has_all_ports() {
        assert_eq!(enough(28_232, 28_232, 1, 1), Ok(()));
        assert_eq!(enough(100_000, 28_232, 4, 1), Ok(()));
        assert_eq!(enough(100_000, 28_232, 2, 2), Ok(()));
        let message = enough(100_000, 28_232, 1, 1).unwrap_err();
        assert!(message.contains("from 4 local addresses"), "{message}");
        assert!(message.contains("there are 28232"), "{message}");
    }

    #[test]
    fn the_range_holds_both_its_ends() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, expected) in [
            ("32768\t60999\n", Some(28_232)),
            ("40000 40000", Some(1)),
            ("none", None),
        ] {
            std::fs::write(file.path(), text).unwrap();
            assert_eq!(ports(file.path()), expected, "{text}");
        }
    }
}
