//! The machine: CPU, memory, physical disks and network interfaces, since the reading before.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use brunt_record::MachineReading;
use procfs::net::InterfaceDeviceStatus;
use procfs::{DiskStats, FromRead, FromReadSI, KernelStats, Meminfo};

use crate::pressure::Pressures;
use crate::unavailable;

/// `/proc/diskstats` counts in sectors of this size, whatever the disk's own is.
const SECTOR_BYTES: u64 = 512;

/// The machine that this process runs on, with its counters at the reading before.
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

/// Bytes in and out of each device by its name, since it appeared.
pub(crate) type Flows = HashMap<String, Flow>;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) in_bytes: u64,
    pub(crate) out_bytes: u64,
}

impl Machine {
    pub(crate) fn begin() -> Self {
        Self {
            pressures: Pressures::of_machine(),
            cpu: None,
            disks: None,
            interfaces: None,
        }
    }

    /// What there is, and what was used since the reading before. What cannot be read is `None`.
    pub(crate) fn reading(&mut self, at: Duration) -> MachineReading {
        let cpu = text("/proc/stat").and_then(|text| Cpu::parse(&text));
        let cpu_used = since(&mut self.cpu, cpu, |was, is| is.since(was));
        let disks = text("/proc/diskstats").and_then(|text| disk_flows(&text, is_physical));
        let disk = since(&mut self.disks, disks, flowed);
        let interfaces = text("/proc/net/dev").and_then(|text| interface_flows(&text));
        let network = since(&mut self.interfaces, interfaces, flowed);
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

    /// What cannot be seen of it.
    pub(crate) fn unavailable(&self) -> Vec<String> {
        let silent = self.pressures.silent();
        silent
            .map(|(what, file)| unavailable::describe(what, file))
            .collect()
    }
}

impl Cpu {
    fn parse(stat: &[u8]) -> Option<Self> {
        let stats = KernelStats::from_read(stat, procfs::current_system_info()).ok()?;
        let cpu = stats.total;
        // Guests are counted in user and nice already.
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
        // The kernel lets idle and iowait go back a little at times.
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

/// Keeps what is for the next time, and compares it with what was.
fn since<T, U>(kept: &mut Option<T>, is: Option<T>, difference: fn(&T, &T) -> U) -> Option<U> {
    let is = is?;
    let used = kept.as_ref().map(|was| difference(was, &is));
    *kept = Some(is);
    used
}

/// What flowed through all devices. One that appeared since counts from its beginning, and so does
/// one whose counters went back: it was taken away and came again.
pub(crate) fn flowed(was: &Flows, is: &Flows) -> Flow {
    let mut sum = Flow::default();
    for (name, is) in is {
        let was = was.get(name).copied().unwrap_or_default();
        let again = is.in_bytes < was.in_bytes || is.out_bytes < was.out_bytes;
        let was = if again { Flow::default() } else { was };
        sum.in_bytes += is.in_bytes - was.in_bytes;
        sum.out_bytes += is.out_bytes - was.out_bytes;
    }
    sum
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

/// A disk of its own: not a partition, and not one made of others or of memory (loop, ram, zram,
/// device mapper, RAID), which have no device behind them.
fn is_physical(name: &str) -> bool {
    Path::new("/sys/block")
        .join(name.replace('/', "!"))
        .join("device")
        .exists()
}

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

fn text(path: &str) -> Option<Vec<u8>> {
    fs::read(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_leaves_out_waiting_and_guests() {
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
            "not known, rather than guessed"
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
    fn all_interfaces_count() {
        let text = "Inter-|   Receive                  |  Transmit\n \
                    face |bytes    packets errs drop fifo frame compressed multicast|bytes\n    \
                    lo: 500 5 0 0 0 0 0 0 600 5 0 0 0 0 0 0\n  \
                    eth0: 7 1 0 0 0 0 0 0 8 1 0 0 0 0 0 0\n";
        let flows = interface_flows(text.as_bytes()).expect("parse");
        assert_eq!(
            flowed(&Flows::new(), &flows),
            Flow {
                in_bytes: 507,
                out_bytes: 608
            }
        );
    }

    #[test]
    fn devices_come_and_go() {
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
        let was = flows(&[("a", 100, 100), ("b", 100, 100), ("gone", 50, 50)]);
        let is = flows(&[("a", 110, 130), ("b", 5, 200), ("new", 7, 9)]);
        let expected = Flow {
            in_bytes: 10 + 5 + 7,
            out_bytes: 30 + 200 + 9,
        };
        assert_eq!(flowed(&was, &is), expected);
    }

    #[test]
    fn the_first_reading_has_no_rates_and_the_second_sees_what_went_through_the_loopback() {
        use std::io::{Read, Write};
        const BYTES: usize = 1 << 20;
        let mut machine = Machine::begin();
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
