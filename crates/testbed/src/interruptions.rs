//! Interruptions: cases of states in which brunt is asked to end, with signals and their times. Tests check them in a
//! model of brunt's reaction, and against the binary.

use std::time::Duration;

/// Maximum time from the second signal to the end of brunt.
pub const ENDS_WITHIN: Duration = Duration::from_secs(1);

/// State of brunt when it is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A build was started that does not serve.
    Build,
    /// brunt waits for a service that does not exist.
    WaitReady,
    /// The set-up waits for its response.
    SetUp,
    /// Users wait for the response to their login.
    OnStart,
    /// Load is generated.
    Load,
    /// The load has ended, and responses are outstanding.
    Drain,
    /// A search for a breaking point runs.
    Search,
    /// The tear-down waits for its response.
    TearDown,
    /// A report is written to a pipe that nothing reads.
    Report,
    /// Load is generated, and a worker process is stopped.
    WorkerStopped,
}

/// A signal that asks brunt to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SIGINT, as sent by Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP, as sent when a terminal is closed.
    HangUp,
    /// SIGXFSZ, as sent when a file exceeds the size limit.
    FileSize,
}

/// Signals in a state, each with the time since the previous one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The state.
    pub state: State,
    /// The signals.
    pub signals: Vec<(Kind, Duration)>,
}

impl State {
    /// All states.
    pub const ALL: [Self; 10] = [
        Self::Build,
        Self::WaitReady,
        Self::SetUp,
        Self::OnStart,
        Self::Load,
        Self::Drain,
        Self::Search,
        Self::TearDown,
        Self::Report,
        Self::WorkerStopped,
    ];

    /// Whether nothing is measured yet, so that the first signal ends brunt.
    pub fn is_before_the_load(self) -> bool {
        matches!(self, Self::Build | Self::WaitReady | Self::SetUp)
    }
}

impl Kind {
    const ALL: [Self; 4] = [
        Self::Interrupt,
        Self::Terminate,
        Self::HangUp,
        Self::FileSize,
    ];
}

impl Case {
    /// Time by which brunt must have ended, from the start of the state; `None` if it may continue.
    pub fn ends_by(&self) -> Option<Duration> {
        let (mut at, mut seen) = (Duration::ZERO, 0);
        let needed = if self.state.is_before_the_load() {
            1
        } else {
            2
        };
        for (kind, after) in &self.signals {
            at += *after;
            // The size limit of a file counts as one request to end, and only while a measurement has to be saved.
            if *kind == Kind::FileSize && (seen > 0 || self.state.is_before_the_load()) {
                continue;
            }
            seen += 1;
            if seen == needed {
                return Some(at + ENDS_WITHIN);
            }
        }
        None
    }
}

/// Generates cases, the same for the same seed: the states in rotation, with one to four signals at once or up to
/// 450 ms apart. Two signals of one kind are at least 50 ms apart: the kernel merges those that were not delivered. So is
/// SIGXFSZ from any other signal: signals that are pending at the same time are delivered in any order, and a SIGXFSZ counts
/// only if it is the first.
pub fn cases(seed: u64, count: usize) -> Vec<Case> {
    let mut state = seed;
    let mut draw = |below: u64| {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    };
    let mut case = |number: usize| {
        let mut last = None;
        let signals = (0..=draw(3)).map(|_| {
            let kind = Kind::ALL[usize::try_from(draw(4)).unwrap_or(0)];
            let before = last.replace(kind);
            let may_coincide =
                before != Some(kind) && ![before, last].contains(&Some(Kind::FileSize));
            let after_ms = if may_coincide && draw(3) == 0 {
                0
            } else {
                50 + draw(400)
            };
            (kind, Duration::from_millis(after_ms))
        });
        let signals = signals.collect();
        Case {
            state: State::ALL[number % State::ALL.len()],
            signals,
        }
    };
    (0..count).map(&mut case).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_depend_on_the_seed_and_have_each_state_equally_often() {
        let found = cases(7, 1_000);
        assert_eq!(found, cases(7, 1_000));
        assert_ne!(found, cases(8, 1_000));
        for state in State::ALL {
            let of_state = found.iter().filter(|case| case.state == state);
            assert_eq!(of_state.count(), 100, "{state:?}");
        }
        assert!(
            found
                .iter()
                .all(|case| (1..=4).contains(&case.signals.len()))
        );
    }

    #[test]
    fn first_request_ends_before_the_load_and_second_always() {
        let ms = Duration::from_millis;
        let case = |state, signals: &[(Kind, u64)]| Case {
            state,
            signals: signals
                .iter()
                .map(|(kind, after_ms)| (*kind, ms(*after_ms)))
                .collect(),
        };
        let (int, size) = (Kind::Interrupt, Kind::FileSize);
        for (case, expected) in [
            (case(State::Load, &[(int, 5)]), None),
            (case(State::Load, &[(int, 5), (int, 10)]), Some(ms(1_015))),
            (case(State::Load, &[(size, 5), (size, 10)]), None),
            (case(State::Load, &[(size, 5), (int, 10)]), Some(ms(1_015))),
            (case(State::SetUp, &[(size, 5)]), None),
            (case(State::SetUp, &[(int, 5), (int, 5)]), Some(ms(1_005))),
        ] {
            assert_eq!(case.ends_by(), expected, "{case:?}");
        }
    }
}
