//! Paths of single values in JSON (RFC 9535).

/// A `JSONPath` of keys and, for digits, of indexes.
pub(crate) fn json_path<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    let mut path = String::from("$");
    for key in keys {
        let mut letters = key.chars();
        let begins = letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
        let is_name =
            begins && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if is_name {
            path += &format!(".{key}");
        } else if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) {
            path += &format!("[{key}]");
        } else {
            path += &format!("['{}']", escaped(key));
        }
    }
    path
}

fn escaped(key: &str) -> String {
    let mut escaped = String::new();
    for letter in key.chars() {
        match letter {
            '\\' | '\'' => escaped.extend(['\\', letter]),
            letter if letter.is_control() => {
                escaped += &format!("\\u{:04x}", u32::from(letter));
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_in_their_shortest_form() {
        let path = |keys: &[&str]| json_path(keys.iter().copied());
        assert_eq!(path(&[]), "$");
        assert_eq!(
            path(&["a", "0", "b_1", "c-d", "it's \\", "\n"]),
            r"$.a[0].b_1['c-d']['it\'s \\']['\u000a']"
        );
    }
}
