//! TLS: verification, negotiation, and counts of handshakes.

use std::io::{Read, Write};
use std::net::TcpListener;

use brunt_record::{FailureKind, Measure, Outcome, RunRecord, Scope, Second};
use brunt_testbed::{Fault, Identity, Response, Routes, Server, TestCa, TlsFront, TlsRules};
use tempfile::TempDir;

use crate::{TestRun, failures, total};

const TASK: &str = "[[users.u.tasks]]\nget = \"/\"\ntimeout = \"2s\"";

/// A server behind a TLS front, with the certificates of its authority and of a client.
struct Secure {
    server: Server,
    authority: TestCa,
    folder: TempDir,
}

impl Secure {
    fn new() -> Self {
        let secure = Self {
            server: Server::start(Routes::new().otherwise(Response::ok("hello"))).unwrap(),
            authority: TestCa::new(),
            folder: TempDir::new().unwrap(),
        };
        secure.write("ca.pem", &secure.authority.pem());
        secure
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn front(&self, rules: impl Into<TlsRules>) -> TlsFront {
        TlsFront::start(self.server.address(), rules).unwrap()
    }

    fn localhost(&self) -> Identity {
        self.authority.issue(&["localhost"])
    }

    /// Runs for a moment with these `[tls]` lines; `FOLDER` is replaced by the folder of the files.
    fn test_run(&self, url: &str, tls: &str) -> RunRecord {
        let folder = self.folder.path().display().to_string();
        let tls = format!("[tls]\n{}", tls.replace("FOLDER", &folder));
        TestRun::new(url, 2, "300ms", "20ms", TASK).with(&tls).run()
    }
}

const CA: &str = "ca = \"FOLDER/ca.pem\"";

fn requests(record: &RunRecord) -> u64 {
    total(record, Second::requests)
}

fn handshakes(record: &RunRecord) -> u64 {
    let all = Outcome::ALL.map(|outcome| {
        record
            .timeline
            .histogram(Scope::All, Measure::Tls, outcome)
            .count()
    });
    all.iter().sum()
}

#[test]
fn trusted_server_is_used_and_its_handshakes_are_timed() {
    let secure = Secure::new();
    let front = secure.front(secure.localhost());
    let record = secure.test_run(&front.url("localhost"), CA);
    assert_eq!(record.timeline.failures(), []);
    assert!(requests(&record) > 2);
    assert_eq!(secure.server.counts().requests, requests(&record));
    assert_eq!(front.counts().full, 2);
    assert_eq!(handshakes(&record), 2);
}

#[test]
fn unverifiable_server_is_rejected() {
    let secure = Secure::new();
    let other_name = secure.front(secure.authority.issue(&["other.example"]));
    let stranger = secure.front(TestCa::new().issue(&["localhost"]));
    let expired = secure.authority.issue_for(&["localhost"], (2_001, 2_002));
    for (front, reason) in [
        (
            other_name,
            "is for other.example, and is not valid for localhost; set `server_name` in [tls]",
        ),
        (stranger, "or the certificate itself to `ca` in [tls]"),
        (secure.front(expired), "expired on 2002-01-01 00:00 UTC"),
    ] {
        let record = secure.test_run(&front.url("localhost"), CA);
        assert_eq!(failures(&record, FailureKind::Tls), requests(&record));
        let example = record.timeline.failures()[0].example.clone().unwrap();
        assert!(example.contains(reason), "{example}");
        assert!(
            example.contains("accept any certificate with --insecure"),
            "{example}"
        );
        assert_eq!(secure.server.counts().requests, 0);
    }
}

/// curl accepts each of these with `--cacert`, since OpenSSL trusts a chain that ends at any certificate of the file.
#[test]
fn certificate_of_the_server_itself_can_be_trusted() {
    let secure = Secure::new();
    let own = Identity::self_signed(&["localhost"], (2_001, 4_000));
    let issued = TestCa::new().issue(&["localhost"]);
    for identity in [own, issued] {
        // Other certificates do not matter.
        let all = secure.authority.pem() + &identity.certificate;
        secure.write("server.pem", &all);
        let front = secure.front(identity);
        let record = secure.test_run(&front.url("localhost"), "ca = \"FOLDER/server.pem\"");
        assert_eq!(record.timeline.failures(), []);
        assert!(requests(&record) > 2);
    }
}

#[test]
fn trusted_certificate_of_the_server_needs_its_name_and_validity() {
    let secure = Secure::new();
    let valid = (2_001, 4_000);
    let trusted = Identity::self_signed(&["localhost"], valid);
    for (identity, trusts_it, reason) in [
        (
            Identity::self_signed(&["other.example"], valid),
            true,
            "is for other.example, and is not valid for localhost",
        ),
        (
            Identity::self_signed(&["localhost"], (2_001, 2_002)),
            true,
            "expired on 2002-01-01",
        ),
        (
            Identity::self_signed(&["localhost"], (3_998, 3_999)),
            true,
            "is not valid before 3998-01-01",
        ),
        (
            Identity::self_signed(&["localhost"], valid),
            false,
            "is that of an authority; add exactly this certificate to `ca` in [tls]",
        ),
    ] {
        let in_file = if trusts_it { &identity } else { &trusted };
        secure.write("server.pem", &in_file.certificate);
        let front = secure.front(identity);
        let record = secure.test_run(&front.url("localhost"), "ca = \"FOLDER/server.pem\"");
        assert_eq!(failures(&record, FailureKind::Tls), requests(&record));
        let example = record.timeline.failures()[0].example.clone().unwrap();
        assert!(example.contains(reason), "{example}");
        assert_eq!(secure.server.counts().requests, 0);
    }
}

#[test]
fn insecure_accepts_any_certificate_and_server_name_replaces_the_host() {
    let secure = Secure::new();
    let stranger = secure.front(TestCa::new().issue(&["other.example"]));
    let record = secure.test_run(&stranger.url("localhost"), "insecure = true");
    assert_eq!(record.timeline.failures(), []);
    let other = secure.front(secure.authority.issue(&["other.example"]));
    let named = format!("{CA}\nserver_name = \"other.example\"");
    let record = secure.test_run(&other.url("localhost"), &named);
    assert_eq!(record.timeline.failures(), []);
}

#[test]
fn client_certificate_is_sent_on_request() {
    let secure = Secure::new();
    let client = secure.authority.issue(&["client"]);
    secure.write("client.pem", &client.certificate);
    secure.write("client.key", &client.key);
    let rules = TlsRules {
        clients_of: Some(secure.authority.pem()),
        ..secure.localhost().into()
    };
    let front = secure.front(rules);
    let unknown = secure.test_run(&front.url("localhost"), CA);
    assert_eq!(failures(&unknown, FailureKind::Tls), requests(&unknown));
    let example = unknown.timeline.failures()[0].example.clone().unwrap();
    let remedy = "the server requires a client certificate; set `certificate` and `key` in [tls]";
    assert!(example.contains(remedy), "{example}");
    let with_client =
        format!("{CA}\ncertificate = \"FOLDER/client.pem\"\nkey = \"FOLDER/client.key\"");
    let known = secure.test_run(&front.url("localhost"), &with_client);
    assert_eq!(known.timeline.failures(), []);
}

#[test]
fn unusable_client_certificate_is_explained_before_the_run() {
    let secure = Secure::new();
    let client = secure.authority.issue(&["client"]);
    let other = secure.authority.issue(&["other"]);
    let reversed = secure.authority.pem() + &client.certificate;
    for (certificate, key, reason) in [
        (
            &client.certificate,
            &other.key,
            "it is not the key of the certificate in",
        ),
        (&reversed, &client.key, "certificate 2 is that of the key"),
        (&client.key, &client.key, "only PRIVATE KEY"),
    ] {
        secure.write("client.pem", certificate);
        secure.write("client.key", key);
        let tls = "[tls]\ncertificate = \"FOLDER/client.pem\"\nkey = \"FOLDER/client.key\"";
        let folder = secure.folder.path().display().to_string();
        let test_run = TestRun::new("https://localhost:1", 1, "1s", "1s", TASK);
        let test_run = test_run.with(&tls.replace("FOLDER", &folder));
        let error = test_run.origins().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn only_configured_versions_are_offered() {
    let secure = Secure::new();
    let old = secure.front(TlsRules {
        tls13: false,
        ..secure.localhost().into()
    });
    let too_new = secure.test_run(
        &old.url("localhost"),
        &format!("{CA}\nversions = [\"1.3\"]"),
    );
    assert_eq!(failures(&too_new, FailureKind::Tls), requests(&too_new));
    let both = secure.test_run(&old.url("localhost"), CA);
    assert_eq!(both.timeline.failures(), []);
}

#[test]
fn later_connection_of_a_user_resumes_its_session_unless_disabled() {
    let secure = Secure::new();
    for version in ["1.2", "1.3"] {
        let tls = format!("{CA}\nversions = [\"{version}\"]");
        let resumes = secure.front(secure.localhost());
        let test_run = |front: &TlsFront, tls: &str| {
            let folder = secure.folder.path().display().to_string();
            let top = format!("connections = \"per-request\"\n[tls]\n{tls}");
            TestRun::new(&front.url("localhost"), 2, "300ms", "20ms", TASK)
                .with(&top.replace("FOLDER", &folder))
                .run()
        };
        let record = test_run(&resumes, &tls);
        assert_eq!(record.timeline.failures(), []);
        let counts = resumes.counts();
        assert_eq!(counts.full, 2, "{version}: one per user");
        assert_eq!(counts.full + counts.resumed, requests(&record));
        let forgets = secure.front(secure.localhost());
        let record = test_run(&forgets, &format!("{tls}\nresumption = false"));
        assert_eq!(forgets.counts().full, requests(&record));
    }
}

#[test]
fn stuck_handshake_has_its_own_timeout() {
    let secure = Secure::new();
    let silent = secure.front(TlsRules {
        silent: true,
        ..secure.localhost().into()
    });
    let record = TestRun::new(&silent.url("localhost"), 2, "200ms", "10ms", TASK)
        .with("timeouts = { tls = \"100ms\" }\ntls = { insecure = true }")
        .run();
    assert_eq!(
        failures(&record, FailureKind::TlsTimeout),
        requests(&record)
    );
    assert_eq!(total(&record, |second| second.wire_requests), 0);
}

#[test]
fn server_without_tls_fails_the_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "https://127.0.0.1:{}",
        listener.local_addr().unwrap().port()
    );
    let mail = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.write_all(b"220 mail.example ESMTP\r\n").unwrap();
        // Until the client has disconnected.
        client.read_to_end(&mut Vec::new()).ok();
    });
    let record = TestRun::new(&url, 1, "20ms", "1h", TASK)
        .with("tls = { insecure = true }")
        .run();
    mail.join().unwrap();
    assert_eq!(failures(&record, FailureKind::Tls), 1);

    let closing = Server::start(Fault::CloseOnAccept).unwrap();
    let url = closing.url().replace("http:", "https:");
    let record = Secure::new().test_run(&url, "insecure = true");
    assert_eq!(failures(&record, FailureKind::Tls), requests(&record));
}
