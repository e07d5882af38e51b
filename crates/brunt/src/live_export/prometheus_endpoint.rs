//! HTTP endpoint that Prometheus scrapes: it returns the latest interval.

mod bounded_listener;

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use brunt_record::{Ending, Header};
use brunt_report::stream::{Interval, PROMETHEUS_TYPE, prometheus};

use super::queue::{DroppedIntervals, Exporter};
use crate::exit::Failure;
use bounded_listener::Bounded;

/// Where the page is.
const PATH: &str = "/metrics";

/// What is known of a run.
#[derive(Clone)]
struct Known {
    header: Arc<Header>,
    latest: Option<Arc<Interval>>,
}

/// Changed once a second, and held no longer than it takes to copy two pointers.
type Shared = Arc<Mutex<Option<Known>>>;

/// A page that is served until brunt ends.
pub(super) struct PrometheusEndpoint {
    address: SocketAddr,
    known: Shared,
}

impl PrometheusEndpoint {
    /// Serves the page.
    pub(super) fn serve(address: SocketAddr) -> Result<Self, Failure> {
        let bound = TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        });
        let (address, listener) = bound.map_err(|error| {
            Failure::Input(format!(
                "--prometheus-port: cannot listen at {address}: {error}; give another port, or 0 for one that is free"
            ))
        })?;
        let known = Shared::default();
        let router = Router::new().fallback(answer).with_state(known.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot serve a page")?;
        thread::Builder::new()
            .name("metrics".into())
            .spawn(move || {
                super::queue::step_back();
                // It is served for as long as brunt runs, and nobody is left to hear of an error.
                let served = runtime.block_on(async {
                    let listener = tokio::net::TcpListener::from_std(listener)?;
                    axum::serve(Bounded::new(listener), router).await
                });
                if let Err(error) = served {
                    crate::exit::print_note(&format!("note: --prometheus-port: {error}"));
                }
            })
            .context("cannot start a thread")?;
        Ok(Self { address, known })
    }

    /// Where it is served.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets what the endpoint returns from now on.
    fn set(&self, header: &Arc<Header>, latest: Option<Arc<Interval>>) {
        let header = header.clone();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Known { header, latest });
    }
}

impl Exporter for PrometheusEndpoint {
    fn run(&mut self, header: &Arc<Header>) -> Result<(), String> {
        self.set(header, None);
        Ok(())
    }

    fn interval(
        &mut self,
        header: &Arc<Header>,
        interval: &Arc<Interval>,
        _: DroppedIntervals,
    ) -> Result<(), String> {
        self.set(header, Some(interval.clone()));
        Ok(())
    }

    fn ending(&mut self, _: &Header, _: &Ending, _: DroppedIntervals) -> Result<(), String> {
        Ok(())
    }
}

async fn answer(State(known): State<Shared>, method: Method, uri: Uri) -> Response {
    if method != Method::GET {
        let allow = [(header::ALLOW, "GET")];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    if uri.path() != PATH {
        return (StatusCode::NOT_FOUND, format!("the page is {PATH}\n")).into_response();
    }
    let known = known.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let page = known.map_or_else(String::new, |known| {
        prometheus(&known.header, known.latest.as_deref())
    });
    ([(header::CONTENT_TYPE, PROMETHEUS_TYPE)], page).into_response()
}
