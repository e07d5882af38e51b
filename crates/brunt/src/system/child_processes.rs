//! Registry of child processes, which are killed if brunt has to exit at once, even if they are stopped (SIGSTOP).

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

/// Registered child processes. They were not waited for, so that their ids cannot have been reused.
static CHILDREN: Mutex<Vec<ChildId>> = Mutex::new(Vec::new());

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ChildId {
    id: Pid,
    /// Whether to kill its process group, which it leads.
    is_group: bool,
}

impl ChildId {
    fn kill(self) {
        // The process may have ended already.
        if self.is_group {
            kill_process_group(self.id, Signal::KILL).ok();
        } else {
            kill_process(self.id, Signal::KILL).ok();
        }
    }
}

/// Registration of a child. Drop it before you wait for the child.
#[derive(Debug)]
pub(crate) struct Registration(Option<ChildId>);

/// Starts a child in a process group of its own, so that Ctrl-C reaches only brunt, and registers it.
pub(crate) fn spawn(command: &mut Command) -> io::Result<(Child, Registration)> {
    start(command, false)
}

/// Starts a child like [`spawn`], and registers it with its own child processes.
pub(crate) fn spawn_group(command: &mut Command) -> io::Result<(Child, Registration)> {
    start(command, true)
}

fn start(command: &mut Command, is_group: bool) -> io::Result<(Child, Registration)> {
    // Locked from the start to the registration: brunt cannot exit in between and leave the child behind.
    let mut children = children();
    let child = command.process_group(0).spawn()?;
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let registered = id.map(|id| ChildId { id, is_group });
    children.extend(registered);
    Ok((child, Registration(registered)))
}

/// Whether a child has ended. Does not wait for it, so that its id is not reused.
pub(crate) fn has_ended(child: &Child) -> bool {
    let Some(id) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return true;
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // An error means that the child was already waited for.
    !matches!(waitid(WaitId::Pid(id), options), Ok(None))
}

/// No child can be started or waited for while it exists.
pub(crate) struct NoNewChildren(
    #[expect(dead_code, reason = "held")] MutexGuard<'static, Vec<ChildId>>,
);

/// Kills all registered children.
pub(crate) fn kill_all() -> NoNewChildren {
    let mut children = children();
    for child in children.drain(..) {
        child.kill();
    }
    NoNewChildren(children)
}

fn children() -> MutexGuard<'static, Vec<ChildId>> {
    // A panic cannot leave the list inconsistent.
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(dropped) = self.0.take() {
            children().retain(|child| *child != dropped);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;
    use std::time::Duration;

    use brunt_testbed::wait_until;

    use super::*;

    const BOUND: Duration = Duration::from_secs(10);

    /// The registry belongs to the whole process.
    static ALONE: Mutex<()> = Mutex::new(());

    fn sleeper() -> Command {
        let mut sleeper = Command::new("sleep");
        sleeper.arg("60").stdin(Stdio::null());
        sleeper
    }

    #[test]
    fn registered_children_are_killed_even_if_stopped() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut alone, kept) = spawn(&mut sleeper()).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 600 & wait"]);
        let (mut group, _kept) = spawn_group(&mut shell).unwrap();
        let (mut spared, dropped) = spawn(&mut sleeper()).unwrap();
        drop(dropped);
        assert!(!has_ended(&alone));
        let Some(known) = kept.0 else {
            panic!("it has an id")
        };
        kill_process(known.id, Signal::STOP).unwrap();
        drop(kill_all());
        for child in [&mut alone, &mut group] {
            wait_until(BOUND, "its end", || has_ended(child).then_some(()));
            let status = child.wait().unwrap();
            assert!(!status.success(), "{status}");
        }
        assert_eq!(spared.try_wait().unwrap(), None);
        spared.kill().unwrap();
        spared.wait().unwrap();
    }

    /// Ids of the processes that a thread of this process has started and that run.
    fn running_children(thread: i32) -> Vec<u32> {
        let path = format!("/proc/self/task/{thread}/children");
        // Its last children are still registered when it has ended.
        let ids = std::fs::read_to_string(path).unwrap_or_default();
        let ids = ids.split_whitespace().map(|id| id.parse().unwrap());
        ids.filter(|id| {
            std::fs::read_to_string(format!("/proc/{id}/stat"))
                .is_ok_and(|stat| !stat.contains(") Z"))
        })
        .collect()
    }

    #[test]
    fn child_that_is_being_started_is_killed_too() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        std::thread::scope(|scope| {
            let (to, thread) = std::sync::mpsc::channel();
            let starting = scope.spawn(move || {
                to.send(rustix::thread::gettid().as_raw_nonzero().get())
                    .unwrap();
                let start = |_| spawn(&mut sleeper()).unwrap();
                (0..300).map(start).collect::<Vec<_>>()
            });
            let thread = thread.recv().unwrap();
            while !starting.is_finished() {
                let held = kill_all();
                wait_until(BOUND, "the end of all children", || {
                    running_children(thread).is_empty().then_some(())
                });
                drop(held);
            }
            for (mut child, registration) in starting.join().unwrap() {
                drop(registration);
                child.kill().unwrap();
                child.wait().unwrap();
            }
        });
    }
}
