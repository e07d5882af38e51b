//! Protocol between coordinator and worker processes: `MessagePack` frames on the standard streams, each preceded by its
//! length in bytes (u32, little-endian). Both ends are the same program.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use brunt_record::{Command, MetricsSnapshot};
use brunt_scenario::Value;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Maximum length of a frame in bytes.
const FRAME_BYTES_MAX: u32 = 256 << 20;

/// Message to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum WorkerCommand {
    /// Prepare the job.
    Prepare(Box<WorkerJob>),
    /// Start the load at this time of the machine's monotonic clock.
    Begin(Duration),
    Command(Command),
}

/// Share of a run that a worker generates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WorkerJob {
    /// Command line after the subcommand, as bytes. It is sent in a frame because it may contain secrets, and all users of
    /// the machine can read the command line of a process.
    pub(crate) arguments: Vec<Vec<u8>>,
    pub(crate) profile: String,
    /// Base URL of the embedded agent, if it is the service under test.
    pub(crate) agent: Option<String>,
    /// Expected hash of the scenario.
    pub(crate) scenario_hash: String,
    pub(crate) seed: u64,
    /// Index of the worker, from 0, and number of workers.
    pub(crate) share: u32,
    pub(crate) of: u32,
    pub(crate) threads: usize,
    /// Cores to pin the threads to, in rotation; empty: not pinned.
    pub(crate) cores: Vec<usize>,
    pub(crate) stop_timeout: Duration,
    /// Values from the setup as JSON; `None`: undefined.
    pub(crate) values: Vec<Option<String>>,
}

/// Message from a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum WorkerEvent {
    /// The worker is ready.
    Ready,
    /// Heartbeat, sent if nothing else was for a while.
    Alive,
    /// The worker cannot start, with the reason.
    Refused(String),
    /// Snapshot of a thread, and the number of seconds that all threads of the worker have completed.
    Increment {
        increment: Box<MetricsSnapshot>,
        completed_s: Option<u32>,
    },
    StopTest,
    WorkerFailed(String),
    /// All threads have ended; outcome of the start steps of their users.
    Ended {
        well: u32,
        failed: u32,
        reason: Option<String>,
    },
}

impl WorkerJob {
    /// Command line of this process after the subcommand.
    pub(crate) fn own_arguments() -> Vec<Vec<u8>> {
        let arguments = std::env::args_os().skip(2);
        arguments.map(OsString::into_vec).collect()
    }

    /// Encodes values for [`WorkerJob::values`].
    pub(crate) fn encode_values(values: &[Value]) -> Vec<Option<String>> {
        let text = |value: &Value| match value {
            Value::Undefined => None,
            value => Some(value.to_json().to_string()),
        };
        values.iter().map(text).collect()
    }

    /// Decodes the values.
    pub(crate) fn values(&self) -> serde_json::Result<Vec<Value>> {
        let value = |encoded: &Option<String>| match encoded {
            None => Ok(Value::Undefined),
            Some(text) => serde_json::from_str(text).map(|json| Value::of_json(&json)),
        };
        self.values.iter().map(value).collect()
    }
}

/// Writes a frame.
pub(crate) fn write_frame(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut frame = vec![0; 4];
    rmp_serde::encode::write_named(&mut frame, message).map_err(io::Error::other)?;
    let length = u32::try_from(frame.len() - 4).map_err(io::Error::other)?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    to.write_all(&frame)?;
    to.flush()
}

/// Reads the next frame; `None` if the other side is gone.
pub(crate) fn read_frame<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u32::from_le_bytes(length);
    if length > FRAME_BYTES_MAX {
        return Err(io::Error::other("invalid frame length"));
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
    fn frames_are_read_as_written() {
        let mut written = Vec::new();
        write_frame(&mut written, &WorkerEvent::Ready).unwrap();
        let reason = Some("connection refused".to_owned());
        let ended = WorkerEvent::Ended {
            well: 3,
            failed: 1,
            reason,
        };
        write_frame(&mut written, &ended).unwrap();
        let mut from = &written[..];
        assert!(matches!(
            read_frame(&mut from).unwrap(),
            Some(WorkerEvent::Ready)
        ));
        let found: Option<WorkerEvent> = read_frame(&mut from).unwrap();
        assert_eq!(format!("{found:?}"), format!("{:?}", Some(ended)));
        assert!(read_frame::<WorkerEvent>(&mut from).unwrap().is_none());
        assert!(read_frame::<WorkerEvent>(&mut &written[..written.len() - 1][7..]).is_err());
        assert!(read_frame::<WorkerEvent>(&mut &[0xff; 8][..]).is_err());
    }

    #[test]
    fn values_are_decoded_as_encoded() {
        let values = [
            Value::Undefined,
            Value::None,
            Value::Bool(true),
            Value::Integer(-7),
            Value::Float(0.5),
            Value::text("é\n"),
            Value::of_json(&serde_json::json!([1, {"a": null}])),
        ];
        let job = WorkerJob {
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
            values: WorkerJob::encode_values(&values),
        };
        assert_eq!(job.values().unwrap(), values);
    }
}
