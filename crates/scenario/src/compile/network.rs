//! Compiles the network settings: HTTP version, connections, timeouts, TLS, limits, and redirect hosts.

use std::path::Path;

use crate::compile::compiler::Compiler;
use crate::expr::secrets::Place;
use crate::model::host::{Host, HostUrl};
use crate::model::network::{
    ClientCertificate, Connections, HttpVersion, KeyPassword, Limits, Network, SHARED_DEFAULT,
    Timeouts, Tls, TlsVersions,
};
use crate::source::diagnostic::{Diagnostic, suggestion};
use crate::source::units::{self, positive_duration};
use crate::spec::{
    ConnectionsSpec, Json, LimitsSpec, SharedConnections, Spanned, Spec, TimeoutsSpec, TlsSpec,
};
use crate::value::Encoding;

/// Compiles the network settings of a file in `folder`.
pub(crate) fn resolve(spec: &Spec, folder: &Path, diagnostics: &mut Vec<Diagnostic>) -> Network {
    let http = http_version(spec, diagnostics);
    let (connections, streams) = match &spec.connections {
        Some(typed) => connections(typed, http, diagnostics),
        None => (Connections::default(), None),
    };
    Network {
        http,
        connections,
        streams,
        timeouts: timeouts(&spec.timeouts, diagnostics),
        tls: tls(&spec.tls, folder, diagnostics),
        limits: limits(&spec.limits, diagnostics),
        redirect_hosts: redirect_hosts(spec, diagnostics),
        hosts: Vec::new(),
        no_cookies: spec.cookies == Some(false),
    }
}

fn http_version(spec: &Spec, diagnostics: &mut Vec<Diagnostic>) -> HttpVersion {
    let Some(typed) = &spec.http else {
        return HttpVersion::default();
    };
    let text = match typed.get_ref() {
        Json::Text(text) => text.clone(),
        Json::Integer(number) => number.to_string(),
        Json::Float(number) => number.to_string(),
        _ => "a list or table".to_owned(),
    };
    text.parse().unwrap_or_else(|message: String| {
        diagnostics.push(Diagnostic::new(message).at(typed.span(), "here"));
        HttpVersion::default()
    })
}

/// Compiles the connection mode, and the number of requests in flight on a shared connection.
fn connections(
    typed: &Spanned<ConnectionsSpec>,
    http: HttpVersion,
    diagnostics: &mut Vec<Diagnostic>,
) -> (Connections, Option<u32>) {
    let known = ["per-user", "per-iteration", "per-request", "shared"];
    let mut wrong = |message: String, help: String| {
        diagnostics.push(Diagnostic::new(message).at(typed.span(), "here").help(help));
        (Connections::default(), None)
    };
    let connections = match typed.get_ref() {
        ConnectionsSpec::Mode(mode) => match mode.as_str() {
            "per-user" => Connections::PerUser,
            "per-iteration" => Connections::PerIteration,
            "per-request" => Connections::PerRequest,
            "shared" => Connections::Shared(SHARED_DEFAULT),
            mode => {
                return wrong(
                    format!("unknown connection mode `{mode}`"),
                    suggestion(mode, known),
                );
            }
        },
        ConnectionsSpec::Shared(SharedConnections { shared: 0, .. }) => {
            return wrong(
                "invalid `shared`: must be above 0".into(),
                "write the number of connections that all users share, like { shared = 100 }"
                    .into(),
            );
        }
        ConnectionsSpec::Shared(SharedConnections {
            streams: Some(0), ..
        }) => {
            return wrong(
                "invalid `streams`: must be above 0".into(),
                "write the number of requests in flight on each connection, like { shared = 8, streams = 8 }".into(),
            );
        }
        ConnectionsSpec::Shared(SharedConnections {
            streams: Some(_), ..
        }) if http == HttpVersion::Http1 => {
            return wrong(
                "`streams` needs HTTP/2: HTTP/1.1 has one request in flight per connection".into(),
                "add http = \"2\" or http = \"auto\", run with --http 2, or remove `streams`"
                    .into(),
            );
        }
        ConnectionsSpec::Shared(SharedConnections { shared, streams }) => {
            return (Connections::Shared(*shared), *streams);
        }
    };
    (connections, None)
}

fn timeouts(typed: &TimeoutsSpec, diagnostics: &mut Vec<Diagnostic>) -> Timeouts {
    let mut read = |typed: &Option<Spanned<String>>| {
        let read = positive_duration(typed.as_ref()?);
        read.map_err(|diagnostic| diagnostics.push(diagnostic)).ok()
    };
    let default = Timeouts::default();
    Timeouts {
        connect: read(&typed.connect).unwrap_or(default.connect),
        tls: read(&typed.tls).unwrap_or(default.tls),
        first_byte: read(&typed.first_byte),
        total: read(&typed.total).unwrap_or(default.total),
    }
}

fn tls(typed: &TlsSpec, folder: &Path, diagnostics: &mut Vec<Diagnostic>) -> Tls {
    let path = |typed: &Spanned<String>| folder.join(typed.get_ref());
    let client = match (&typed.certificate, &typed.key) {
        (Some(certificate), Some(key)) => Some(ClientCertificate {
            certificate: path(certificate),
            key: path(key),
            key_password: None,
        }),
        (None, None) => None,
        (Some(alone), None) | (None, Some(alone)) => {
            let diagnostic =
                Diagnostic::new("a client certificate needs both `certificate` and `key`")
                    .at(alone.span(), "the other is missing");
            diagnostics.push(diagnostic.help("set both to PEM files"));
            None
        }
    };
    Tls {
        ca: typed.ca.as_ref().map(path),
        client,
        server_name: typed
            .server_name
            .as_ref()
            .map(|name| name.get_ref().clone()),
        versions: versions(typed, diagnostics),
        resumption: typed.resumption.unwrap_or(true),
        insecure: typed.insecure.unwrap_or(false),
    }
}

/// Compiles the password of the client's key, which is the same for all users.
pub(crate) fn key_password(compiler: &mut Compiler, typed: &TlsSpec, tls: &mut Tls) {
    let Some(typed) = &typed.key_password else {
        return;
    };
    let outer = compiler.resolver.secrets.enter(Place::Field);
    let template = compiler.text(typed, Encoding::Plain);
    compiler.resolver.secrets.enter(outer);
    let password = template.literal_bytes();
    match (password.map(String::from_utf8_lossy), &mut tls.client) {
        (Some(password), Some(client)) => {
            client.key_password = Some(KeyPassword::new(password.into_owned()));
        }
        (Some(_), None) => compiler.diagnostics.push(
            Diagnostic::new("`key_password` needs `certificate` and `key`")
                .at(typed.span(), "here")
                .help("set both to PEM files, or remove `key_password`"),
        ),
        (None, _) => compiler.diagnostics.push(
            Diagnostic::new("invalid `key_password`: must be known before the run")
                .at(typed.span(), "here")
                .help("write a text, or an environment variable like \"{{ env.KEY_PASSWORD }}\""),
        ),
    }
}

fn versions(typed: &TlsSpec, diagnostics: &mut Vec<Diagnostic>) -> TlsVersions {
    let Some(typed) = &typed.versions else {
        return TlsVersions::default();
    };
    let names: Vec<&str> = typed
        .get_ref()
        .iter()
        .map(|name| name.get_ref().as_str())
        .collect();
    match names.as_slice() {
        ["1.2"] => TlsVersions::Only12,
        ["1.3"] => TlsVersions::Only13,
        ["1.2", "1.3"] | ["1.3", "1.2"] => TlsVersions::Both,
        _ => {
            let message =
                "invalid TLS versions: must be [\"1.2\"], [\"1.3\"] or [\"1.2\", \"1.3\"]";
            diagnostics.push(Diagnostic::new(message).at(typed.span(), "here"));
            TlsVersions::default()
        }
    }
}

fn limits(typed: &LimitsSpec, diagnostics: &mut Vec<Diagnostic>) -> Limits {
    let mut read = |typed: &Option<Spanned<String>>| {
        let typed = typed.as_ref()?;
        let read = units::bytes(typed.get_ref());
        read.map_err(|message| diagnostics.push(Diagnostic::new(message).at(typed.span(), "here")))
            .ok()
    };
    let default = Limits::default();
    Limits {
        body_bytes: read(&typed.body).unwrap_or(default.body_bytes),
        decoded_bytes: read(&typed.decoded).unwrap_or(default.decoded_bytes),
    }
}

fn redirect_hosts(spec: &Spec, diagnostics: &mut Vec<Diagnostic>) -> Vec<HostUrl> {
    let mut hosts = Vec::new();
    for typed in &spec.redirect_hosts {
        match Host::parse(typed.get_ref()) {
            Ok(Host::Url(url)) if url.path() == "/" && url.query().is_none() => hosts.push(url),
            Err(message) => diagnostics.push(Diagnostic::new(message).at(typed.span(), "here")),
            Ok(_) => diagnostics.push(
                Diagnostic::new(format!(
                    "invalid redirect host `{}`: must be a URL without a path, like https://login.example.com",
                    typed.get_ref()
                ))
                .at(typed.span(), "here"),
            ),
        }
    }
    hosts
}
