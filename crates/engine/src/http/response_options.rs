//! Wanted: what of an answer is kept, whichever version of HTTP it comes by.

use brunt_record::NameId;

use crate::http1::{Content, Keep, KeepFields, Reader};

/// What is wanted of the answer to a request.
pub(crate) struct Wanted {
    /// The request's name.
    pub(crate) name: NameId,
    /// Whether it is the answer to a HEAD request.
    pub(crate) to_head: bool,
    /// What is kept of the content of an answer with a status.
    pub(crate) keeps: fn(u16) -> Keep,
    /// Where the content is put.
    pub(crate) content: Content,
    pub(crate) fields: KeepFields,
}

impl Wanted {
    /// A reader of HTTP/1.x that keeps it.
    #[inline]
    pub(crate) fn reader(self) -> Reader {
        Reader::new(self.to_head, self.keeps, self.content).with_fields(self.fields)
    }
}
