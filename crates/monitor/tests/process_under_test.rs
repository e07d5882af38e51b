//! Readings of processes, compared with the truth from other interfaces of the kernel.

mod shell;

use std::process::Command;
use std::thread;
use std::time::Instant;

use brunt_monitor::{Monitor, MonitorError, MonitorTarget};
use brunt_record::ProcessReading;
use rustix::process::{Pid, Signal, kill_process};
use shell::{Shell, assert_close, poll};

/// A monitor of a shell with its clock.
struct ShellMonitor {
    monitor: Monitor,
    clock: Instant,
    last_s: f64,
    cpu_s: f64,
    written_bytes: u64,
}

impl ShellMonitor {
    fn new(shell: &Shell) -> Self {
        let target = MonitorTarget::Process(shell.pid());
        let monitor = Monitor::new(Some(target), []).expect("monitor the shell");
        Self {
            monitor,
            clock: Instant::now(),
            last_s: 0.0,
            cpu_s: 0.0,
            written_bytes: 0,
        }
    }

    /// Takes a reading and adds the used resources.
    fn read(&mut self) -> ProcessReading {
        let at = self.clock.elapsed();
        let reading = self.monitor.read(at).target.expect("a monitored process");
        let elapsed_s = at.as_secs_f64() - self.last_s;
        self.last_s = at.as_secs_f64();
        if let (Some(percent), Some(cores)) = (reading.cpu_percent, reading.cores) {
            assert!((0.0..=100.0).contains(&percent), "{percent} %");
            self.cpu_s += percent / 100.0 * cores * elapsed_s;
        }
        self.written_bytes += reading.disk_written_bytes.unwrap_or(0);
        reading
    }
}

#[test]
fn cpu_of_a_busy_loop_is_measured() {
    let shell = Shell::start("kill -STOP $$; while :; do :; done");
    shell.wait_until_stopped();
    let mut watch = ShellMonitor::new(&shell);
    let first = watch.read();
    assert_eq!(first.cpu_percent, None, "nothing to compare with");
    assert_eq!(first.busiest_thread_percent, None);
    assert_eq!(
        (first.disk_read_bytes, first.disk_written_bytes),
        (None, None)
    );
    let before_s = shell.cpu_seconds();

    shell.signal(Signal::CONT);
    poll("CPU to be burnt", || {
        (shell.cpu_seconds() - before_s > 1.5).then_some(())
    });
    shell.signal(Signal::STOP);
    shell.wait_until_stopped();

    let started_s = watch.last_s;
    let reading = watch.read();
    let truth_s = shell.cpu_seconds() - before_s;
    assert_close(watch.cpu_s, truth_s);
    let busiest = reading.busiest_thread_percent.expect("second reading");
    assert_close(busiest / 100.0 * (watch.last_s - started_s), truth_s);
    assert_eq!((reading.processes, reading.threads), (1, Some(1)));

    let idle = watch.read();
    assert_eq!(
        idle.cpu_percent,
        Some(0.0),
        "a stopped process uses nothing"
    );
}

#[test]
fn cpu_percent_refers_to_the_allowed_cores() {
    // A child inherits the affinity of the thread that starts it.
    let pinned = thread::spawn(|| {
        brunt_monitor::pin_current_thread(&brunt_monitor::allowed_cpus()[..1]).expect("pin");
        Shell::start("kill -STOP $$; while :; do :; done")
    });
    let shell = pinned.join().expect("join");
    shell.wait_until_stopped();
    let mut watch = ShellMonitor::new(&shell);
    watch.read();
    let before_s = shell.cpu_seconds();
    shell.signal(Signal::CONT);
    poll("CPU to be burnt", || {
        (shell.cpu_seconds() - before_s > 0.5).then_some(())
    });
    let reading = watch.read();
    assert_eq!(reading.cores, Some(1.0));
    // One thread on one core: its share of that core is the process's share of its cores.
    let percent = reading.cpu_percent.expect("second reading");
    let busiest = reading.busiest_thread_percent.expect("second reading");
    assert!(
        (percent - busiest).abs() <= 3.0,
        "{percent} % and {busiest} %"
    );
}

#[test]
fn children_that_start_and_end_count_once() {
    // Busy loops of a few milliseconds, one after the other and in pairs, some nested; each writes.
    let file = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).expect("file");
    let script = r#"
        burn() { j=0; while [ $j -lt $1 ]; do j=$((j + 1)); done; }
        write() { head -c 65536 /dev/zero >> "$FILE"; }
        kill -STOP $$
        i=0
        while [ $i -lt 120 ]; do
            (burn 20000; write)
            (burn 3000; (burn 9000; write); burn 1000) & wait
            i=$((i + 1))
        done
        kill -STOP $$
    "#;
    let shell = Shell::run(
        Command::new("sh")
            .args(["-c", script])
            .env("FILE", file.path()),
    );
    shell.wait_until_stopped();
    let mut watch = ShellMonitor::new(&shell);
    watch.read();
    let before_s = shell.cpu_seconds();
    let written_before = written_bytes(&shell);

    shell.signal(Signal::CONT);
    let mut most_processes = 0;
    poll("the storm to end", || {
        // Rare enough that the ticks of the kernel do not add up to more than 100 %.
        if watch.clock.elapsed().as_secs_f64() - watch.last_s > 0.1 {
            let reading = watch.read();
            assert!(
                reading.cpu_percent.is_some(),
                "children do not prevent a reading: {reading:?}"
            );
            most_processes = most_processes.max(reading.processes);
        }
        let over = shell.stat().state == 'T' && shell.cpu_seconds() > before_s + 0.2;
        over.then_some(())
    });
    watch.read();

    let truth_s = shell.cpu_seconds() - before_s;
    assert!(most_processes > 1, "running children were read");
    assert_close(watch.cpu_s, truth_s);
    assert_eq!(watch.written_bytes, written_bytes(&shell) - written_before);
}

/// Bytes written by the shell and the children that it waited for.
fn written_bytes(shell: &Shell) -> u64 {
    let process = procfs::process::Process::new(shell.pid().as_raw_nonzero().get());
    process
        .and_then(|process| process.io())
        .expect("io of the shell")
        .write_bytes
}

#[test]
fn memory_of_an_allocation_is_measured() {
    const BYTES: u64 = 512 << 20;
    // dd reads one block into memory and cannot write it, since the pipe is not read.
    let script = "kill -STOP $$; dd if=/dev/zero bs=536870912 count=1 2>/dev/null; :";
    let mut shell = Shell::start(script);
    let output = shell.output();
    shell.wait_until_stopped();
    let mut watch = ShellMonitor::new(&shell);
    let before = watch.read();
    let grown = |reading: &ProcessReading| {
        let rss = reading.rss_bytes?.checked_sub(before.rss_bytes?)?;
        let anonymous = reading
            .anonymous_bytes?
            .checked_sub(before.anonymous_bytes?)?;
        Some((rss, anonymous))
    };
    let near = |bytes: u64| bytes.abs_diff(BYTES) <= BYTES / 100;

    shell.signal(Signal::CONT);
    poll("the block to be in memory", || {
        let (rss, anonymous) = grown(&watch.read())?;
        (near(rss) && near(anonymous)).then_some(())
    });
    for _ in 0..3 {
        let reading = watch.read();
        let (rss, anonymous) = grown(&reading).expect("memory");
        assert!(
            near(rss) && near(anonymous),
            "{rss} and {anonymous} of {BYTES} bytes"
        );
        assert_eq!(reading.processes, 2);
    }
    drop(output);
    poll("the block to be gone", || {
        (watch.read().rss_bytes? < BYTES / 2).then_some(())
    });
}

#[test]
fn descriptors_are_counted() {
    let script = "kill -STOP $$; exec 7</dev/null 8</dev/null 9</dev/null; read go";
    let shell = Shell::start(script);
    shell.wait_until_stopped();
    let mut watch = ShellMonitor::new(&shell);
    let before = watch.read().descriptors.expect("own child");
    shell.signal(Signal::CONT);
    poll("three more descriptors", || {
        (watch.read().descriptors? == before + 3).then_some(())
    });
}

#[test]
fn child_whose_parent_ended_is_still_counted() {
    let shell = Shell::start("sh -c 'sleep 300; :'; read go");
    let mut watch = ShellMonitor::new(&shell);
    poll("three generations", || {
        (watch.read().processes == 3).then_some(())
    });
    let pid = shell.pid().as_raw_nonzero().get();
    let middle = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let middle = middle.expect("children").trim().parse().expect("one child");
    kill_process(Pid::from_raw(middle).expect("pid"), Signal::KILL).expect("end the parent");
    poll("two processes", || {
        (watch.read().processes == 2).then_some(())
    });
    assert_eq!(watch.read().processes, 2, "the grandchild still runs");
}

#[test]
fn process_that_ended_has_no_values() {
    let mut shell = Shell::start("read go");
    let mut watch = ShellMonitor::new(&shell);
    watch.read();
    assert!(watch.read().cpu_percent.is_some());
    shell.send("go");
    // The process has ended and was not waited for, so it still has an entry in /proc.
    shell.wait_for_state('Z');
    assert_eq!(watch.read(), ProcessReading::default());
    shell.end();
    assert_eq!(watch.read(), ProcessReading::default());
    assert_eq!(watch.read(), ProcessReading::default(), "later as well");

    let target = MonitorTarget::Process(shell.pid());
    let error = Monitor::new(Some(target), []).expect_err("the ID is unused");
    assert!(matches!(error, MonitorError::NoProcess(pid) if pid == shell.pid()));
    assert_eq!(
        error.to_string(),
        format!(
            "no process has the ID {}: use the ID of a running process, or the port that it listens on",
            shell.pid()
        )
    );
}
