//! Cache of measured capacities: a small file. If it is missing, damaged or not writable, the capacity is measured again.

use std::fs;
use std::path::{Path, PathBuf};

use brunt_record::Machine;
use brunt_scenario::Network;
use serde::{Deserialize, Serialize};

use crate::run::placement::Placement;

/// Version of the file format; files of other versions are ignored.
const VERSION: u32 = 1;
/// Maximum number of entries; the latest are kept.
const ENTRIES_MAX: usize = 32;
/// Maximum size of the file; brunt writes no larger one.
const FILE_BYTES_MAX: u64 = 256 << 10;

/// Conditions of a measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    cpu_model: Option<String>,
    system: Option<String>,
    /// Number of cores that processes may use.
    machine_cores: Option<u32>,
    /// Cores that brunt is pinned to.
    cores: Vec<usize>,
    connections: String,
    brunt: String,
}

impl Key {
    pub(super) fn new(network: &Network, placement: &Placement, machine: &Machine) -> Self {
        let build = if cfg!(debug_assertions) { "+debug" } else { "" };
        Self {
            cpu_model: machine.cpu_model.clone(),
            system: machine.system.clone(),
            machine_cores: machine.cores,
            cores: placement.own.clone(),
            connections: network.in_words(),
            brunt: format!("{}{build}", env!("CARGO_PKG_VERSION")),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct CacheFile {
    version: u32,
    #[serde(rename = "ceilings")]
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(rename = "of")]
    key: Key,
    /// Requests per second of CPU time of one thread.
    rps: f64,
}

/// Cache file.
pub(super) struct Cache {
    path: PathBuf,
}

impl Cache {
    /// `$XDG_CACHE_HOME/brunt/ceiling.json`, or `~/.cache/…`; `None` if the user has no home directory.
    pub(super) fn of_user() -> Option<Self> {
        let folder = |name: &str| {
            let path = PathBuf::from(std::env::var_os(name)?);
            path.is_absolute().then_some(path)
        };
        let home = || Some(folder("HOME")?.join(".cache"));
        Some(Self::in_folder(
            &folder("XDG_CACHE_HOME").or_else(home)?.join("brunt"),
        ))
    }

    fn in_folder(folder: &Path) -> Self {
        Self {
            path: folder.join("ceiling.json"),
        }
    }

    /// Returns a capacity from the cache.
    pub(super) fn find(&self, key: &Key) -> Option<f64> {
        let entries = self.read();
        let found = entries.iter().rev().find(|entry| entry.key == *key)?;
        (found.rps.is_finite() && found.rps > 0.0).then_some(found.rps)
    }

    /// Stores a capacity. If that is not possible, the next search measures it again.
    pub(super) fn store(&self, key: Key, rps: f64) {
        let mut entries = self.read();
        entries.retain(|entry| entry.key != key);
        entries.push(Entry { key, rps });
        let first = entries.len().saturating_sub(ENTRIES_MAX);
        let file = CacheFile {
            version: VERSION,
            entries: entries.split_off(first),
        };
        let Some(folder) = self.path.parent() else {
            return;
        };
        // Each process writes a file of its own and renames it, so that readers see a complete file.
        let new = folder.join(format!("ceiling.json.{}", std::process::id()));
        let written = fs::create_dir_all(folder)
            .and_then(|()| fs::write(&new, serde_json::to_vec_pretty(&file)?))
            .and_then(|()| fs::rename(&new, &self.path));
        if written.is_err() {
            fs::remove_file(&new).ok();
        }
    }

    /// Reads the entries; none if the file is unusable.
    fn read(&self) -> Vec<Entry> {
        let is_small = fs::metadata(&self.path).is_ok_and(|file| file.len() <= FILE_BYTES_MAX);
        let text = is_small.then(|| fs::read(&self.path).ok()).flatten();
        let file = text.and_then(|text| serde_json::from_slice::<CacheFile>(&text).ok());
        file.filter(|file| file.version == VERSION)
            .map_or_else(Vec::new, |file| file.entries)
    }
}

#[cfg(test)]
mod tests {
    use brunt_scenario::Connections;

    use super::*;

    fn key(connections: Connections, cores: &[usize]) -> Key {
        let placement = Placement {
            threads: 1,
            processes: 1,
            own: cores.to_vec(),
            agent: Vec::new(),
        };
        let network = Network {
            connections,
            ..Network::default()
        };
        Key::new(&network, &placement, &Machine::default())
    }

    #[test]
    fn capacity_is_found_only_under_the_same_conditions() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::in_folder(&folder.path().join("new/brunt"));
        let own = key(Connections::PerUser, &[0]);
        assert_eq!(cache.find(&own), None);
        cache.store(own.clone(), 40_000.0);
        cache.store(key(Connections::PerRequest, &[0]), 9_000.0);
        cache.store(own.clone(), 41_000.0);
        assert_eq!(cache.find(&own), Some(41_000.0));
        assert_eq!(
            cache.find(&key(Connections::PerRequest, &[0])),
            Some(9_000.0)
        );
        assert_eq!(cache.find(&key(Connections::PerUser, &[1])), None);
        assert_eq!(cache.read().len(), 2);
        for core in 0..100 {
            cache.store(key(Connections::PerUser, &[core]), 1.0);
        }
        assert_eq!(cache.read().len(), ENTRIES_MAX);
        let files = fs::read_dir(folder.path().join("new/brunt")).unwrap();
        assert_eq!(files.count(), 1, "no temporary file is left");
    }

    #[test]
    fn damaged_or_unwritable_file_counts_as_missing() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::in_folder(folder.path());
        let own = key(Connections::PerUser, &[]);
        for text in [
            "",
            "{",
            "[]",
            r#"{"version":2,"ceilings":[]}"#,
            r#"{"version":1,"ceilings":[{}]}"#,
        ] {
            fs::write(&cache.path, text).unwrap();
            assert_eq!(cache.find(&own), None, "{text}");
        }
        cache.store(own.clone(), 5.0);
        assert_eq!(cache.find(&own), Some(5.0));
        cache.store(own.clone(), -1.0);
        assert_eq!(cache.find(&own), None, "a negative rate is invalid");
        fs::write(folder.path().join("a file"), "").unwrap();
        let unwritable = Cache::in_folder(&folder.path().join("a file/brunt"));
        unwritable.store(own.clone(), 5.0);
        assert_eq!(unwritable.find(&own), None);
    }
}
