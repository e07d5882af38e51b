//! `testbed agent`: the Application Agent as it ships, or with a fault that a run has to find.

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

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Fault {
    /// Each request leaves 1 KiB that nobody frees
    Leak,
    /// `/admin/stats` blocks the thread that serves it for 100 ms
    BlockingStats,
    /// Nothing is forgotten, and analytics read all of it
    UnboundedHistory,
    /// Each request keeps the thread that serves it busy for longer, by `--by`
    Slower,
}

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What is wrong with it
    #[arg(long, value_enum)]
    fault: Option<Fault>,
    /// How many analyses it keeps, unless its fault is to forget nothing
    #[arg(long, default_value_t = RETENTION_DEFAULT)]
    retention: usize,
    /// How much longer each request takes of one that is slower, in microseconds
    #[arg(long, value_name = "US", required_if_eq("fault", "slower"))]
    by: Option<u64>,
}

/// What each request leaves.
const LEFT_BYTES: usize = 1024;
/// How long `/admin/stats` blocks.
const BLOCKED: Duration = Duration::from_millis(100);

/// Serves on a free port, its state in memory, until standard input ends.
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
        // Whatever is read, and an error too: who started it is gone. And so is the agent, where
        // it does not listen.
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
            // As a call would that is not async: the thread serves nobody else meanwhile.
            std::thread::sleep(BLOCKED);
        }
        next.run(request).await
    }))
}

fn slower(router: Router, by: Duration) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| async move {
        // As a worse algorithm would: a sleep would be longer, and take no CPU.
        let until = Instant::now() + by;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        next.run(request).await
    }))
}

/// What is remembered of an analysis: as much as its texts.
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
                    // A sum over all of it, each time anew.
                    let sum: u64 = history.iter().flat_map(|kept| kept.iter()).sum();
                    std::hint::black_box(sum);
                }
            }
            next.run(request).await
        }
    }))
}
