//! The results of parsing a response, by brunt and by hyper's client.

use brunt_engine::http::{BodyCapture, ResponseBody};
use brunt_engine::http1::Reader;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;

/// The result of parsing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A complete response: its status and its content.
    Response(u16, Vec<u8>),
    /// The connection ended too soon.
    Closed,
    /// The bytes are not HTTP, or exceed a limit.
    Rejected,
}

/// Parses the pieces with brunt, after which the connection ends.
pub(crate) fn brunt(pieces: &[&[u8]], to_head: bool) -> Outcome {
    // hyper reserves the two largest lengths.
    let content = ResponseBody::new(u64::MAX - 2, u64::MAX);
    let mut reader = Reader::new(to_head, |_| BodyCapture::All, content);
    for piece in pieces {
        match reader.feed(piece) {
            Err(_) => return Outcome::Rejected,
            Ok(Some(taken)) => {
                assert!(taken <= piece.len());
                return complete(reader);
            }
            Ok(None) => {}
        }
    }
    if reader.ends_with_connection() {
        complete(reader)
    } else {
        Outcome::Closed
    }
}

fn complete(reader: Reader) -> Outcome {
    let response = reader.into_response();
    assert_eq!(response.content.bytes, response.content.kept.len() as u64);
    Outcome::Response(response.status, response.content.kept)
}

/// Parses bytes with hyper, at most `at_once` at a time, after which the connection ends.
pub(crate) fn hyper(bytes: &[u8], to_head: bool, at_once: usize) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (client, mut server) = tokio::io::duplex(at_once.max(1));
        let (mut sender, connection) = http1::Builder::new()
            .allow_obsolete_multiline_headers_in_responses(true)
            .max_headers(128)
            .handshake::<_, Empty<Bytes>>(TokioIo::new(client))
            .await
            .expect("the handshake sends nothing");
        tokio::spawn(connection);
        let (mut from_client, mut to_client) = tokio::io::split(&mut server);
        let request = Request::builder()
            .method(if to_head { "HEAD" } else { "GET" })
            .uri("/")
            .header("Host", "h")
            .body(Empty::new())
            .expect("a request");
        let serving = async {
            // The request must be sent first, or its response would be unexpected.
            let mut first = [0; 1];
            tokio::io::AsyncReadExt::read(&mut from_client, &mut first)
                .await
                .expect("a request");
            let mut nowhere = tokio::io::sink();
            let reading = tokio::io::copy(&mut from_client, &mut nowhere);
            let writing = async {
                // The client closes the connection when it has received enough.
                to_client.write_all(bytes).await.ok();
                to_client.shutdown().await.ok();
            };
            tokio::join!(reading, writing).0.ok();
        };
        let asking = async {
            match sender.send_request(request).await {
                Ok(response) => read_body(response).await,
                Err(error) => outcome_of(&error),
            }
        };
        tokio::select! {
            biased;
            outcome = asking => outcome,
            () = serving => unreachable!("hyper returns its result before it closes the connection"),
        }
    })
}

async fn read_body(response: Response<Incoming>) -> Outcome {
    let status = response.status().as_u16();
    match response.into_body().collect().await {
        Ok(body) => Outcome::Response(status, body.to_bytes().to_vec()),
        Err(error) => outcome_of(&error),
    }
}

fn outcome_of(error: &hyper::Error) -> Outcome {
    if error.is_incomplete_message() {
        return Outcome::Closed;
    }
    let io =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    match io.map(std::io::Error::kind) {
        Some(std::io::ErrorKind::UnexpectedEof) => Outcome::Closed,
        _ => Outcome::Rejected,
    }
}
