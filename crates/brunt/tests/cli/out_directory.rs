//! `--out`: an earlier run is replaced only with `--force`, and links are not followed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use brunt_testbed::{Response, Routes, Server};

use crate::brunt::Brunt;

const SHORT: &str = "[users.u]\nwait = \"20ms\"\n[[users.u.tasks]]\nget = \"/\"\n\
                     [profiles.p]\nusers = 2\nduration = \"1s\"\n[profiles.q]\nusers = 3\nduration = \"1s\"\n";

#[test]
fn earlier_run_is_replaced_only_with_force() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let url = server.url();
    let brunt = Brunt::new(&["run", "p", "--out", "out", "--host", &url]).scenario(SHORT);
    let first = brunt.run();
    assert_eq!(first.code, Some(0), "{first:?}");
    let kept = fs::read(brunt.path("out/record.brunt")).unwrap();
    let before = server.counts().requests;
    let refused = brunt.run();
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let expected = "cannot write to out: it holds record.brunt of an earlier run; choose another --out, or overwrite the run with \
                    --force";
    assert!(refused.stderr.contains(expected), "{refused:?}");
    assert_eq!(fs::read(brunt.path("out/record.brunt")).unwrap(), kept);
    assert_eq!(server.counts().requests, before, "nothing was sent");
    // With several profiles all directories are checked before the first run.
    let several = brunt.also(&["run", "q,p", "--out", ".", "--host", &url]);
    assert_eq!(several.code, Some(0), "{several:?}");
    fs::remove_dir_all(brunt.path("q")).unwrap();
    fs::remove_file(brunt.path("report.html")).unwrap();
    let before = server.counts().requests;
    let several = brunt.also(&["run", "q,p", "--out", ".", "--host", &url]);
    assert_eq!(several.code, Some(2), "{several:?}");
    assert_eq!(server.counts().requests, before, "nothing was sent");
    let forced = brunt.also(&["run", "q", "--out", "out", "--force", "--host", &url]);
    assert_eq!(forced.code, Some(0), "{forced:?}");
    assert_eq!(brunt.summary()["profile"], "q");
}

#[test]
fn links_in_the_out_directory_are_not_followed() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let url = server.url();
    let brunt = Brunt::new(&["run", "p", "--out", "out", "--host", &url]).scenario(SHORT);
    fs::create_dir(brunt.path("out")).unwrap();
    let files = [
        "record.brunt",
        "record.brunt.new",
        "summary.json",
        "summary.json.new",
        "report.html",
        "timeline.csv",
    ];
    for (number, name) in files.iter().enumerate() {
        let precious = brunt.path(&format!("precious-{number}"));
        fs::write(&precious, "precious").unwrap();
        symlink(&precious, brunt.path("out").join(name)).unwrap();
    }
    let refused = brunt.run();
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let forced = brunt.also(&["run", "p", "--out", "out", "--force", "--host", &url]);
    assert_eq!(forced.code, Some(0), "{forced:?}");
    for (number, name) in files.iter().enumerate() {
        let precious = fs::read_to_string(brunt.path(&format!("precious-{number}"))).unwrap();
        assert_eq!(precious, "precious", "{name}");
        let found = brunt.path("out").join(name).symlink_metadata();
        assert!(
            found.is_ok_and(|found| found.is_file())
                || Path::new(name).extension() == Some("new".as_ref()),
            "{name}"
        );
    }
    assert_eq!(brunt.summary()["profile"], "p");
}

#[test]
fn option_that_requires_another_is_refused_without_it() {
    for (option, needed) in [
        ("--force", "--out <DIR>"),
        ("--allow-mismatch", "--baseline"),
    ] {
        let ended = Brunt::new(&["run", "p", option]).scenario(SHORT).run();
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(needed), "{ended:?}");
    }
}
