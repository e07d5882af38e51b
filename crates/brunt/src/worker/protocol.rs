//! Words between brunt and the processes that make load for it: frames of `MessagePack` on their standard streams,
//! each behind its length (u32, little-endian). Both ends are the same program.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use brunt_record::{Command, MetricsSnapshot};
use brunt_scenario::Value;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// No frame is larger: a length above it is no length.
const FRAME_BYTES_MAX: u32 = 256 << 20;

/// What a process is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// To get ready.
    Prepare(Box<Job>),
    /// To begin, when the machine's monotonic clock says so.
    Begin(Duration),
    Command(Command),
}

/// What a process is to play.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The command line behind the verb, as bytes. It comes this way since everybody on the machine can read the command
    /// line of a process, and secrets may stand there.
    pub(crate) arguments: Vec<Vec<u8>>,
    pub(crate) profile: String,
    /// Where the embedded agent serves, where that is the service.
    pub(crate) agent: Option<String>,
    /// What the scenario has to be.
    pub(crate) scenario_hash: String,
    pub(crate) seed: u64,
    /// Which process it is, from 0, of how many.
    pub(crate) share: u32,
    pub(crate) of: u32,
    pub(crate) threads: usize,
    /// The cores to pin them to, one each in turn; empty: none.
    pub(crate) cores: Vec<usize>,
    pub(crate) stop_timeout: Duration,
    /// The values that the set-up left, each as JSON; `None`: undefined.
    pub(crate) values: Vec<Option<String>>,
}

/// What a process has to say.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Word {
    /// It could begin.
    Ready,
    /// It goes on: said when nothing else was for a while.
    Alive,
    /// It cannot, and why.
    Refused(String),
    /// What one of its threads recorded; so many seconds of all of them were told.
    Increment {
        increment: Box<MetricsSnapshot>,
        told_s: u32,
    },
    StopTest,
    WorkerFailed(String),
    /// All its threads have ended; how their users started.
    Ended {
        well: u32,
        failed: u32,
        reason: Option<String>,
    },
}

impl Job {
    /// The command line of this process, behind the verb.
    pub(crate) fn own_arguments() -> Vec<Vec<u8>> {
        let arguments = std::env::args_os().skip(2);
        arguments.map(OsString::into_vec).collect()
    }

    /// Values, as they are told.
    pub(crate) fn told(values: &[Value]) -> Vec<Option<String>> {
        let text = |value: &Value| match value {
            Value::Undefined => None,
            value => Some(value.to_json().to_string()),
        };
        values.iter().map(text).collect()
    }

    /// The values that it was told.
    pub(crate) fn values(&self) -> serde_json::Result<Vec<Value>> {
        let value = |told: &Option<String>| match told {
            None => Ok(Value::Undefined),
            Some(text) => serde_json::from_str(text).map(|json| Value::of_json(&json)),
        };
        self.values.iter().map(value).collect()
    }
}

/// Says a word.
pub(crate) fn say(to: &mut impl Write, word: &impl Serialize) -> io::Result<()> {
    let mut frame = vec![0; 4];
    rmp_serde::encode::write_named(&mut frame, word).map_err(io::Error::other)?;
    let length = u32::try_from(frame.len() - 4).map_err(io::Error::other)?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    to.write_all(&frame)?;
    to.flush()
}

/// Hears the next word; `None` where the other side has gone.
pub(crate) fn hear<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u32::from_le_bytes(length);
    if length > FRAME_BYTES_MAX {
        return Err(io::Error::other("what was said is no word"));
    }
    let mut frame = vec![0; length as usize];
    from.read_exact(&mut frame)?;
    rmp_serde::from_slice(&frame)
        .map(Some)
        .map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_heard() {
        let mut said = Vec::new();
        say(&mut said, &Word::Ready).unwrap();
        let reason = Some("nobody is there".to_owned());
        let ended = Word::Ended {
            well: 3,
            failed: 1,
            reason,
        };
        say(&mut said, &ended).unwrap();
        let mut from = &said[..];
        assert!(matches!(hear(&mut from).unwrap(), Some(Word::Ready)));
        let found: Option<Word> = hear(&mut from).unwrap();
        assert_eq!(format!("{found:?}"), format!("{:?}", Some(ended)));
        assert!(hear::<Word>(&mut from).unwrap().is_none());
        assert!(hear::<Word>(&mut &said[..said.len() - 1][7..]).is_err());
        assert!(hear::<Word>(&mut &[0xff; 8][..]).is_err());
    }

    #[test]
    fn values_are_what_they_were() {
        let values = [
            Value::Undefined,
            Value::None,
            Value::Bool(true),
            Value::Integer(-7),
            Value::Float(0.5),
            Value::text("é\n"),
            Value::of_json(&serde_json::json!([1, {"a": null}])),
        ];
        let job = Job {
            arguments: Vec::new(),
            profile: String::new(),
            agent: None,
            scenario_hash: String::new(),
            seed: 0,
            share: 0,
            of: 1,
            threads: 1,
            cores: Vec::new(),
            stop_timeout: Duration::ZERO,
            values: Job::told(&values),
        };
        assert_eq!(job.values().unwrap(), values);
    }
}
