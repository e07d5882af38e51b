//! Interruptions: the table of states in which brunt is asked to end, by which signals, and when. Tests play it in a model
//! of brunt's own reaction, and against the binary.

use std::time::Duration;

/// How long brunt may go on after the second signal.
pub const ENDS_WITHIN: Duration = Duration::from_secs(1);

/// What brunt does when it is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A build is started, which does not serve.
    Build,
    /// brunt waits for a service that is not there.
    WaitReady,
    /// The set-up waits for its response.
    SetUp,
    /// Users wait for the response to their login.
    OnStart,
    /// Load is made.
    Load,
    /// The load is over, and responses are still to come.
    Drain,
    /// A breaking point is searched for.
    Search,
    /// The tear-down waits for its response.
    TearDown,
    /// A report is written to where nobody reads.
    Report,
    /// Load is made, and a worker process is stopped.
    WorkerStopped,
}

/// A signal that asks brunt to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SIGINT, as of Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP, as of a terminal that is closed.
    HangUp,
    /// SIGXFSZ, of a file that would grow beyond the limit.
    FileSize,
}

/// Signals that come in a state, each so long after what was before it.
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
    /// By when brunt has ended, from the beginning of the state on, whatever its state does; `None`: it may go on.
    pub fn ends_by(&self) -> Option<Duration> {
        let (mut at, mut seen) = (Duration::ZERO, 0);
        let needed = if self.state.is_before_the_load() {
            1
        } else {
            2
        };
        for (kind, after) in &self.signals {
            at += *after;
            // A file that cannot grow asks once, and only for what is measured to be kept.
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

/// So many cases, the same for the same seed: each state in turn, with one to four signals that come at once or up to
/// 450 ms after one another. Two of one kind are at least 50 ms apart: the system merges those that were not delivered.
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
            let is_other = last.replace(kind) != Some(kind);
            let after_ms = if is_other && draw(3) == 0 {
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
    fn cases_are_those_of_their_seed_and_have_each_state_as_often() {
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
    fn second_request_ends_all_and_the_first_what_measures_nothing() {
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
