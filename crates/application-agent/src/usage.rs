//! Usage: the agent's own CPU, memory and threads, sampled in the background so that requests do not wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, park_timeout};
use std::time::{Duration, Instant};

use procfs::process::Process;

/// Interval of samples.
const INTERVAL: Duration = Duration::from_secs(1);

/// Latest sample.
pub(crate) struct Usage {
    latest: Arc<Latest>,
    sampler: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Latest {
    /// In thousandths of a percent of one core.
    cpu: AtomicU64,
    rss_bytes: AtomicU64,
    threads: AtomicU64,
    stop: AtomicBool,
}

impl Usage {
    /// Starts sampling.
    pub(crate) fn start() -> std::io::Result<Self> {
        let latest = Arc::new(Latest::default());
        let sampling = latest.clone();
        let sampler = std::thread::Builder::new()
            .name("usage".into())
            .spawn(move || sample(&sampling))?;
        Ok(Self {
            latest,
            sampler: Some(sampler),
        })
    }

    /// CPU in percent of one core, over the last second.
    pub(crate) fn cpu_percent(&self) -> f64 {
        self.latest.cpu.load(Ordering::Relaxed) as f64 / 1000.0
    }

    /// Resident memory, in bytes.
    pub(crate) fn rss_bytes(&self) -> u64 {
        self.latest.rss_bytes.load(Ordering::Relaxed)
    }

    /// Number of threads.
    pub(crate) fn threads(&self) -> u64 {
        self.latest.threads.load(Ordering::Relaxed)
    }
}

impl Drop for Usage {
    fn drop(&mut self) {
        self.latest.stop.store(true, Ordering::Relaxed);
        if let Some(sampler) = self.sampler.take() {
            sampler.thread().unpark();
            if sampler.join().is_err() {
                eprintln!("agent: the sampling thread panicked");
            }
        }
    }
}

fn sample(latest: &Latest) {
    let mut before: Option<(Instant, u64)> = None;
    while !latest.stop.load(Ordering::Relaxed) {
        if let Ok(stat) = Process::myself().and_then(|process| process.stat()) {
            let (now, ticks) = (Instant::now(), stat.utime + stat.stime);
            if let Some((then, earlier)) = before {
                let cpu_s = (ticks - earlier) as f64 / procfs::ticks_per_second() as f64;
                let percent = 100.0 * cpu_s / (now - then).as_secs_f64();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a percentage of a few cores"
                )]
                latest
                    .cpu
                    .store((percent * 1000.0) as u64, Ordering::Relaxed);
            }
            before = Some((now, ticks));
            latest
                .rss_bytes
                .store(stat.rss * procfs::page_size(), Ordering::Relaxed);
            let threads = u64::try_from(stat.num_threads).unwrap_or(0);
            latest.threads.store(threads, Ordering::Relaxed);
        }
        park_timeout(INTERVAL);
    }
}
