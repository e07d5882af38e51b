//! Readings of the process that the monitor runs in. There is only one test, since others would run as threads of the same
//! process.

mod shell;

use std::thread;
use std::time::{Duration, Instant};

use brunt_monitor::Monitor;
use rustix::time::{ClockId, clock_gettime};
use shell::{Shell, poll};

fn cpu_s(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    let seconds = Duration::try_from(time).expect("not negative");
    seconds.as_secs_f64()
}

#[test]
fn own_process_counts_without_its_children() {
    const BYTES: u64 = 256 << 20;
    let mut monitor = Monitor::new(None, []).expect("monitor");
    let clock = Instant::now();
    let started = clock.elapsed();
    let first = monitor.read(started);
    assert_eq!(first.target, None);
    let first = first.generator.expect("always there");
    let own_before_s = cpu_s(ClockId::ProcessCPUTime);

    // A child with a busy loop that is waited for, and an own thread with a busy loop.
    let shell = Shell::start("while :; do :; done");
    let burner = thread::spawn(|| {
        while cpu_s(ClockId::ThreadCPUTime) < 0.7 {}
        cpu_s(ClockId::ThreadCPUTime)
    });
    poll("the child to burn", || {
        (shell.cpu_seconds() > 1.0).then_some(())
    });
    poll("the thread to burn", || burner.is_finished().then_some(()));
    let at = clock.elapsed();
    let second = monitor.read(at).generator.expect("always there");
    let own_s = cpu_s(ClockId::ProcessCPUTime) - own_before_s;
    burner.join().expect("join");
    drop(shell);

    assert_eq!(second.processes, 1);
    let percent = second.cpu_percent.expect("second reading");
    let elapsed_s = at.as_secs_f64() - started.as_secs_f64();
    let measured_s = percent / 100.0 * second.cores.expect("cores") * elapsed_s;
    assert!(
        (measured_s - own_s).abs() < 0.02 * own_s + 0.02,
        "{measured_s} s measured, {own_s} s used"
    );

    // The child was waited for, and its usage is still not counted.
    let own_before_s = cpu_s(ClockId::ProcessCPUTime);
    let third_at = clock.elapsed();
    let third = monitor.read(third_at).generator.expect("always there");
    let own_s = cpu_s(ClockId::ProcessCPUTime) - own_before_s;
    let percent = third.cpu_percent.expect("third reading");
    let elapsed_s = third_at.as_secs_f64() - at.as_secs_f64();
    let measured_s = percent / 100.0 * third.cores.expect("cores") * elapsed_s;
    assert!(
        measured_s < own_s + 0.1,
        "{measured_s} s, although the child used more than 1 s"
    );

    let block = vec![1_u8; usize::try_from(BYTES).expect("fits")];
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let waiting = thread::spawn(move || wait.recv().is_err());
    let grown = monitor
        .read(clock.elapsed())
        .generator
        .expect("always there");
    let rss = grown.rss_bytes.expect("own") - third.rss_bytes.expect("own");
    assert!(rss.abs_diff(BYTES) <= BYTES / 100, "{rss} of {BYTES} bytes");
    assert_eq!(grown.threads, third.threads.map(|threads| threads + 1));
    assert_eq!(grown.descriptors, first.descriptors, "a reading opens none");
    assert_eq!(
        block.iter().map(|byte| u64::from(*byte)).sum::<u64>(),
        BYTES
    );
    drop(go_on);
    assert!(waiting.join().expect("join"));
}
