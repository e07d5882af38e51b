//! What is watched while a run goes on: the process under test, how it was found, and others beside it.

use brunt_engine::Origins;
use brunt_monitor::Monitor;

use crate::config::watch_config::{Aim, Aims, WatchOptions};
use crate::exit::{Failure, note};
use crate::system::demo_service::EmbeddedAgent;

/// What is watched.
pub(crate) struct Watched {
    aims: Aims,
    /// The process under test is the agent that brunt started.
    pub(crate) is_agent: bool,
}

impl Watched {
    /// The embedded agent, what was named, or whoever listens on the target's port of this machine; and what
    /// was named to be watched beside it.
    pub(crate) fn find(
        options: &WatchOptions,
        agent: Option<&EmbeddedAgent>,
        target: &Origins,
    ) -> Result<Self, Failure> {
        let mut aims = options.aims()?;
        if let Some(agent) = agent {
            let mut aim = Aim::process(agent.pid());
            "the embedded Application Agent".clone_into(&mut aim.words);
            aims.target = Some(aim);
        } else if aims.target.is_none() && target.is_local() {
            let port = target.url.port_or_known_default().unwrap_or(0);
            aims.target = Aim::listener(port).ok();
        }
        Ok(Self {
            aims,
            is_agent: agent.is_some(),
        })
    }

    /// The process under test, in words.
    pub(crate) fn words(&self) -> Option<String> {
        self.aims.target.as_ref().map(|aim| aim.words.clone())
    }

    /// What is watched beside it.
    pub(crate) fn beside(&self) -> Vec<brunt_record::AdditionalTarget> {
        let beside = self.aims.beside.iter();
        let named = |(name, aim): &(String, Aim)| brunt_record::AdditionalTarget {
            name: name.clone(),
            description: aim.words.clone(),
        };
        beside.map(named).collect()
    }

    /// Starts to watch.
    pub(crate) fn monitor(&self) -> Result<Monitor, Failure> {
        monitor(&self.aims)
    }
}

/// Starts to watch.
pub(crate) fn monitor(aims: &Aims) -> Result<Monitor, Failure> {
    let target = aims.target.as_ref().map(Aim::subject).transpose()?;
    let beside = aims.beside.iter().map(|(_, aim)| aim.subject());
    let beside = beside.collect::<Result<Vec<_>, _>>()?;
    Monitor::new(target, beside).map_err(|error| Failure::Input(error.to_string()))
}

/// Says what the monitor cannot see, once: what is not known has no value anywhere.
pub(crate) fn tell_unseen<'a>(
    unseen: &'a brunt_record::Unavailable,
    names: impl IntoIterator<Item = &'a str>,
) {
    for (whose, what) in unseen.each(names) {
        note(&format!(
            "note: of {} cannot be seen: {}",
            whose.description(),
            what.join("; ")
        ));
    }
}
