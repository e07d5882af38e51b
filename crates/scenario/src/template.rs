//! Templates: text with `{{ expressions }}`, compiled to segments that render into a buffer without
//! allocating.

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// A text that is rendered anew for each request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Template {
    segments: Vec<Segment>,
}

/// A part of a template. Values are stored as they are written, encoding included.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Segment {
    Literal(Box<[u8]>),
    Pick(Box<[Box<[u8]>]>),
    Uniform(f64, f64),
    RandInt(i64, i64),
}

impl Template {
    /// Appends the next rendering. Only random draws decide what it is.
    #[inline]
    pub fn render(&self, random: &mut Xoshiro256PlusPlus, into: &mut Vec<u8>) {
        for segment in &self.segments {
            match segment {
                Segment::Literal(bytes) => into.extend_from_slice(bytes),
                Segment::Pick(choices) => {
                    into.extend_from_slice(&choices[random.random_range(0..choices.len())]);
                }
                Segment::Uniform(low, high) => {
                    let number = random.random_range(*low..=*high);
                    into.extend_from_slice(ryu::Buffer::new().format(number).as_bytes());
                }
                Segment::RandInt(low, high) => {
                    let number = random.random_range(*low..=*high);
                    into.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
                }
            }
        }
    }

    pub(crate) fn literal(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if let Some(Segment::Literal(before)) = self.segments.last_mut() {
            *before = [before, bytes].concat().into();
        } else {
            self.segments.push(Segment::Literal(bytes.into()));
        }
    }

    pub(crate) fn push(&mut self, segment: Segment) {
        match segment {
            Segment::Literal(bytes) => self.literal(&bytes),
            segment => self.segments.push(segment),
        }
    }

    pub(crate) fn append(&mut self, other: Self) {
        other
            .segments
            .into_iter()
            .for_each(|segment| self.push(segment));
    }
}
