//! Registry of child processes, which are killed if brunt has to exit at once, even if they are stopped (SIGSTOP).

use std::process::Child;
use std::sync::{Mutex, PoisonError};

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

/// Registers a child.
pub(crate) fn register(child: &Child) -> Registration {
    add(child, false)
}

/// Registers a child that leads a process group, with the group.
pub(crate) fn register_group(child: &Child) -> Registration {
    add(child, true)
}

fn add(child: &Child, is_group: bool) -> Registration {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let child = id.map(|id| ChildId { id, is_group });
    children().extend(child);
    Registration(child)
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

/// Kills all registered children.
pub(crate) fn kill_all() {
    for child in children().drain(..) {
        child.kill();
    }
}

fn children() -> std::sync::MutexGuard<'static, Vec<ChildId>> {
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
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn registered_children_are_killed_even_if_stopped() {
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
