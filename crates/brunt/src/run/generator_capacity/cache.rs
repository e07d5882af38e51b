//! Cache of measured capacities: a small file. If it is lost, damaged or not writable, the capacity is measured again.

use std::fs;
use std::path::{Path, PathBuf};

use brunt_record::Machine;
use brunt_scenario::Network;
use serde::{Deserialize, Serialize};

use crate::run::placement::Placement;

/// Of the file; another one is not read.
const VERSION: u32 = 1;
/// Number of entries that are kept, the latest.
const ENTRIES_MAX: usize = 32;
/// A larger file was not written by brunt, in bytes.
const FILE_MAX: u64 = 256 << 10;

/// What a capacity depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    cpu_model: Option<String>,
    system: Option<String>,
    /// Cores that processes may use.
    machine_cores: Option<u32>,
    /// The cores that brunt is pinned to.
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
    ceilings: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    of: Key,
    /// Requests per second of CPU time of one thread.
    rps: f64,
}

/// Cache file.
pub(super) struct Cache {
    path: PathBuf,
}

impl Cache {
    /// `$XDG_CACHE_HOME/brunt/ceiling.json`, else `~/.cache/…`; `None` where the user has no home.
    pub(super) fn of_the_user() -> Option<Self> {
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
        let ceilings = self.read();
        let found = ceilings.iter().rev().find(|ceiling| ceiling.of == *key)?;
        (found.rps.is_finite() && found.rps > 0.0).then_some(found.rps)
    }

    /// Stores a capacity. If that is not possible, the next search measures it again.
    pub(super) fn keep(&self, key: Key, rps: f64) {
        let mut ceilings = self.read();
        ceilings.retain(|ceiling| ceiling.of != key);
        ceilings.push(Entry { of: key, rps });
        let first = ceilings.len().saturating_sub(ENTRIES_MAX);
        let kept = CacheFile {
            version: VERSION,
            ceilings: ceilings.split_off(first),
        };
        let Some(folder) = self.path.parent() else {
            return;
        };
        // Each brunt writes a file of its own and puts it in the place of the old one, whole.
        let new = folder.join(format!("ceiling.json.{}", std::process::id()));
        let written = fs::create_dir_all(folder)
            .and_then(|()| fs::write(&new, serde_json::to_vec_pretty(&kept)?))
            .and_then(|()| fs::rename(&new, &self.path));
        if written.is_err() {
            fs::remove_file(&new).ok();
        }
    }

    /// What can be read.
    fn read(&self) -> Vec<Entry> {
        let is_small = fs::metadata(&self.path).is_ok_and(|file| file.len() <= FILE_MAX);
        let text = is_small.then(|| fs::read(&self.path).ok()).flatten();
        let kept = text.and_then(|text| serde_json::from_slice::<CacheFile>(&text).ok());
        kept.filter(|kept| kept.version == VERSION)
            .map_or_else(Vec::new, |kept| kept.ceilings)
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
    fn what_is_kept_is_found_by_all_that_it_depends_on() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::in_folder(&folder.path().join("new/brunt"));
        let own = key(Connections::PerUser, &[0]);
        assert_eq!(cache.find(&own), None);
        cache.keep(own.clone(), 40_000.0);
        cache.keep(key(Connections::PerRequest, &[0]), 9_000.0);
        cache.keep(own.clone(), 41_000.0);
        assert_eq!(cache.find(&own), Some(41_000.0));
        assert_eq!(
            cache.find(&key(Connections::PerRequest, &[0])),
            Some(9_000.0)
        );
        assert_eq!(cache.find(&key(Connections::PerUser, &[1])), None);
        assert_eq!(cache.read().len(), 2);
        for core in 0..100 {
            cache.keep(key(Connections::PerUser, &[core]), 1.0);
        }
        assert_eq!(cache.read().len(), ENTRIES_MAX);
        let files = fs::read_dir(folder.path().join("new/brunt")).unwrap();
        assert_eq!(files.count(), 1, "nothing is left beside the file");
    }

    #[test]
    fn a_file_that_is_damaged_or_cannot_be_written_is_as_none() {
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
        cache.keep(own.clone(), 5.0);
        assert_eq!(cache.find(&own), Some(5.0));
        cache.keep(own.clone(), -1.0);
        assert_eq!(cache.find(&own), None, "no machine makes that");
        fs::write(folder.path().join("a file"), "").unwrap();
        let nowhere = Cache::in_folder(&folder.path().join("a file/brunt"));
        nowhere.keep(own.clone(), 5.0);
        assert_eq!(nowhere.find(&own), None);
    }
}
