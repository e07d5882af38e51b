//! `testbed agent`: the Application Agent as shipped, or with a fault that a run should detect.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use brunt_application_agent::{Agent, RETENTION_DEFAULT, Settings};
use brunt_testbed::MemoryBallast;

use crate::announce::announce;

/// A fault of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Fault {
    /// Leak 1 KiB per request
    Leak,
    /// Block the thread for 100 ms in `/admin/stats`
    BlockingStats,
    /// Keep all history, and read all of it for analytics
    UnboundedHistory,
    /// Use more CPU time per request, by `--by`
    Slower,
}

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Add a fault
    #[arg(long, value_enum)]
    fault: Option<Fault>,
    /// Number of analyses to keep, unless the fault is unbounded-history
    #[arg(long, default_value_t = RETENTION_DEFAULT)]
    retention: usize,
    /// Additional CPU time per request with the fault slower, in microseconds
    #[arg(long, value_name = "US", required_if_eq("fault", "slower"))]
    by: Option<u64>,
}

/// Size of the leak per request, in bytes.
const LEFT_BYTES: usize = 1024;
/// Duration for which `/admin/stats` blocks.
const BLOCKED: Duration = Duration::from_millis(100);

/// Serves on a free port, with state in memory, until standard input ends.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut settings = Settings {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        retention: options.retention,
        ..Settings::default()
    };
    if options.fault == Some(Fault::UnboundedHistory) {
        settings.retention = usize::MAX;
    }
    let agent = Agent::bind(settings)?;
    let agent = match options.fault {
        None => agent,
        Some(Fault::Leak) => agent.wrapped(leaking),
        Some(Fault::BlockingStats) => agent.wrapped(blocking),
        Some(Fault::UnboundedHistory) => agent.wrapped(remembering),
        Some(Fault::Slower) => {
            let by = Duration::from_micros(options.by.unwrap_or(0));
            agent.wrapped(move |router| slower(router, by))
        }
    };
    announce(&format!("http://{}", agent.address()));
    let (ended, input_ended) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        // An error is ignored like any input: the parent process is gone either way. The agent may have
        // ended, too, if it does not listen.
        std::io::stdin().read_to_end(&mut Vec::new()).ok();
        ended.send(()).ok();
    });
    let stop = async {
        input_ended.await.ok();
    };
    agent.run(stop).context("cannot serve")
}

fn leaking(router: Router) -> Router {
    let ballast = Arc::new(Mutex::new(MemoryBallast::default()));
    router.layer(from_fn(move |request: Request, next: Next| {
        let ballast = ballast.clone();
        async move {
            ballast
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .add(LEFT_BYTES);
            next.run(request).await
        }
    }))
}

fn blocking(router: Router) -> Router {
    router.layer(from_fn(|request: Request, next: Next| async {
        if request.uri().path() == "/admin/stats" {
            // Like a blocking call: the thread serves no other request during it.
            std::thread::sleep(BLOCKED);
        }
        next.run(request).await
    }))
}

fn slower(router: Router, by: Duration) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| async move {
        // Like a worse algorithm: a sleep would be less precise, and use no CPU.
        let until = Instant::now() + by;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        next.run(request).await
    }))
}

/// The size of an analysis in memory, about that of its texts.
type Remembered = Box<[u64; 64]>;

fn remembering(router: Router) -> Router {
    let history: Arc<Mutex<Vec<Remembered>>> = Arc::default();
    router.layer(from_fn(move |request: Request, next: Next| {
        let history = history.clone();
        async move {
            {
                let mut history = history.lock().unwrap_or_else(PoisonError::into_inner);
                if request.uri().path() == "/quality/analyze" {
                    history.push(Box::new([1; 64]));
                } else if request.uri().path().starts_with("/analytics/") {
                    // A sum over the complete history, computed again for each request.
                    let sum: u64 = history.iter().flat_map(|kept| kept.iter()).sum();
                    std::hint::black_box(sum);
                }
            }
            next.run(request).await
        }
    }))
}
