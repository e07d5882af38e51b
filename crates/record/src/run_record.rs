//! The run record: all data of a run, which is stored, judged and rendered.

use crate::{
    Command, Ending, Event, Header, Load, LoadLevel, Measure, Outcome, Readings, RequestName,
    Scope, Subject, Timeline,
};

/// All data of a run.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// Facts that are known when the run starts.
    pub header: Header,
    /// Recorded requests.
    pub timeline: Timeline,
    /// Readings of the monitor, in the order of time.
    pub readings: Readings,
    /// Commands to the load generators, in the order of time.
    pub events: Vec<Event>,
    /// When and why the run ended; `None` if the record is truncated.
    pub ending: Option<Ending>,
}

impl RunRecord {
    /// The record of a run that has not started.
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

    /// Duration of the load in seconds, until it was stopped.
    pub fn duration_s(&self) -> f64 {
        match &self.ending {
            Some(ending) => ending.load_ended_ms as f64 / 1e3,
            None => self.timeline.seconds().len() as f64,
        }
    }

    /// The levels that were set during the run, in the order of time.
    pub fn levels(&self) -> impl Iterator<Item = &LoadLevel> {
        self.events.iter().filter_map(|event| match &event.command {
            Command::Level(level) => Some(level),
            Command::Stop | Command::Abort => None,
        })
    }

    /// The load as planned, with the levels and the extension of the run.
    pub fn load(&self) -> Load {
        let mut load = match self.header.load.until_decided_s {
            Some(_) => self.header.load.extended_to(self.duration_s()),
            None => self.header.load.clone(),
        };
        self.levels().for_each(|level| load.steer(level));
        load
    }

    /// Numbers of judged requests and of tasks that ended between two moments, in seconds of the run's clock. Without any
    /// task, none ended or the record does not count them.
    pub fn requests_and_tasks(&self, from_s: f64, to_s: f64) -> (u64, u64) {
        let seconds = self.timeline.seconds().range(whole(from_s)..whole(to_s));
        seconds.fold((0, 0), |(requests, tasks), second| {
            (requests + second.requests(), tasks + second.tasks)
        })
    }

    /// Data that the monitor could not read, by subject; nothing if the record is truncated.
    pub fn unavailable(&self) -> impl Iterator<Item = (Subject<'_>, &[String])> {
        let additional = self.header.generator.additional_targets.iter();
        let names = additional.map(|additional| additional.name.as_str());
        let unavailable = self.ending.as_ref().map(|ending| &ending.unavailable);
        unavailable
            .into_iter()
            .flat_map(move |unavailable| unavailable.each(names.clone()))
    }

    /// Number of requests that got a complete response, accepted or not, including those of the set-up and of `on_start`.
    /// 0: the host never sent a valid response (a wrong certificate, HTTPS against an HTTP port, a server that hangs), so
    /// nothing was measured.
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

    /// Duration over which throughput is measured, in seconds: until the end of the load, or of its last successful request
    /// if that is later.
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

    /// A record of requests, each with its name, the number of times it was sent, and its failure.
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
        let without_response = [
            (0, 0, Some(FailureKind::Tls)),
            (0, 1, Some(FailureKind::ProtocolError)),
            (0, 1, Some(FailureKind::Aborted)),
            (1, 1, Some(FailureKind::Timeout)),
        ];
        assert_eq!(record_of(&without_response).answered(), 0);
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
