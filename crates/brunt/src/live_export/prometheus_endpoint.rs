//! HTTP endpoint for Prometheus, which returns the latest interval.

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
use bounded_listener::BoundedListener;

/// Path of the metrics.
const PATH: &str = "/metrics";

/// Metrics to return.
#[derive(Clone)]
struct LatestMetrics {
    header: Arc<Header>,
    /// `None` before the first interval of the run.
    interval: Option<Arc<Interval>>,
}

/// Changed once per second; the lock is held only to copy two pointers.
type Shared = Arc<Mutex<Option<LatestMetrics>>>;

/// Endpoint that serves until brunt exits.
pub(super) struct PrometheusEndpoint {
    address: SocketAddr,
    latest: Shared,
}

impl PrometheusEndpoint {
    /// Binds the address, and starts the server thread.
    pub(super) fn serve(address: SocketAddr) -> Result<Self, Failure> {
        let bound = TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        });
        let (address, listener) = bound.map_err(|error| {
            Failure::Input(format!(
                "--prometheus-port: cannot listen on {address}: {error}; use another port, or 0 for a free one"
            ))
        })?;
        let latest = Shared::default();
        let router = Router::new().fallback(respond).with_state(latest.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the metrics server")?;
        thread::Builder::new()
            .name("metrics".into())
            .spawn(move || {
                super::queue::lower_priority();
                let served = runtime.block_on(async {
                    let listener = tokio::net::TcpListener::from_std(listener)?;
                    axum::serve(BoundedListener::new(listener), router).await
                });
                if let Err(error) = served {
                    crate::exit::print_note(&format!("note: --prometheus-port: {error}"));
                }
            })
            .context("cannot start a thread")?;
        Ok(Self { address, latest })
    }

    /// Bound address.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets what the endpoint returns from now on.
    fn set(&self, header: &Arc<Header>, interval: Option<Arc<Interval>>) {
        let header = header.clone();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = Some(LatestMetrics { header, interval });
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

async fn respond(State(latest): State<Shared>, method: Method, uri: Uri) -> Response {
    if method != Method::GET {
        let allow = [(header::ALLOW, "GET")];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    if uri.path() != PATH {
        return (
            StatusCode::NOT_FOUND,
            format!("the metrics are at {PATH}\n"),
        )
            .into_response();
    }
    let latest = latest
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let text = latest.map_or_else(String::new, |latest| {
        prometheus(&latest.header, latest.interval.as_deref())
    });
    ([(header::CONTENT_TYPE, PROMETHEUS_TYPE)], text).into_response()
}
