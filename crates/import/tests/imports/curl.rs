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
        r#"curl -X POST https://api.example.com/orders -H 'Content-Type: application/json' -H "X-Tenant: 7" -d '{"item": "apple", "count": 2, "options": {"gift": true, "text": "it'\''s {{ mine }}"}}'"#,
    ),
    (
        "a form",
        "curl https://example.com/login -d user=ann -d 'password=hunter2' --data-urlencode 'note=a-b&c' -L",
    ),
    (
        "a form that is not encoded again like this",
        "curl https://example.com/login -d user=ann -d 'password=hunter2&note=a+b' -L",
    ),
    (
        "secrets",
        "curl -u ann:hunter2 -b 'sid=s3cr3t' -H 'X-Api-Key: k-123' 'https://u:p@example.com/a?access_token=t-1&b=2' --max-time 2.5",
    ),
    (
        "different secrets",
        "curl --oauth2-bearer t-1 http://x.test/a; curl -H 'Authorization: Bearer t-2' http://x.test/b; \
         curl -H \"Authorization: Bearer $TOKEN\" http://x.test/c",
    ),
    (
        "from a browser",
        "curl 'https://shop.example.com/api/cart?f\\[name\\]=x&ids\\[\\]=1' \\\n  -H 'accept: */*' \\\n  -b 'session=s3cr3t' \\\n  \
         -H 'sec-fetch-mode: cors' \\\n  -H 'user-agent: Mozilla/5.0' \\\n  --data-raw $'{\"name\":\"it\\'s\\\\nfine\"}' \\\n  --compressed",
    ),
    (
        "from a browser on Windows",
        "curl ^\"https://shop.example.com/api/cart?f^\\[name^\\]=x^\" ^\n  -H ^\"content-type: application/json^\" ^\n  \
         --data-raw ^\"^{^\\^\"a^\\^\":1^}^\"",
    ),
    (
        "for PowerShell",
        "curl.exe 'https://shop.example.com/api/cart' `\n  -H 'a: it''s' `\n  --data-raw '{\"a\":1}'",
    ),
    (
        "fetch",
        "fetch(\"https://shop.example.com/api/cart?a=1\", {\n  \"headers\": { \"content-type\": \"application/json\" },\n  \
         \"referrer\": \"https://shop.example.com/\",\n  \"body\": \"{\\\"a\\\":1}\",\n  \"method\": \"POST\",\n  \"credentials\": \"include\"\n});",
    ),
    (
        "several",
        "curl 'https://a.example.com/users/1' ;\ncurl 'https://a.example.com/users/2' ;\n\
         curl -XDELETE 'https://a.example.com/users/2';\ncurl 'https://cdn.example.com/x'; curl http://a.example.com/users/1\n",
    ),
    (
        "one path with other headers and bodies",
        "curl http://x.test/a -H 'X-Plan: free'; curl http://x.test/a -H 'X-Plan: paid'; \
         curl http://x.test/a -d one; curl http://x.test/a -d two; curl http://x.test/a -d '{\"n\":1}'; curl http://x.test/a -d '{\"n\":2}'",
    ),
    (
        "files",
        "curl -sSk -T notes.txt https://x.test/a/ --next --data-binary '<a/>' -H 'Content-Type: text/xml' https://x.test/b \
         --next -d @list.txt https://x.test/c",
    ),
    (
        "a multipart form",
        "curl http://x.test/up -F a=1 -F 'password=hunter2' -F 'f=@d/photo.jpg' -F 'g=@x;type=text/plain;filename=y.txt' \
         -H 'Content-Type: multipart/form-data; boundary=abc'",
    ),
    (
        "methods",
        "curl -X OPTIONS http://x.test/a; curl -X PURGE http://x.test/b -d x; curl -X wHat http://x.test/c; curl -I http://x.test/d",
    ),
    (
        "headers",
        "curl http://x.test/ -H 'X-A: 1' -H 'x-a: 2' -H 'X-Empty;' -H 'Host: other.test' -H 'Accept:' -H 'Connection: close' -r 0-99 \
         -H 'Content-Type: application/json' -H 'If-None-Match: \"e\"' -H 'b : 2'",
    ),
    (
        "connections",
        "curl --http2 --cacert ca.pem --cert client.pem:secret --tlsv1.3 --connect-timeout 3 https://x.test/",
    ),
    (
        "HTTP/2 without an upgrade",
        "curl --http2-prior-knowledge --next --max-redirs 3 http://x.test/ --cacert ca.pem",
    ),
    (
        "standard input",
        "curl -d @- http://x.test/a <<'END'\none\ntwo\nEND\necho '{\"a\":1}' | curl --json @- http://x.test/b | jq .\n\
         curl --data-binary @- http://x.test/c < body.bin\ncurl -d @- http://x.test/d",
    ),
    (
        "variables of the text",
        "HOST=http://x.test\nexport ITEM=7\ncurl \"$HOST/items/${ITEM}?q=$QUERY\" -d \"n=$NOTE\" --next \"$HOST/b\" -d '$NOTE {{ a }}'",
    ),
    ("a pattern", "curl 'http://x.test/items/[1-3]?size={s,m}'"),
    (
        "what cannot be carried over",
        "curl -x user:s3cr3t@proxy:80 --resolve x.test:80:127.0.0.1 --digest -u ann:hunter2 --retry 3 --no-such -b jar.txt \
         -H @headers.txt -F 'a=<b' --limit-rate 1k -sS -o out http://x.test/a?f[name]=1 -K conf -H $'X-Latin: caf\\xe9'",
    ),
    (
        "data in the query",
        "curl -G -d a=1 -d b=2 'http://x.test/s?c=3' -I --url-query 'd=x y'",
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
    for secret in ["hunter2", "s3cr3t", "k-123", "t-1", "t-2"] {
        assert!(!page.contains(secret), "{secret}");
    }
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
        (
            "curl ftp://x/y",
            "not an http or https URL, left out: `ftp://x/y`",
        ),
        ("curl 'http://x", "is not closed"),
        (
            "curl -X 'A B' http://x/",
            "nothing to import: no request has a supported method",
        ),
        (
            "curl -d a -F b=c http://x/",
            "more than one of -d, -F, -T and -I",
        ),
        (
            "curl \"$HOST/a\"",
            "the host is in a variable whose value is not known",
        ),
        (
            "fetch(\"http://x/\", { method: m });",
            "copy the request as cURL instead",
        ),
        ("fetch(url)", "copy the request as cURL instead"),
        (
            "Invoke-WebRequest -UseBasicParsing -Uri \"http://x/\"",
            "use Copy as cURL instead of Copy as PowerShell",
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
            "日", "$A", "${B", "$(", "`", "<", "<<", ">", "|", "fetch(", "[1-3]", "-F ", "a=@b;type=c", "-b ", "\u{fdd0}A\u{fdd1}", "\u{0}", "\u{1b}", "\\u", "\\x", "d83d", "--", "-", "@f", "=", "%7B{{ pick(x) }}", " ",
        ]), 0..20)
    ) {
        accept_any(&brunt_import::curl(pieces.concat()));
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

#[test]
fn url_alone_is_a_command() {
    for url in ["http://h/a", "localhost:8000/a", "h.test", "localhost"] {
        let text = brunt_import::curl(url);
        assert!(text.is_ok(), "{url} {text:?}");
        assert_eq!(text, brunt_import::curl_words(&[url]), "{url}");
    }
    // The name of the program is not looked for in arguments.
    let imported = brunt_import::curl_words(&["http://h/curl"]).expect("a URL");
    assert!(
        imported.scenario.contains("get   = \"/curl\""),
        "{}",
        imported.scenario
    );
}

#[test]
fn bytes_of_a_body_are_kept() {
    let imported = brunt_import::curl(b"curl http://h/a --data-binary $'\\x00caf\\xe9' -d '\xff'");
    let imported = imported.expect("a command");
    assert_eq!(imported.files.len(), 1, "{imported:?}");
    assert_eq!(imported.files[0].content, b"\0caf\xe9&\xff");
    let name = &imported.files[0].path;
    assert!(imported.scenario.contains(&format!("file    = \"{name}\"")));
    assert!(
        imported
            .scenario
            .contains("application/x-www-form-urlencoded")
    );
}
