//! The run record: everything a run leaves. It is stored, judged and rendered as it is.

use crate::{
    Command, Ending, Event, Header, Load, LoadLevel, Measure, Outcome, Readings, RequestName,
    Scope, Subject, Timeline,
};

/// Everything a run leaves.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// What was known when the run began.
    pub header: Header,
    /// What was recorded.
    pub timeline: Timeline,
    /// What the monitor saw, in the order of time.
    pub readings: Readings,
    /// What the run was told to do, in the order of time.
    pub events: Vec<Event>,
    /// How the run ended; `None` where the record breaks off before its end.
    pub ending: Option<Ending>,
}

impl RunRecord {
    /// The record of a run that is about to begin.
    pub fn new(header: Header) -> Self {
        let timeline = Timeline::new(header.names.clone());
        Self {
            header,
            timeline,
            readings: Readings::default(),
            events: Vec::new(),
            ending: None,
        }
    }

    /// How long load was made, in seconds: up to the moment at which it was stopped.
    pub fn duration_s(&self) -> f64 {
        match &self.ending {
            Some(ending) => ending.load_ended_ms as f64 / 1e3,
            None => self.timeline.seconds().len() as f64,
        }
    }

    /// The levels that were told to the engine, in the order of time.
    pub fn levels(&self) -> impl Iterator<Item = &LoadLevel> {
        self.events.iter().filter_map(|event| match &event.command {
            Command::Level(level) => Some(level),
            Command::Stop | Command::Abort => None,
        })
    }

    /// The load as it was planned, steered and extended.
    pub fn load(&self) -> Load {
        let mut load = match self.header.load.until_decided_s {
            Some(_) => self.header.load.extended_to(self.duration_s()),
            None => self.header.load.clone(),
        };
        self.levels().for_each(|level| load.steer(level));
        load
    }

    /// Judged requests and tasks that ended from one moment to another, in seconds of the run's clock. No task
    /// at all: none ended, or the record does not count them.
    pub fn requests_and_tasks(&self, from_s: f64, to_s: f64) -> (u64, u64) {
        let seconds = self.timeline.seconds().range(whole(from_s)..whole(to_s));
        seconds.fold((0, 0), |(requests, tasks), second| {
            (requests + second.requests(), tasks + second.tasks)
        })
    }

    /// What the monitor could not see, of whom; nothing where the record breaks off before its end.
    pub fn unavailable(&self) -> impl Iterator<Item = (Subject<'_>, &[String])> {
        let additional = self.header.generator.additional_targets.iter();
        let names = additional.map(|additional| additional.name.as_str());
        let unavailable = self.ending.as_ref().map(|ending| &ending.unavailable);
        unavailable
            .into_iter()
            .flat_map(move |unavailable| unavailable.each(names.clone()))
    }

    /// Number of requests that got a complete response, accepted or not; requests of the set-up and of `on_start`
    /// count as well. 0: the host never spoke to brunt as it should (a wrong certificate, HTTPS against an HTTP port,
    /// a server that hangs), so nothing was measured.
    pub fn answered(&self) -> u64 {
        let totals = self.timeline.name_totals().iter();
        let of_requests = totals.filter(|totals| {
            let name = self.timeline.names().get(totals.name.index());
            name.is_some_and(RequestName::is_of_requests)
        });
        of_requests
            .map(|totals| {
                let scope = Scope::Name(totals.name);
                let count = |outcome| {
                    let ended = self.timeline.histogram(scope, Measure::Response, outcome);
                    ended.count()
                };
                let responses = count(Outcome::Ok) + count(Outcome::Failed);
                // A request whose expressions could not be evaluated failed without being sent.
                responses.min(totals.wire_requests)
            })
            .sum()
    }

    /// The seconds over which throughput is counted: while load was made, and until the last request
    /// of it that was answered well.
    pub fn throughput_s(&self) -> f64 {
        self.duration_s()
            .max(self.timeline.last_ok_ns() as f64 / 1e9)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and moments of a run are not negative"
)]
fn whole(at_s: f64) -> usize {
    at_s as usize
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        FailureKind, Generator, Machine, NameId, NameKind, Sample, SecondRecorder, second_of,
    };

    /// A record of requests: each with its name, how often it was sent, and how it failed.
    fn record_of(requests: &[(u32, u32, Option<FailureKind>)]) -> RunRecord {
        let name = |name: &str, setup, kind| RequestName {
            name: name.into(),
            method: "GET".into(),
            setup,
            kind,
        };
        let mut record = RunRecord::new(Header {
            run_id: "run".into(),
            brunt_version: "0.1.0".into(),
            scenario_file: "brunt.toml".into(),
            scenario_hash: "0".into(),
            scenario: None,
            profile: "load".into(),
            host: "http://127.0.0.1:1".into(),
            embedded: false,
            started_at: Timestamp::UNIX_EPOCH,
            seed: 1,
            names: vec![
                name("/a", false, NameKind::Request),
                name("/login", true, NameKind::Start),
                name("checkout", false, NameKind::Group),
            ],
            classes: Vec::new(),
            load: Load::default(),
            targets: Vec::new(),
            generator: Generator::default(),
            machine: Machine::default(),
            label: None,
            commit: None,
            min_duration_s: None,
            not_requested: Vec::new(),
            planned_shares: Vec::new(),
        });
        let mut recorder = SecondRecorder::new(&record.header.names);
        recorder.start(second_of(0));
        for (name, wire_requests, failure) in requests {
            recorder.record(&Sample {
                failure: *failure,
                wire_requests: *wire_requests,
                ..Sample::unsent(NameId(*name), 1, 4)
            });
        }
        record.timeline.merge(&recorder.to_snapshot()).unwrap();
        record
    }

    #[test]
    fn only_complete_responses_count_as_answered() {
        let never = [
            (0, 0, Some(FailureKind::Tls)),
            (0, 1, Some(FailureKind::ProtocolError)),
            (0, 1, Some(FailureKind::Aborted)),
            (1, 1, Some(FailureKind::Timeout)),
        ];
        assert_eq!(record_of(&never).answered(), 0);
        assert_eq!(record_of(&[]).answered(), 0);
        let groups_and_requests_never_sent = [
            (2, 0, Some(FailureKind::Check)),
            (2, 0, None),
            (0, 0, Some(FailureKind::Check)),
        ];
        assert_eq!(record_of(&groups_and_requests_never_sent).answered(), 0);
        let answered = [
            (0, 1, None),
            (0, 2, Some(FailureKind::Status)),
            (0, 1, Some(FailureKind::ConnectionReset)),
            (1, 1, Some(FailureKind::Status)),
        ];
        assert_eq!(record_of(&answered).answered(), 3);
    }
}
