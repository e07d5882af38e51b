//! Several targets at once, control groups, run delay of threads, and the cost of a reading.

mod shell;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use brunt_monitor::{Monitor, MonitorError, MonitorTarget};
use brunt_record::ProcessReading;
use rustix::process::{Pid, Signal};
use rustix::time::{ClockId, clock_gettime};
use shell::{Shell, assert_close, poll};

#[test]
fn additional_targets_are_read_with_the_process_under_test() {
    let shells = [1, 2, 3].map(|descriptors: usize| {
        let opened = ["7</dev/null", "8</dev/null", "9</dev/null"];
        let opened = opened[..descriptors].join(" ");
        Shell::start(&format!("exec {opened}; kill -STOP $$; read go"))
    });
    shells.iter().for_each(Shell::wait_until_stopped);
    let [target, one, other] = &shells;
    let process = |shell: &Shell| MonitorTarget::Process(shell.pid());
    let additional = [process(one), process(other)];
    let mut monitor = Monitor::new(Some(process(target)), additional).expect("monitor");
    let reading = monitor.read(Duration::ZERO);
    let descriptors = |reading: &ProcessReading| reading.descriptors.expect("own children");
    let first = descriptors(reading.target.as_ref().expect("monitored"));
    let others: Vec<u64> = reading.additional_targets.iter().map(descriptors).collect();
    assert_eq!(others, [first + 1, first + 2]);

    let missing = MonitorTarget::Process(Pid::from_raw(i32::MAX).expect("an ID"));
    let error = Monitor::new(None, [process(one), missing]).expect_err("one does not exist");
    assert!(matches!(error, MonitorError::NoProcess(_)), "{error}");
}

#[test]
fn thread_without_idle_time_runs_or_waits() {
    // Three busy loops on one CPU: each has a third of it, and waits for the rest.
    let burners = thread::spawn(|| {
        brunt_monitor::pin_current_thread(&brunt_monitor::allowed_cpus()[..1]).expect("pin");
        [(); 3].map(|()| Shell::start("kill -STOP $$; while :; do :; done"))
    });
    let burners = burners.join().expect("join");
    burners.iter().for_each(Shell::wait_until_stopped);
    burners
        .iter()
        .for_each(|burner| burner.signal(Signal::CONT));
    let target = MonitorTarget::Process(burners[0].pid());
    let mut monitor = Monitor::new(Some(target), []).expect("monitor");
    let clock = Instant::now();
    let first = monitor.read(clock.elapsed()).target.expect("monitored");
    assert_eq!((first.run_delay_ms, first.cpu_cores), (None, None));
    thread::sleep(Duration::from_millis(1500));
    let at = clock.elapsed();
    let reading = monitor.read(at).target.expect("monitored");
    let elapsed_s = at.as_secs_f64();
    let ran_s = reading.cpu_cores.expect("second reading") * elapsed_s;
    let waited_s = reading.run_delay_ms.expect("second reading") / 1e3;
    assert!(waited_s > 0.2 * elapsed_s, "{waited_s} s of {elapsed_s} s");
    // A wait that lasts at the time of a reading is counted once the thread has run.
    let off_s = (ran_s + waited_s - elapsed_s).abs();
    assert!(
        off_s <= 0.02 * elapsed_s + 0.1,
        "{ran_s} + {waited_s} of {elapsed_s} s"
    );
}

/// A control group (version 2) for a test, which is removed after its processes have ended.
struct Group {
    folder: PathBuf,
}

impl Group {
    /// Creates a group; `None` if this user has no permission.
    fn create(name: &str) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
        let mut mounts = mounts.lines().map(|line| line.split(' '));
        let point = mounts.find_map(|mut words| {
            let point = words.nth(1)?;
            (words.next()? == "cgroup2").then(|| PathBuf::from(point))
        })?;
        let folder = point.join(format!("brunt-test-{name}-{}", std::process::id()));
        fs::create_dir(&folder).ok()?;
        Some(Self { folder })
    }

    fn add(&self, shell: &Shell) {
        let pid = shell.pid().as_raw_nonzero().to_string();
        fs::write(self.folder.join("cgroup.procs"), pid).expect("move a process");
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A group can be removed once its last process was waited for.
        let gone = |folder: &Path| fs::remove_dir(folder).is_ok() || !folder.exists();
        poll("the group to be empty", || gone(&self.folder).then_some(()));
    }
}

#[test]
fn control_group_counts_all_of_its_processes() {
    let name = "control group counts all of its processes";
    let Some(group) = Group::create("storm") else {
        return brunt_testbed::skip(name, "this user may not create a control group (version 2)");
    };
    // A fork storm: many children that run for a few milliseconds, between readings.
    let script = "kill -STOP $$
        burn() { j=0; while [ $j -lt $1 ]; do j=$((j + 1)); done; }
        i=0
        while [ $i -lt 60 ]; do
            burn 4000 & burn 3000 & (burn 2000 & burn 2000 & wait) & wait
            i=$((i + 1))
        done
        kill -STOP $$";
    let shell = Shell::run(Command::new("sh").args(["-c", script]));
    shell.wait_until_stopped();
    group.add(&shell);
    let target = MonitorTarget::ControlGroup(group.folder.clone());
    let mut monitor = Monitor::new(Some(target), []).expect("monitor the group");
    let clock = Instant::now();
    let mut last = clock.elapsed();
    let first = monitor.read(last).target.expect("monitored");
    assert_eq!((first.processes, first.cpu_cores), (1, None));
    let before_s = shell.cpu_seconds();

    shell.signal(Signal::CONT);
    let (mut cpu_s, mut most) = (0.0, 0);
    poll("the storm to end", || {
        if clock.elapsed() > last + Duration::from_millis(100) {
            let at = clock.elapsed();
            let reading = monitor.read(at).target.expect("monitored");
            cpu_s +=
                reading.cpu_cores.expect("not the first") * at.saturating_sub(last).as_secs_f64();
            most = most.max(reading.processes);
            last = at;
        }
        let over = shell.stat().state == 'T' && shell.cpu_seconds() > before_s + 0.2;
        over.then_some(())
    });
    let at = clock.elapsed();
    let reading = monitor.read(at).target.expect("monitored");
    cpu_s += reading.cpu_cores.expect("not the first") * at.saturating_sub(last).as_secs_f64();
    assert!(most > 2, "running children were read");
    assert_close(cpu_s, shell.cpu_seconds() - before_s);
    drop(shell);
    let empty = ProcessReading::default();
    drop(group);
    assert_eq!(
        monitor.read(clock.elapsed()).target,
        Some(empty),
        "the group was removed"
    );
}

#[test]
fn error_names_a_folder_that_is_not_a_control_group() {
    let folder = tempfile::tempdir().expect("folder");
    let target = MonitorTarget::ControlGroup(folder.path().to_owned());
    let error = Monitor::new(Some(target), []).expect_err("not a group");
    let shown = folder.path().display().to_string();
    assert!(error.to_string().starts_with(&shown), "{error}");
}

/// The goal is half a percent of a core for fifty processes that are read once per second.
#[test]
fn fifty_processes_are_read_in_five_milliseconds_of_cpu() {
    let script = "i=0; while [ $i -lt 49 ]; do sleep 300 & i=$((i + 1)); done; wait";
    let shell = Shell::start(script);
    let target = MonitorTarget::Process(shell.pid());
    let mut monitor = Monitor::new(Some(target), []).expect("monitor");
    let clock = Instant::now();
    poll("fifty processes", || {
        let reading = monitor.read(clock.elapsed()).target?;
        (reading.processes == 50).then_some(())
    });
    let cpu = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("not negative");
    // Other processes of this machine evict caches, so the minimum is the cost of the reading itself.
    let costs = (0..20).map(|_| {
        let before = cpu();
        monitor.read(clock.elapsed());
        cpu().saturating_sub(before)
    });
    let least = costs.min().expect("twenty readings");
    assert!(least <= Duration::from_millis(5), "{least:?}");
    println!("a reading of fifty processes: {least:?}");
}
