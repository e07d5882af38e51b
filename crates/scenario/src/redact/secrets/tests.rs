use super::*;

const SECRET: &str = "pä ss\"wo\\rd\n%+/&<x";

fn of(values: &[&str]) -> Secrets {
    let mut secrets = Secrets::default();
    values.iter().for_each(|value| secrets.add(value));
    secrets
}

/// Each byte as two hexadecimal digits after a prefix.
fn hex(text: &str, sign: &str) -> String {
    let digits = |hex: String, byte| hex + &format!("{sign}{byte:02x}");
    text.bytes().fold(String::new(), digits)
}

#[test]
fn value_is_masked_in_every_encoding() {
    let json = JsonValue::from(SECRET).to_string();
    let json_twice = JsonValue::from(json.clone()).to_string();
    let ascii: String = json
        .chars()
        .map(|letter| match letter {
            'ä' => r"\u00e4".to_owned(),
            '/' => r"\/".to_owned(),
            other => other.to_string(),
        })
        .collect();
    let percent = |stays: &str, lower: bool| -> String {
        let bytes = SECRET.bytes().map(|byte| {
            let letter = char::from(byte);
            match byte {
                _ if letter.is_ascii_alphanumeric() || stays.contains(letter) => letter.to_string(),
                _ if lower => format!("%{byte:02x}"),
                _ => format!("%{byte:02X}"),
            }
        });
        bytes.collect()
    };
    let html = SECRET
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;");
    let encodings = [
        SECRET.to_owned(),
        SECRET.replace('\n', "\r\n"),
        // A line of a head.
        SECRET.replace('\n', " "),
        json.clone(),
        json_twice,
        ascii,
        percent("", false),
        percent("", true),
        percent("/&+", false),
        percent("", false).replace("%20", "+"),
        // Encoded twice.
        percent("", false).replace('%', "%25"),
        // JSON in a form.
        percent("", false)
            .replace("%22", "%5C%22")
            .replace("%5Crd", "%5C%5Crd")
            .replace("%0A", "%5Cn"),
        html.clone(),
        html.replace("&quot;", "&#34;").replace("&lt;", "&#x3C;"),
        // JSON in a page.
        JsonValue::from(SECRET)
            .to_string()
            .replace('&', "&amp;")
            .replace('"', "&quot;"),
        format!("{SECRET:?}"),
        toml::Value::from(SECRET).to_string(),
        STANDARD_NO_PAD.encode(SECRET),
        URL_SAFE_NO_PAD.encode(SECRET),
        hex(SECRET, ""),
        SECRET.to_uppercase().replace('Ä', "ä"),
    ];
    let secrets = of(&[SECRET]);
    for encoded in encodings {
        let masked = secrets.mask(&format!("got [{encoded}] here"));
        let rest = masked
            .replace(['"', '\'', '=', '\n'], "")
            .replace("&quot;", "")
            .replace('\\', "");
        assert_eq!(rest, "got [***] here", "{encoded}");
    }
}

#[test]
fn value_is_masked_within_base64_of_something_longer() {
    let secrets = of(&["correct horse battery"]);
    for before in ["", "a", "ann:", "ann:x", "someone else:"] {
        for behind in ["", "!", "??"] {
            let encoded = STANDARD_NO_PAD.encode(format!("{before}correct horse battery{behind}"));
            let masked = secrets.mask(&encoded);
            let letters = masked.replace(MASK, "").len();
            assert!(
                masked.contains(MASK) && letters < encoded.len() / 2,
                "{masked}"
            );
        }
    }
}

#[test]
fn value_is_masked_in_base64_of_its_encodings() {
    let secrets = of(&[SECRET]);
    let json = serde_json::json!({ "name": "ann", "note": SECRET }).to_string();
    let form = hex(SECRET, "%");
    for text in [json, form, SECRET.replace('\n', " ")] {
        let encoded = STANDARD_NO_PAD.encode(format!("abcdefgh{text}"));
        // Its beginning may be missing.
        for from in 0..4 {
            assert_eq!(
                secrets.mask(&format!("<{}>", &encoded[from..])),
                "<***>",
                "{text}"
            );
        }
    }
    let innocent = STANDARD_NO_PAD.encode("nothing of it is in here, nothing");
    assert_eq!(secrets.mask(&innocent), innocent);
}

#[test]
fn beginning_of_a_value_is_masked_where_a_text_is_cut() {
    let secrets = of(&["s3cr3t \"t0ken\""]);
    for cut in [
        "s3cr",
        "s3cr3t",
        "s3cr3t \\",
        "s3cr3t%20%2",
        "s3cr3t+%22t0ken",
    ] {
        assert_eq!(secrets.mask_cut(&format!("is {cut}")), "is ***", "{cut}");
        let shortened = secrets.mask(&format!("is {cut}…, no"));
        assert_eq!(shortened, "is ***…, no", "{cut}");
    }
    // A complete text, and a beginning that is not specific.
    assert_eq!(secrets.mask("is s3cr3t"), "is s3cr3t");
    assert_eq!(secrets.mask_cut("is s3c"), "is s3c");
}

#[test]
fn short_values_are_masked_as_words_and_very_short_ones_are_not() {
    let secrets = of(&["test", "1234", "abc", "true", "hunter22"]);
    for (text, expected) in [
        ("GET /test?n=1234", "GET /***?n=***"),
        ("the latest tests of 12345", "the latest tests of 12345"),
        ("abc is true", "abc is true"),
        ("hunter22s and HUNTER22", "***s and ***"),
        ("a%20test%20b, \\ntest", "a%20***%20b, \\n***"),
        ("test_1", "test_1"),
    ] {
        assert_eq!(secrets.mask(text), expected);
    }
}

#[test]
fn values_that_overlap_are_masked_together() {
    let secrets = of(&["abcdefgh", "efghijkl", "abcdefghij"]);
    assert_eq!(secrets.mask("xabcdefghijklx"), "x***x");
}

#[test]
fn each_line_of_a_value_is_masked() {
    let secrets = of(&["-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n"]);
    assert_eq!(secrets.mask("line: kqhkiG9w0BAQEF."), "line: ***.");
}

#[test]
fn values_of_secret_names_are_masked_whatever_their_type() {
    let none = Secrets::default();
    for (text, expected) in [
        ("GET /x?access_token=a&b=1", "GET /x?access_token=***&b=1"),
        ("/x?b=1;api-key=q#top", "/x?b=1;api-key=***#top"),
        ("/x?next=%2Fy%3Ftoken%3Dabc", "/x?next=%2Fy%3Ftoken%3D***"),
        ("/x?token={{ token }}&b=1", "/x?token={{ token }}&b=1"),
        ("/x?token={{ token }}s3", "/x?token=***"),
        (
            r#"{"password": "a\"b", "n": 1}"#,
            r#"{"password": "***", "n": 1}"#,
        ),
        (r#""{\"password\":\"a\"}""#, r#""{\"password\":\"***\"}""#),
        (r#"{"pin":1234,"size":1234}"#, r#"{"pin":***,"size":1234}"#),
        (r#"{"token": "cut of"#, r#"{"token": "***"#),
        ("password = 'x y'", "password = '***'"),
        ("https://ann:s3@cret@h:80/p@q", "https://***@h:80/p@q"),
        ("ann:s3cret@h", "***@h"),
        ("http://auth:8080/a?b=c", "http://auth:8080/a?b=c"),
        (
            "max_tokens=100&token_type=bearer",
            "max_tokens=100&token_type=bearer",
        ),
        (
            "--b\r\nContent-Disposition: form-data; name=\"pin\"\r\n\r\n1\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=\"pin\"\r\n\r\n***\r\n--b--",
        ),
    ] {
        assert_eq!(none.mask(text), expected);
    }
}

#[test]
fn named_values_are_secret_wherever_they_come_up_again() {
    let mut secrets = Secrets::default();
    secrets.add_fields(
        "POST /in?api_key=k%20eykey HTTP/1.1\r\nAuthorization: Basic YW5uOmh1bnRlcjIyMg==\r\n\
         Cookie: id=cookie-value; b=c\r\nX-Kept: visible\r\n",
    );
    secrets.add_body(b"{\"user\": {\"password\": \"pass \\\"w\\\" ord\", \"name\": \"visible\"}}");
    secrets.add_fields("Set-Cookie: sid=cookie-of-response; Path=/visible\r\n");
    secrets.add_body(b"{\"access_token\": \"of-the-answer\", \"x\": \"visible\"");
    secrets.add_body(b"{\"refresh_token\": [\"in-a-list\"], \"x\": \"visible\"}");
    for secret in [
        "k eykey",
        "YW5uOmh1bnRlcjIyMg",
        "hunter222",
        "cookie-value",
        "pass \"w\" ord",
        "cookie-of-response",
        "of-the-answer",
        "in-a-list",
    ] {
        assert_eq!(secrets.mask(&format!("<{secret}>")), "<***>", "{secret}");
    }
    assert_eq!(secrets.mask("visible"), "visible");
}

#[test]
fn fields_keep_their_names_and_schemes() {
    let masked = Secrets::default().mask_fields(
        "GET / HTTP/1.1\r\nAuthorization: Bearer abc\r\nProxy-Authorization: abc def\r\nCookie: a=1; b=2\r\n\
         Set-Cookie: a=1; Path=/\r\nX-Api-Key: k\r\nAccept: */*",
    );
    assert_eq!(
        masked,
        "GET / HTTP/1.1\r\nAuthorization: Bearer ***\r\nProxy-Authorization: ***\r\nCookie: a=***; b=***\r\n\
         Set-Cookie: a=***; Path=/\r\nX-Api-Key: ***\r\nAccept: */*"
    );
}

#[test]
fn masking_in_place_keeps_positions() {
    let text = "password = \"a\nbé\" # x\nurl = \"http://ann:s3cret@h\"";
    let masked = Secrets::default().mask_in_place(text);
    assert_eq!(
        masked,
        "password = \"*\n***\" # x\nurl = \"http://**********@h\""
    );
    assert_eq!(masked.len(), text.len());
}

proptest::proptest! {
    /// Whatever a text is, masking it neither panics nor leaves the value.
    #[test]
    fn masking_any_text_leaves_no_value(value in "\\PC{8,20}", before in "\\PC{0,20}", behind in "\\PC{0,20}") {
        let value = value.trim();
        proptest::prop_assume!(value.len() >= ANYWHERE_BYTES_MIN);
        let secrets = of(&[value]);
        let text = format!("{before}{value}{behind}");
        proptest::prop_assert!(!secrets.mask(&text).contains(value) || MASK.contains(value));
        let json = JsonValue::from(text).to_string();
        let masked = secrets.mask_cut(&json);
        proptest::prop_assert!(!masked.contains(value), "{}", masked);
    }
}
