//! Memory for each user that waits: peak resident memory with many users, less that with one.

use std::path::Path;

use super::child::{NullServer, run_on};
use super::throughput::brunt_arguments;
use crate::release::CLIENT_CORE;

/// What was measured.
pub(super) struct Memory {
    pub(super) users: u32,
    pub(super) with_one_kib: u64,
    pub(super) with_all_kib: u64,
}

impl Memory {
    /// KiB for each user.
    pub(super) fn per_user_kib(&self) -> f64 {
        (self.with_all_kib as f64 - self.with_one_kib as f64) / f64::from(self.users - 1)
    }
}

pub(super) fn of_waiting_users(brunt: &Path, folder: &Path, users: u32) -> anyhow::Result<Memory> {
    let with_one_kib = peak(brunt, folder, 1)?;
    let with_all_kib = peak(brunt, folder, users)?;
    let memory = Memory {
        users,
        with_one_kib,
        with_all_kib,
    };
    println!(
        "memory: {:.1} KiB for each of {users} waiting users",
        memory.per_user_kib()
    );
    Ok(memory)
}

fn peak(brunt: &Path, folder: &Path, users: u32) -> anyhow::Result<u64> {
    let scenario = folder.join("waiting.toml");
    std::fs::write(
        &scenario,
        format!(
            "[users.calm]\nwait = \"1s..3s\"\n[[users.calm.tasks]]\nget = \"/\"\n\
             [profiles.waiting]\nusers = {users}\nspawn_rate = 2000\nduration = \"8s\"\n"
        ),
    )?;
    let server = NullServer::start()?;
    let arguments = brunt_arguments(&scenario, folder, "waiting", &server.url);
    let ended = run_on(CLIENT_CORE, brunt, &arguments)?;
    server.stop()?;
    Ok(ended.rss_kib_max)
}
