//! Checks before a run: whether there are enough file descriptors and local ports for the connections of the load.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

use brunt_engine::Origins;
use brunt_scenario::{Connections, Plan};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::exit::Failure;

/// Number of descriptors for anything but connections: standard streams, timers, record files, the monitor.
const OTHER_DESCRIPTORS: u64 = 64;

/// Limits a search over users without a maximum to the number of connections that brunt may open.
pub(crate) fn bound_search(plan: &mut Plan, processes: u32) {
    let allowed = getrlimit(Resource::Nofile).maximum;
    let connections =
        allowed.map(|allowed| allowed.saturating_sub(OTHER_DESCRIPTORS) * u64::from(processes));
    if let Some(connections) = connections.and_then(|count| u32::try_from(count).ok()) {
        bound_search_by(plan, connections);
    }
}

/// Limits a search over users to this number of connections.
fn bound_search_by(plan: &mut Plan, connections: u32) {
    let is_own = !matches!(plan.network.connections, Connections::Shared(_));
    let users = brunt_scenario::users_in(&plan.load);
    let is_closed = plan.load.open.is_none();
    let Some(search) = plan.load.search.as_mut() else {
        return;
    };
    let most = f64::from(connections);
    if connections < users && is_own && is_closed && search.to.is_none() && most > search.from {
        search.to = Some(most);
    }
}

/// Maximum number of concurrent connections of a load.
fn connections_of(plan: &Plan) -> u32 {
    let users = brunt_scenario::users_in_all(&plan.load);
    match plan.network.connections {
        Connections::Shared(most) => users.min(most),
        _ => users,
    }
}

/// Raises the soft limit of file descriptors to the number that each process needs.
///
/// # Errors
///
/// The hard limit is too low.
pub(crate) fn check_descriptors(plan: &Plan, processes: u32) -> Result<(), Failure> {
    let connections = connections_of(plan);
    let needed = u64::from(connections.div_ceil(processes)) + OTHER_DESCRIPTORS;
    let limit = getrlimit(Resource::Nofile);
    // `None` means unlimited.
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
    Err(Failure::Input(too_few(connections, processes, allowed)))
}

fn too_few(connections: u32, processes: u32, allowed: u64) -> String {
    let needed = u64::from(connections.div_ceil(processes)) + OTHER_DESCRIPTORS;
    let whose = match processes {
        1 => String::new(),
        count => format!(" in each of {count} processes"),
    };
    let spread = match u64::from(connections).checked_div(allowed.saturating_sub(OTHER_DESCRIPTORS))
    {
        Some(most) if most < 1_000 => {
            format!(" use --processes {},", most + 1)
        }
        _ => String::new(),
    };
    format!(
        "{connections} connections need {needed} file descriptors{whose}, but the limit is {allowed}; raise it with \
         `ulimit -n {needed}` (as root, or in /etc/security/limits.conf),{spread} share connections with connections = \
         {{ shared = 100 }}, or use fewer users with -u"
    )
}

/// File with the range of ports for outgoing connections.
const PORT_RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// Checks that there are enough local ports. Each local address can use all ports for each address of the service.
pub(crate) fn check_ports(plan: &Plan, target: &Origins, sources: usize) -> Result<(), Failure> {
    // Without the range nothing can be checked in advance.
    let Some(ports) = port_count(Path::new(PORT_RANGE)) else {
        return Ok(());
    };
    let addresses = target.addresses();
    let distinct: BTreeSet<&SocketAddr> = addresses.iter().collect();
    let connections = u64::from(connections_of(plan));
    enough_ports(connections, ports, sources.max(1), distinct.len().max(1)).map_err(Failure::Input)
}

fn enough_ports(
    connections: u64,
    ports: u64,
    sources: usize,
    addresses: usize,
) -> Result<(), String> {
    let most = ports * sources as u64 * addresses as u64;
    if connections <= most {
        return Ok(());
    }
    let wanted = connections.div_ceil(ports * addresses as u64);
    Err(format!(
        "{connections} connections need a local port each, but there are {most}: {ports} for each pair of {sources} \
         local and {addresses} remote addresses; widen the range with: sysctl -w \
         net.ipv4.ip_local_port_range=\"1024 65535\" (and reserve the ports of services with: sysctl -w \
         net.ipv4.ip_local_reserved_ports=\"8000,8080\"), use {wanted} local addresses with --local-address, share \
         connections with connections = {{ shared = 100 }}, or use fewer users with -u"
    ))
}

fn port_count(range: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(range).ok()?;
    let mut ends = text.split_whitespace().map(str::parse::<u64>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    Some(last.checked_sub(first)? + 1)
}

#[cfg(test)]
mod tests {
    use brunt_scenario::Overrides;

    use super::*;

    /// Maximum of a search if brunt may open `allowed` connections; `None`: unchanged.
    fn highest(search: &str, connections: &str, allowed: u32) -> Option<f64> {
        let text = format!(
            "connections = {connections}\n[targets]\np99 = {{ critical = \"50ms\" }}\n\
             [[users.u.tasks]]\nget = \"/\"\n\
             [profiles.p]\nsearch = {{ {search} }}\nduration = \"10m\"\n"
        );
        let scenario = brunt_scenario::Scenario::read("p.toml", &text).unwrap();
        let mut plan = Plan::new(&scenario, "p", &Overrides::default(), &[]).unwrap();
        bound_search_by(&mut plan, allowed);
        plan.load.search.unwrap().to
    }

    #[test]
    fn too_few_descriptors_message_names_three_remedies() {
        let message = too_few(100_000, 1, 20_000);
        assert!(message.contains("`ulimit -n 100064`"), "{message}");
        assert!(message.contains("--processes 6,"), "{message}");
        let message = too_few(100_000, 4, 20_000);
        assert!(
            message.contains("25064 file descriptors in each of 4"),
            "{message}"
        );
        assert!(!too_few(100, 1, 10).contains("--processes"));
    }

    #[test]
    fn search_over_users_is_limited_by_descriptors() {
        let own = "\"per-user\"";
        for (search, connections, allowed, expected) in [
            ("by = \"users\"", own, 900, Some(900.0)),
            // The default maximum is 20,000 users.
            ("by = \"users\"", own, 19_999, Some(19_999.0)),
            ("by = \"users\"", own, 20_000, None),
            ("by = \"users\"", own, 30_000, None),
            // An explicit maximum is kept.
            ("by = \"users\", to = 5000", own, 900, Some(5_000.0)),
            ("by = \"users\", to = 500", own, 900, Some(500.0)),
            // If the first level is already too high, the run is refused later.
            ("by = \"users\", from = 1000", own, 900, None),
            // Shared connections and searches over arrivals have their own limits.
            ("by = \"users\"", "{ shared = 100 }", 900, None),
            ("by = \"arrivals\"", own, 900, None),
        ] {
            let found = highest(search, connections, allowed);
            assert_eq!(found, expected, "{search}, {connections}, {allowed}");
        }
    }

    #[test]
    fn ports_of_each_address_pair_are_counted() {
        assert_eq!(enough_ports(28_232, 28_232, 1, 1), Ok(()));
        assert_eq!(enough_ports(100_000, 28_232, 4, 1), Ok(()));
        assert_eq!(enough_ports(100_000, 28_232, 2, 2), Ok(()));
        let message = enough_ports(100_000, 28_232, 1, 1).unwrap_err();
        assert!(message.contains("use 4 local addresses"), "{message}");
        assert!(message.contains("there are 28232"), "{message}");
    }

    #[test]
    fn port_range_includes_both_ends() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, expected) in [
            ("32768\t60999\n", Some(28_232)),
            ("40000 40000", Some(1)),
            ("none", None),
        ] {
            std::fs::write(file.path(), text).unwrap();
            assert_eq!(port_count(file.path()), expected, "{text}");
        }
    }
}
