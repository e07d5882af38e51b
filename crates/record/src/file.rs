//! The record file, `record.brunt`: a run record that grows during the run. However the run ends, the file can be read up
//! to its last complete frame.
//!
//! Layout: the eight bytes `brunt\0` + version (little-endian u16), then frames: length of the payload (u32), CRC-32 of the
//! payload (u32), payload. A payload is `MessagePack` with field names. The first frame is the header; each second adds
//! frames; the last frame is the ending. `docs/record.md` describes the format for readers in other languages.
//!
//! The frames of a second take more space than the timeline needs for the second. Therefore, a file that has grown by
//! 16 MiB should be rewritten ([`RecordWriter::needs_rewrite`]), which bounds its size by that of the timeline.

use std::io::{self, BufReader, Read, Write};

use serde::{Deserialize, Serialize};

use crate::limits::{self, CountSum};
use crate::packed_rows::StoredRows;
use crate::snapshot::MetricsSnapshot;
use crate::{Ending, Event, Header, Reading, RunRecord};

/// Version of the format that is written.
pub const FORMAT_VERSION: u16 = 1;
const MAGIC: &[u8; 6] = b"brunt\0";
/// Largest size of a frame: a greater length is damage.
const FRAME_BYTES_MAX: usize = 256 << 20;
/// Growth after which a record should be rewritten.
const GROWN_BYTES_MAX: usize = 16 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Frame {
    Header(Box<Header>),
    Metrics(MetricsSnapshot),
    /// Counts of several seconds.
    Seconds(StoredRows),
    Reading(Box<Reading>),
    /// Several readings.
    Readings(StoredRows),
    Event(Event),
    Ending(Ending),
}

/// The reason that a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes are not a record.
    #[error(
        "not a brunt record: the file does not begin with the word brunt; name the record.brunt of a run"
    )]
    NotARecord,
    /// The format is newer than this brunt.
    #[error(
        "record format {found} is newer than this version of brunt reads (up to {FORMAT_VERSION}); use a newer version"
    )]
    TooNew {
        /// The version found.
        found: u16,
    },
    /// The header is incomplete, so nothing is known about the run.
    #[error("the record ends before the end of its header: the run had barely started")]
    NoHeader,
    /// A frame is complete, but its content is invalid.
    #[error("the record is damaged at frame {frame}: {reason}")]
    Damaged {
        /// The frame's number, from 0.
        frame: usize,
        /// Description of the invalid content.
        reason: String,
    },
    /// The file cannot be read.
    #[error("cannot read the record: {0}")]
    Io(#[from] io::Error),
}

/// Writes a record during its run.
pub struct RecordWriter<W> {
    to: W,
    payload: Vec<u8>,
    grown_bytes: usize,
}

impl<W: Write> RecordWriter<W> {
    /// Begins a record with its header.
    pub fn new(mut to: W, header: &Header) -> io::Result<Self> {
        to.write_all(MAGIC)?;
        to.write_all(&FORMAT_VERSION.to_le_bytes())?;
        let mut writer = Self {
            to,
            payload: Vec::new(),
            grown_bytes: 0,
        };
        writer.frame(&Frame::Header(Box::new(header.clone())))?;
        Ok(writer)
    }

    /// Adds a snapshot.
    pub fn snapshot(&mut self, snapshot: MetricsSnapshot) -> io::Result<()> {
        self.frame(&Frame::Metrics(snapshot))
    }

    /// Adds a reading of the monitor.
    pub fn reading(&mut self, reading: Reading) -> io::Result<()> {
        self.frame(&Frame::Reading(Box::new(reading)))
    }

    /// Adds a command.
    pub fn event(&mut self, event: Event) -> io::Result<()> {
        self.frame(&Frame::Event(event))
    }

    /// Whether the record has grown so much that it should be rewritten with [`write_unended`].
    pub fn needs_rewrite(&self) -> bool {
        self.grown_bytes >= GROWN_BYTES_MAX
    }

    /// Adds the ending, which makes the record complete.
    pub fn end(mut self, ending: Ending) -> io::Result<W> {
        self.frame(&Frame::Ending(ending))?;
        Ok(self.to)
    }

    fn frame(&mut self, frame: &Frame) -> io::Result<()> {
        self.payload.clear();
        self.payload.extend_from_slice(&[0; 8]);
        rmp_serde::encode::write_named(&mut self.payload, frame).map_err(io::Error::other)?;
        let (head, payload) = self.payload.split_at_mut(8);
        let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[4..].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
        // One write per frame: a killed run leaves complete frames and at most one torn frame.
        self.to.write_all(&self.payload)?;
        self.grown_bytes += self.payload.len();
        self.to.flush()
    }
}

/// Writes a complete record.
pub fn write(record: &RunRecord, to: impl Write) -> io::Result<()> {
    let writer = write_unended(record, to)?;
    if let Some(ending) = &record.ending {
        writer.end(ending.clone())?;
    }
    Ok(())
}

/// Writes a record without its ending, and returns the writer for what follows.
pub fn write_unended<W: Write>(record: &RunRecord, to: W) -> io::Result<RecordWriter<W>> {
    let mut writer = RecordWriter::new(to, &record.header)?;
    for seconds in record.timeline.stored_seconds() {
        writer.frame(&Frame::Seconds(seconds))?;
    }
    for piece in record.timeline.snapshots() {
        writer.snapshot(piece)?;
    }
    for readings in record.readings.stored() {
        writer.frame(&Frame::Readings(readings))?;
    }
    for event in &record.events {
        writer.event(*event)?;
    }
    writer.grown_bytes = 0;
    Ok(writer)
}

/// Reads a record up to its last complete frame. A truncated record has no ending.
pub fn read(from: impl Read) -> Result<RunRecord, ReadError> {
    let mut from = BufReader::new(from);
    let mut magic = Vec::new();
    (&mut from)
        .take(MAGIC.len() as u64)
        .read_to_end(&mut magic)?;
    if magic != MAGIC {
        return Err(ReadError::NotARecord);
    }
    let mut frames = Frames {
        from,
        payload: Vec::new(),
        number: 0,
    };
    let version = frames.bytes::<2>()?.ok_or(ReadError::NoHeader)?;
    let found = u16::from_le_bytes(version);
    if found > FORMAT_VERSION {
        return Err(ReadError::TooNew { found });
    }
    if found == 0 {
        return Err(ReadError::NotARecord);
    }
    let Some(Frame::Header(header)) = frames.next()? else {
        return Err(ReadError::NoHeader);
    };
    limits::header(&header).map_err(|reason| frames.damaged(reason))?;
    let mut record = RunRecord::new(*header);
    let mut sum = CountSum::default();
    while let Some(frame) = frames.next()? {
        add(&mut record, &mut sum, frame).map_err(|reason| frames.damaged(reason))?;
    }
    Ok(record)
}

fn add(record: &mut RunRecord, sum: &mut CountSum, frame: Frame) -> Result<(), String> {
    match frame {
        Frame::Header(_) => return Err("a second header".into()),
        Frame::Metrics(snapshot) => {
            sum.add_snapshot(&snapshot)?;
            record
                .timeline
                .merge(&snapshot)
                .map_err(|error| error.to_string())?;
        }
        Frame::Seconds(seconds) => {
            for (second, _) in seconds
                .read()
                .ok_or_else(|| seconds.merge_error().to_string())?
            {
                sum.add_second(&second)?;
            }
            let merged = record.timeline.merge_seconds(&seconds);
            merged.map_err(|error| error.to_string())?;
        }
        Frame::Reading(reading) => {
            limits::reading(&reading)?;
            record.readings.push(&reading);
        }
        Frame::Readings(readings) => {
            let merged = record.readings.merge(&readings);
            merged.map_err(|error| error.to_string())?;
        }
        Frame::Event(event) => {
            limits::event(&event)?;
            record.events.push(event);
        }
        Frame::Ending(ending) => {
            limits::ending(&ending, &record.header)?;
            record.ending = Some(ending);
        }
    }
    Ok(())
}

/// Reads the frames of a record in order.
struct Frames<R> {
    from: R,
    payload: Vec<u8>,
    /// Number of frames that were read.
    number: usize,
}

impl<R: Read> Frames<R> {
    /// Reads the next frame; `None` at the end and if the frame is torn.
    fn next(&mut self) -> Result<Option<Frame>, ReadError> {
        let (Some(length), Some(crc)) = (self.bytes()?, self.bytes()?) else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(length) as usize;
        if length > FRAME_BYTES_MAX {
            return Ok(None);
        }
        self.payload.clear();
        // The claimed length may be wrong, so no memory is reserved for it.
        let mut payload = (&mut self.from).take(length as u64);
        payload.read_to_end(&mut self.payload)?;
        let is_complete = self.payload.len() == length;
        if !is_complete || crc32fast::hash(&self.payload) != u32::from_le_bytes(crc) {
            return Ok(None);
        }
        self.number += 1;
        rmp_serde::from_slice(&self.payload)
            .map(Some)
            .map_err(|error| self.damaged(error.to_string()))
    }

    /// Reads `N` bytes; `None` if fewer are left.
    fn bytes<const N: usize>(&mut self) -> Result<Option<[u8; N]>, ReadError> {
        self.payload.clear();
        let mut bytes = (&mut self.from).take(N as u64);
        bytes.read_to_end(&mut self.payload)?;
        Ok(self.payload.as_slice().try_into().ok())
    }

    /// The error of the frame that was read last.
    fn damaged(&self, reason: String) -> ReadError {
        ReadError::Damaged {
            frame: self.number.saturating_sub(1),
            reason,
        }
    }
}
