//! A hyper server on a thread.

use std::convert::Infallible;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::running::{Held, Running, Seen};
use crate::site::{Mode, Site};

/// State shared by the connections of the server.
#[derive(Clone)]
struct Serving {
    folder: PathBuf,
    count: Arc<AtomicU64>,
    keep_alive: bool,
    acceptor: Option<TlsAcceptor>,
}

pub(crate) fn start(site: &Site, mode: Mode) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let count: Arc<AtomicU64> = Arc::default();
    let serving = Serving {
        folder: site.folder().join("site"),
        count: count.clone(),
        keep_alive: mode.keep_alive,
        acceptor: mode.tls.then(|| acceptor(site.folder())),
    };
    let (stop, stopped) = oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            tokio::select! {
                () = accept(listener, serving) => {}
                _ = stopped => {}
            }
        });
    });
    Running::new("hyper", port, mode, Seen::Count(count), Held::Thread(stop))
}

fn acceptor(folder: &Path) -> TlsAcceptor {
    let chain = CertificateDer::from_pem_file(folder.join("certificate.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(listener: TcpListener, serving: Serving) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let serving = serving.clone();
        tokio::spawn(async move {
            match serving.acceptor.clone() {
                None => serve(stream, serving).await,
                Some(acceptor) => serve(acceptor.accept(stream).await.unwrap(), serving).await,
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, serving: Serving) {
    let keep_alive = serving.keep_alive;
    let service = service_fn(move |request| respond(request, serving.clone()));
    let serving = http1::Builder::new()
        .keep_alive(keep_alive)
        .serve_connection(TokioIo::new(stream), service);
    // The client may disconnect at any time.
    serving.await.ok();
}

async fn respond(
    request: Request<Incoming>,
    serving: Serving,
) -> Result<Response<Full<Bytes>>, Infallible> {
    serving.count.fetch_add(1, Ordering::AcqRel);
    let path = serving
        .folder
        .join(request.uri().path().trim_start_matches('/'));
    let zips = request.headers().contains_key("accept-encoding");
    // The client may abort its request.
    request.into_body().collect().await.ok();
    let response = Response::builder();
    let Ok(body) = std::fs::read(path) else {
        return Ok(response.status(404).body(Full::default()).unwrap());
    };
    Ok(if zips {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&body).unwrap();
        let body = encoder.finish().unwrap();
        let response = response.header("Content-Encoding", "gzip");
        response.body(Full::from(body)).unwrap()
    } else {
        response.body(Full::from(body)).unwrap()
    })
}
