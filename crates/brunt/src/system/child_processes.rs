//! Child processes, known by their ids: when brunt has to end at once, they are killed, even those that are stopped.

use std::process::Child;
use std::sync::{Mutex, PoisonError};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

/// Child processes that run and were not waited for, so that their ids are theirs.
static CHILDREN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    id: Pid,
    /// It leads a process group, all of which is its own.
    is_group: bool,
}

impl Known {
    fn kill(self) {
        // It may have ended already.
        if self.is_group {
            kill_process_group(self.id, Signal::KILL).ok();
        } else {
            kill_process(self.id, Signal::KILL).ok();
        }
    }
}

/// A child that is killed with brunt. Drop this before the child is waited for.
#[derive(Debug)]
pub(crate) struct Registration(Option<Known>);

/// Has a child killed if brunt has to end at once.
pub(crate) fn register(child: &Child) -> Registration {
    enter(child, false)
}

/// The same for a child that leads a process group, and all of the group.
pub(crate) fn register_group(child: &Child) -> Registration {
    enter(child, true)
}

fn enter(child: &Child, is_group: bool) -> Registration {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let known = id.map(|id| Known { id, is_group });
    children().extend(known);
    Registration(known)
}

/// Whether a child has ended. It is not waited for, so that its id stays its own.
pub(crate) fn has_ended(child: &Child) -> bool {
    let Some(id) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return true;
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // Where there is nothing to wait for, it was waited for.
    !matches!(waitid(WaitId::Pid(id), options), Ok(None))
}

/// Kills all that are registered.
pub(crate) fn kill_all() {
    for child in children().drain(..) {
        child.kill();
    }
}

fn children() -> std::sync::MutexGuard<'static, Vec<Known>> {
    // A list of ids is never half changed.
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(known) = self.0.take() {
            children().retain(|child| *child != known);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn registered_children_are_killed_though_they_are_stopped() {
        let mut sleeper = Command::new("sleep");
        let mut alone = sleeper.arg("600").stdin(Stdio::null()).spawn().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 600 & wait"]).process_group(0);
        let mut group = shell.spawn().unwrap();
        let mut spared = sleeper.spawn().unwrap();
        let kept = [register(&alone), register_group(&group)];
        drop(register(&spared));
        assert!(!has_ended(&alone));
        let Some(known) = kept[0].0 else {
            panic!("it has an id")
        };
        kill_process(known.id, Signal::STOP).unwrap();
        kill_all();
        for child in [&mut alone, &mut group] {
            brunt_testbed::wait_until(std::time::Duration::from_secs(10), "its end", || {
                has_ended(child).then_some(())
            });
            let status = child.wait().unwrap();
            assert!(!status.success(), "{status}");
        }
        assert_eq!(spared.try_wait().unwrap(), None);
        spared.kill().unwrap();
        spared.wait().unwrap();
    }
}
