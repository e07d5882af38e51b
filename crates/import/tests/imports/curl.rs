//! curl commands that people write or browsers copy.

use proptest::prelude::*;

use crate::accepted::{accept_any, shown};

const COMMANDS: &[(&str, &str)] = &[
    ("the simplest", "curl http://localhost:8000/health"),
    (
        "without a scheme, with a query",
        "$ curl 'localhost:8000/search?q=a b&page=2#top'",
    ),
    (
        "json",
        r#"curl -X POST https://api.example.com/orders -H 'Content-Type: application/json' -H "X-Tenant: 7" -d '{"item": "apple", "count": 2, "note": null, "options": {"gift": true, "text": "it'\''s {{ mine }}"}}'"#,
    ),
    (
        "a form",
        "curl https://example.com/login -d user=ann -d 'password=hunter2' --data-urlencode 'note=a b&c' -L",
    ),
    (
        "secrets",
        "curl -u ann:hunter2 -b 'sid=abc' -H 'X-Api-Key: k-123' 'https://u:p@example.com/a?access_token=t-1&b=2' --max-time 2.5",
    ),
    (
        "from a browser",
        "curl 'https://shop.example.com/api/cart' \\\n  -H 'accept: */*' \\\n  -H 'cookie: session=s3cr3t' \\\n  \
         -H 'sec-fetch-mode: cors' \\\n  -H 'user-agent: Mozilla/5.0' \\\n  --data-raw $'{\"name\":\"it\\'s\\\\nfine\"}' \\\n  --compressed",
    ),
    (
        "from a browser on Windows",
        "curl ^\"https://shop.example.com/api/cart^\" ^\n  -H ^\"content-type: application/json^\" ^\n  \
         --data-raw ^\"^{^\\^\"a^\\^\":1^}^\"",
    ),
    (
        "several",
        "curl 'https://a.example.com/users/1' ;\ncurl 'https://a.example.com/users/2' ;\n\
         curl -XDELETE 'https://a.example.com/users/2';\ncurl 'https://cdn.example.com/x'\n",
    ),
    (
        "other bodies",
        "curl -sSk -T notes.txt http://x.test/a --next --data-binary '<a/>' -H 'Content-Type: text/xml' http://x.test/b",
    ),
    (
        "unsupported options",
        "curl -F file=@a.png http://x.test/up -x proxy:80 --cert c.pem -XPROPFIND http://x.test/d --next http://x.test/ok",
    ),
    (
        "data in the query",
        "curl -G -d a=1 -d b=2 'http://x.test/s?c=3' -I",
    ),
];

#[test]
fn commands_become_scenarios() {
    let mut page = String::new();
    for (name, command) in COMMANDS {
        let imported =
            brunt_import::curl(command).unwrap_or_else(|error| panic!("{name}: {error}"));
        page += &format!("===== {name}\n{}\n", shown(&imported));
    }
    assert!(!page.contains("hunter2") && !page.contains("s3cr3t") && !page.contains("k-123"));
    insta::assert_snapshot!(page);
}

#[test]
fn words_of_a_shell_give_the_same_import() {
    let text = "curl -H 'A: b c' http://x.test/a";
    let words = ["-H", "A: b c", "http://x.test/a"].map(str::to_owned);
    assert_eq!(brunt_import::curl(text), brunt_import::curl_words(&words));
}

#[test]
fn error_names_the_reason_that_a_text_is_not_a_command() {
    let cases = [
        ("", "no curl command"),
        ("wget http://x", "no curl command"),
        ("curl", "contains no http or https URL"),
        ("curl -H 'a: b'", "contains no http or https URL"),
        ("curl ftp://x/y", "contains no http or https URL"),
        ("curl 'http://x", "is not closed"),
        (
            "curl -X OPTIONS http://x/",
            "nothing to import: no request has a supported method",
        ),
    ];
    for (text, part) in cases {
        let error = brunt_import::curl(text).expect_err(text).to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn any_command_is_imported_or_rejected(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "curl ", "http://x/", "x.test/a/1?b={{", "-H ", "-d ", "'", "\"", "$'", "\\", "\n", "^\n", "^\"", ";", "&",
            "-X", "POST ", "--data-raw ", "--json ", "{\"a\":[1,{\"b\":\"{{\"}]}", "a: b", "-u ", "--next ", "-G ", "-T ",
            "日", "\u{0}", "\u{1b}", "\\u", "\\x", "d83d", "--", "-", "@f", "=", "%7B{{ pick(x) }}", " ",
        ]), 0..20)
    ) {
        accept_any(&brunt_import::curl(&pieces.concat()));
    }

    #[test]
    fn any_words_are_imported_or_rejected(words in prop::collection::vec("-{0,2}[a-zA-Z:@{}=\"]{0,9}|http://x/[a-z0-9?&={}]{0,9}", 0..8)) {
        accept_any(&brunt_import::curl_words(&words));
    }
}

#[test]
fn sensitive_names_are_left_out_of_the_scenario() {
    let names = include_str!("../../../scenario/src/redact/sensitive_names.txt");
    for name in names.lines() {
        let command = format!(
            "curl 'http://h/a?{name}=canary-1' -H '{name}: canary-2' ; \
             curl http://h/b -d '{name}=canary-3' ; curl http://h/c --json '{{\"{name}\": \"canary-4\"}}'"
        );
        let imported = brunt_import::curl(&command).expect("commands");
        let shown = format!("{imported:?}");
        assert!(!shown.contains("canary"), "{name}: {shown}");
    }
}
