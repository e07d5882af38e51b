//! What bytes mean to hyper's client.

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;

use crate::meaning::Meaning;

/// The meaning of what comes, at most `at_once` bytes at a time, before the connection ends.
pub(crate) fn meaning(bytes: &[u8], to_head: bool, at_once: usize) -> Meaning {
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
            .expect("hyper begins without a word");
        tokio::spawn(connection);
        let (mut from_client, mut to_client) = tokio::io::split(&mut server);
        let request = Request::builder()
            .method(if to_head { "HEAD" } else { "GET" })
            .uri("/")
            .header("Host", "h")
            .body(Empty::new())
            .expect("a request");
        let serving = async {
            // The request has to come first, or its answer was not asked for.
            let mut first = [0; 1];
            tokio::io::AsyncReadExt::read(&mut from_client, &mut first)
                .await
                .expect("a request");
            let mut nowhere = tokio::io::sink();
            let reading = tokio::io::copy(&mut from_client, &mut nowhere);
            let writing = async {
                // A client that has heard enough hangs up.
                to_client.write_all(bytes).await.ok();
                to_client.shutdown().await.ok();
            };
            tokio::join!(reading, writing).0.ok();
        };
        let asking = async {
            match sender.send_request(request).await {
                Ok(response) => read(response).await,
                Err(error) => of(&error),
            }
        };
        tokio::select! {
            biased;
            meaning = asking => meaning,
            () = serving => unreachable!("hyper says what it made of it before it hangs up"),
        }
    })
}

async fn read(response: Response<Incoming>) -> Meaning {
    let status = response.status().as_u16();
    match response.into_body().collect().await {
        Ok(body) => Meaning::Answer(status, body.to_bytes().to_vec()),
        Err(error) => of(&error),
    }
}

fn of(error: &hyper::Error) -> Meaning {
    if error.is_incomplete_message() {
        return Meaning::Closed;
    }
    let io =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    match io.map(std::io::Error::kind) {
        Some(std::io::ErrorKind::UnexpectedEof) => Meaning::Closed,
        _ => Meaning::Refused,
    }
}
