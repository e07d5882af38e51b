//! The machine: CPU, memory, physical disks and network interfaces.

use std::fs;
use std::path::Path;
use std::time::Duration;

use brunt_record::MachineReading;
use procfs::{DiskStats, FromRead, FromReadSI, KernelStats, Meminfo};

use crate::flows::{Flow, Flows, interface_flows, since};
use crate::pressure::Pressures;
use crate::unavailable;

/// Size of a sector in `/proc/diskstats`, which does not depend on the disk.
const SECTOR_BYTES: u64 = 512;

/// The machine that this process runs on, with its counters at the previous reading.
#[derive(Debug)]
pub(crate) struct Machine {
    pressures: Pressures,
    cpu: Option<Cpu>,
    disks: Option<Flows>,
    interfaces: Option<Flows>,
}

/// CPU time since the machine started, in ticks, over all cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cpu {
    busy: u64,
    steal: u64,
    total: u64,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self {
            pressures: Pressures::of_machine(),
            cpu: None,
            disks: None,
            interfaces: None,
        }
    }

    /// Takes a reading: the current state, and the resources used since the previous reading. Values that cannot be read are
    /// `None`.
    pub(crate) fn reading(&mut self, at: Duration) -> MachineReading {
        let cpu = text("/proc/stat").and_then(|text| Cpu::parse(&text));
        let cpu_used = difference(&mut self.cpu, cpu, |was, is| is.since(was));
        let disks = text("/proc/diskstats").and_then(|text| disk_flows(&text, is_physical));
        let disk = difference(&mut self.disks, disks, since);
        let interfaces = text("/proc/net/dev").and_then(|text| interface_flows(&text));
        let network = difference(&mut self.interfaces, interfaces, since);
        let memory = text("/proc/meminfo").and_then(|text| Memory::parse(&text));
        let percent_of = |part: fn(&Cpu) -> u64| {
            let used = cpu_used.filter(|used| used.total > 0)?;
            Some(part(&used) as f64 / used.total as f64 * 100.0)
        };
        MachineReading {
            cpu_percent: percent_of(|used| used.busy),
            steal_percent: percent_of(|used| used.steal),
            memory_percent: memory.map(|m| m.used_bytes as f64 / m.total_bytes as f64 * 100.0),
            memory_bytes: memory.map(|memory| memory.used_bytes),
            disk_read_bytes: disk.map(|flow| flow.in_bytes),
            disk_written_bytes: disk.map(|flow| flow.out_bytes),
            network_sent_bytes: network.map(|flow| flow.out_bytes),
            network_received_bytes: network.map(|flow| flow.in_bytes),
            pressure: self.pressures.reading(at),
        }
    }

    /// Data that is unavailable.
    pub(crate) fn unavailable(&self) -> Vec<String> {
        let missing = self.pressures.missing();
        missing
            .map(|(what, file)| unavailable::describe(what, file))
            .collect()
    }
}

impl Cpu {
    fn parse(stat: &[u8]) -> Option<Self> {
        let stats = KernelStats::from_read(stat, procfs::current_system_info()).ok()?;
        let cpu = stats.total;
        // User and nice already include guests.
        let busy =
            cpu.user + cpu.nice + cpu.system + cpu.irq.unwrap_or(0) + cpu.softirq.unwrap_or(0);
        let steal = cpu.steal.unwrap_or(0);
        Some(Self {
            busy,
            steal,
            total: busy + steal + cpu.idle + cpu.iowait.unwrap_or(0),
        })
    }

    fn since(&self, was: &Self) -> Self {
        // idle and iowait sometimes decrease a little.
        let busy = self.busy.saturating_sub(was.busy);
        let steal = self.steal.saturating_sub(was.steal);
        Self {
            busy,
            steal,
            total: self.total.saturating_sub(was.total).max(busy + steal),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Memory {
    used_bytes: u64,
    total_bytes: u64,
}

impl Memory {
    fn parse(meminfo: &[u8]) -> Option<Self> {
        let memory = Meminfo::from_read(meminfo).ok()?;
        let total_bytes = memory.mem_total;
        let used_bytes = total_bytes.checked_sub(memory.mem_available?)?;
        (total_bytes > 0).then_some(Self {
            used_bytes,
            total_bytes,
        })
    }
}

/// Computes the difference to the previous counters, and replaces them.
fn difference<T, U>(
    previous: &mut Option<T>,
    current: Option<T>,
    since: fn(&T, &T) -> U,
) -> Option<U> {
    let current = current?;
    let difference = previous.as_ref().map(|previous| since(previous, &current));
    *previous = Some(current);
    difference
}

fn disk_flows(diskstats: &[u8], is_physical: impl Fn(&str) -> bool) -> Option<Flows> {
    let disks = DiskStats::from_read(diskstats).ok()?.0;
    let flows = disks
        .into_iter()
        .filter(|disk| is_physical(&disk.name))
        .map(|disk| {
            let in_bytes = disk.sectors_read * SECTOR_BYTES;
            let out_bytes = disk.sectors_written * SECTOR_BYTES;
            (
                disk.name,
                Flow {
                    in_bytes,
                    out_bytes,
                },
            )
        });
    Some(flows.collect())
}

/// Whether a disk is physical: not a partition, and not a virtual disk (loop, ram, zram, device mapper, RAID), which has no
/// device.
fn is_physical(name: &str) -> bool {
    Path::new("/sys/block")
        .join(name.replace('/', "!"))
        .join("device")
        .exists()
}

fn text(path: &str) -> Option<Vec<u8>> {
    fs::read(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_excludes_iowait_and_guests() {
        let text = "cpu  100 20 30 1000 50 3 7 40 60 5\n\
                    cpu0 100 20 30 1000 50 3 7 40 60 5\n\
                    intr 1 2\nctxt 5\nbtime 1700000000\nprocesses 9\n\
                    procs_running 1\nprocs_blocked 0\n";
        let cpu = Cpu::parse(text.as_bytes()).expect("parse");
        assert_eq!(
            cpu,
            Cpu {
                busy: 160,
                steal: 40,
                total: 1250
            }
        );
        assert_eq!(Cpu::parse(b""), None);
        let later = Cpu {
            busy: 190,
            steal: 50,
            total: 1350,
        };
        assert_eq!(
            later.since(&cpu),
            Cpu {
                busy: 30,
                steal: 10,
                total: 100
            }
        );
        let idle_went_back = Cpu {
            busy: 190,
            steal: 50,
            total: 1260,
        };
        assert_eq!(
            idle_went_back.since(&cpu),
            Cpu {
                busy: 30,
                steal: 10,
                total: 40
            }
        );
    }

    #[test]
    fn memory_in_use_is_total_less_available() {
        let text = |available: &str| {
            format!(
                "MemTotal: 1000 kB\nMemFree: 100 kB\n{available}Buffers: 1 kB\nCached: 2 kB\n\
                 SwapCached: 0 kB\nActive: 1 kB\nInactive: 1 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n\
                 Dirty: 0 kB\nWriteback: 0 kB\nMapped: 1 kB\nSlab: 1 kB\nCommitted_AS: 1 kB\n\
                 VmallocTotal: 1 kB\nVmallocUsed: 1 kB\nVmallocChunk: 0 kB\n"
            )
        };
        let memory = Memory::parse(text("MemAvailable: 400 kB\n").as_bytes());
        let expected = Memory {
            used_bytes: 600 * 1024,
            total_bytes: 1000 * 1024,
        };
        assert_eq!(memory, Some(expected));
        assert_eq!(
            Memory::parse(text("").as_bytes()),
            None,
            "unknown instead of guessed"
        );
    }

    #[test]
    fn only_physical_disks_count() {
        let text = " 259 0 nvme0n1 10 0 200 1 20 0 400 1 0 1 1 0 0 0 0 0 0\n \
                    259 1 nvme0n1p1 10 0 200 1 20 0 400 1 0 1 1\n \
                    253 0 dm-0 10 0 200 1 20 0 400 1 0 1 1\n \
                    7 0 loop0 5 0 99 1 0 0 0 0 0 1 1\n";
        let flows = disk_flows(text.as_bytes(), |name| name == "nvme0n1").expect("parse");
        let flow = Flow {
            in_bytes: 102_400,
            out_bytes: 204_800,
        };
        assert_eq!(flows, Flows::from([("nvme0n1".to_owned(), flow)]));
        assert!(!is_physical("loop0"));
        assert!(!is_physical("nvme0n1p1"));
    }

    #[test]
    fn second_reading_contains_the_traffic_of_the_loopback_interface() {
        use std::io::{Read, Write};
        const BYTES: usize = 1 << 20;
        let mut machine = Machine::new();
        let first = machine.reading(Duration::ZERO);
        assert_eq!((first.cpu_percent, first.steal_percent), (None, None));
        assert_eq!(
            (first.disk_read_bytes, first.network_sent_bytes),
            (None, None)
        );
        assert!(first.memory_bytes.is_some_and(|bytes| bytes > 0));
        assert!(
            first
                .memory_percent
                .is_some_and(|percent| percent > 0.0 && percent < 100.0)
        );

        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("address");
        let sender = std::thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(address).expect("connect");
            stream.write_all(&vec![7; BYTES]).expect("write");
        });
        let mut received = Vec::new();
        let (mut stream, _) = listener.accept().expect("accept");
        stream.read_to_end(&mut received).expect("read");
        sender.join().expect("join");
        assert_eq!(received.len(), BYTES);

        let second = machine.reading(Duration::from_secs(1));
        let sent = second.network_sent_bytes.expect("sent");
        assert!(sent >= BYTES as u64, "{sent} of {BYTES}");
        assert!(
            second
                .network_received_bytes
                .is_some_and(|bytes| bytes >= BYTES as u64)
        );
        assert!(second.disk_read_bytes.is_some() && second.disk_written_bytes.is_some());
    }
}
