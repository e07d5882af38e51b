//! Field validity: what names and values may hold (RFC 9113, section 8.2.1).

/// What is wrong with a field. A message that has one is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http2) struct Malformed(pub(in crate::http2) &'static str);

/// What is wrong with a name: it has to be of visible ASCII characters, none of them an uppercase letter, and a colon
/// may only be its first.
pub(super) fn fault_of_name(name: &[u8]) -> Option<Malformed> {
    let rest = name.strip_prefix(b":").unwrap_or(name);
    let is_valid =
        |byte: &u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && *byte != b':';
    let fault = Malformed("a field has no name in small letters");
    (rest.is_empty() || !rest.iter().all(is_valid)).then_some(fault)
}

/// What is wrong with a value: it may not hold NUL, CR or LF, nor begin or end with a space or a tab.
#[inline]
pub(super) fn fault_of_value(value: &[u8]) -> Option<Malformed> {
    let ends = |byte: u8| matches!(byte, b'\0' | b'\r' | b'\n');
    // Without a branch for each byte.
    if value.iter().fold(false, |found, byte| found | ends(*byte)) {
        return Some(Malformed("a field value has a NUL, CR or LF"));
    }
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let fault = Malformed("a field value begins or ends with a space");
    (is_blank(value.first()) || is_blank(value.last())).then_some(fault)
}
