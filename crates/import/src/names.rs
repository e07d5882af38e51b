//! Names that requests are grouped by. Paths that differ only in IDs have one name.

/// A path without its query, with placeholders instead of IDs: `/users/{id}`.
pub(crate) fn name_of(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let segments: Vec<&str> = path
        .split('/')
        .map(|segment| placeholder(segment).unwrap_or(segment))
        .collect();
    let name = segments.join("/");
    if name.is_empty() {
        "/".to_owned()
    } else {
        name
    }
}

/// Placeholder of a segment that is an ID, a date, an email address or a slug.
pub(crate) fn placeholder(segment: &str) -> Option<&'static str> {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let is_of = |accepts: fn(&u8) -> bool| {
        !segment.is_empty() && segment.bytes().all(|byte| accepts(&byte))
    };
    if is_of(u8::is_ascii_digit) || is_uuid(segment) {
        return Some("{id}");
    }
    // 16 or more hexadecimal digits: IDs of MongoDB, hashes.
    if segment.len() >= 16 && digits > 0 && is_of(u8::is_ascii_hexdigit) {
        return Some("{id}");
    }
    if is_date(segment) {
        return Some("{date}");
    }
    if segment.contains('.') && (segment.contains('@') || segment.contains("%40")) {
        return Some("{email}");
    }
    // Long segments with several digits are not words: tokens, ULIDs, short UUIDs.
    let is_token = is_of(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    if segment.len() >= 20 && digits >= 3 && is_token {
        return Some("{id}");
    }
    // Slugs of shops: `blue-shirt-12345`.
    let number = |text: &str| text.len() >= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let ends = segment.rsplit_once('-').is_some_and(|(_, end)| number(end));
    let begins = segment
        .split_once('-')
        .is_some_and(|(begin, _)| number(begin));
    (ends || begins).then_some("{slug}")
}

fn is_uuid(segment: &str) -> bool {
    let lengths: Vec<usize> = segment.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12]
        && segment
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn is_date(segment: &str) -> bool {
    segment.len() == 10
        && segment.bytes().enumerate().all(|(at, byte)| {
            if at == 4 || at == 7 {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        })
}

/// The noun before a placeholder of a name: `users` in `/users/{id}`.
pub(crate) fn noun_before(name: &str, at: usize) -> &str {
    let before = name
        .split('/')
        .take(at)
        .filter(|segment| !segment.starts_with('{'));
    before
        .last()
        .filter(|noun| !noun.is_empty())
        .unwrap_or("path")
}

/// Singular of a noun: `user` for `users`.
pub(crate) fn singular(noun: &str) -> String {
    match noun.strip_suffix("ies") {
        Some(stem) if stem.len() > 1 => format!("{stem}y"),
        _ => match noun.strip_suffix('s') {
            Some(stem) if stem.len() > 1 && !stem.ends_with('s') => stem.to_owned(),
            _ => noun.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_placeholders() {
        let cases = [
            ("/", "/"),
            ("", "/"),
            ("/users/7?x=1", "/users/{id}"),
            ("/users/7/orders/12", "/users/{id}/orders/{id}"),
            ("/users/me", "/users/me"),
            ("/api/v1/users", "/api/v1/users"),
            ("/a/123e4567-e89b-12d3-a456-426614174000", "/a/{id}"),
            ("/a/507f1f77bcf86cd799439011/b", "/a/{id}/b"),
            ("/a/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/a/{id}"),
            ("/days/2026-01-31", "/days/{date}"),
            ("/people/me%40example.com", "/people/{email}"),
            ("/p/blue-shirt-12345", "/p/{slug}"),
            ("/p/12345-blue-shirt", "/p/{slug}"),
            ("/quality/analyze", "/quality/analyze"),
            (
                "/internationalization_settings",
                "/internationalization_settings",
            ),
            ("//a//", "//a//"),
        ];
        for (path, name) in cases {
            assert_eq!(name_of(path), name, "{path}");
        }
    }

    #[test]
    fn noun_is_the_last_word_before_the_placeholder() {
        assert_eq!(noun_before("/users/{id}/orders/{id}", 4), "orders");
        assert_eq!(noun_before("/users/{id}/{id}", 3), "users");
        assert_eq!(noun_before("/{id}", 1), "path");
        let nouns = ["users", "categories", "class", "s"].map(singular);
        assert_eq!(nouns, ["user", "category", "class", "s"]);
    }
}
