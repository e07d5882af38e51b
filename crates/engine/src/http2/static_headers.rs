//! Header fields that do not change from request to request, numbered within a worker. Connections know by the number
//! which fields they have sent before.

use std::collections::HashMap;

use super::hpack::FieldId;

/// Maximum number of fields: with more, they are not constant.
const HEADERS_MAX: usize = 1_024;

#[derive(Default)]
pub(super) struct HeaderInterner {
    fields: Vec<Pair>,
    ids: HashMap<Pair, FieldId>,
}

/// A name and a value.
type Pair = (Box<[u8]>, Box<[u8]>);

impl HeaderInterner {
    /// The number of a field; `None` if there are too many.
    pub(super) fn id_of(&mut self, name: &[u8], value: &[u8]) -> Option<FieldId> {
        let pair: Pair = (name.into(), value.into());
        if let Some(known) = self.ids.get(&pair) {
            return Some(*known);
        }
        let id = FieldId(self.fields.len());
        (id.0 < HEADERS_MAX).then(|| {
            self.fields.push(pair.clone());
            self.ids.insert(pair, id);
            id
        })
    }

    #[inline]
    pub(super) fn field(&self, id: FieldId) -> (&[u8], &[u8]) {
        let (name, value) = &self.fields[id.0];
        (name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_keeps_its_number_and_there_is_an_end_to_them() {
        let mut fixed = HeaderInterner::default();
        for _ in 0..2 {
            for number in 0..HEADERS_MAX {
                let value = number.to_string();
                let id = fixed.id_of(b"x", value.as_bytes());
                assert_eq!(id, Some(FieldId(number)));
                assert_eq!(fixed.field(FieldId(number)), (&b"x"[..], value.as_bytes()));
            }
        }
        assert_eq!(fixed.id_of(b"y", b""), None);
    }
}
