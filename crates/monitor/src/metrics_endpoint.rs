//! A process on another machine, by the page that it serves. The page is asked for by a thread of its own: a
//! reading takes what has come, and a page that does not come is not known, and not 0.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use brunt_record::ProcessReading;

use crate::prometheus_text::PrometheusProcess;

/// How long a reading waits for a page that it asked for: what comes later is the next reading's.
const PATIENCE: Duration = Duration::from_millis(50);

/// Where a page comes from: how it is got is left to who has a network.
pub struct MetricsSource(Box<dyn FnMut() -> Result<String, String> + Send>);

impl MetricsSource {
    /// Calls this for the page's text, from a thread of its own; what it returns as an error is why there
    /// is none. It has to come back, if only to say that it waited long enough.
    pub fn new(fetch: impl FnMut() -> Result<String, String> + Send + 'static) -> Self {
        Self(Box::new(fetch))
    }
}

impl fmt::Debug for MetricsSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MetricsSource")
    }
}

/// A page that is watched.
#[derive(Debug)]
pub(crate) struct MetricsEndpoint {
    orders: SyncSender<()>,
    pages: Receiver<Result<Sample, String>>,
    is_ordered: bool,
    before: Option<Sample>,
    trouble: Option<String>,
}

/// A page with the moment at which it was asked for.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    page: PrometheusProcess,
}

impl MetricsEndpoint {
    /// Gets the page once, to see that it is there and tells something.
    pub(crate) fn begin(source: MetricsSource) -> Result<Self, String> {
        let (orders, ordered) = sync_channel(1);
        let (to, pages) = sync_channel(1);
        let MetricsSource(mut fetch) = source;
        let work = move || {
            while ordered.recv().is_ok() {
                let at = Instant::now();
                let page = fetch().map(|text| Sample {
                    at,
                    page: PrometheusProcess::parse(&text),
                });
                if to.send(page).is_err() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("metrics-page".into());
        thread.spawn(work).map_err(|error| error.to_string())?;
        let mut remote = Self {
            orders,
            pages,
            is_ordered: false,
            before: None,
            trouble: None,
        };
        remote.order();
        let ended = || "whoever asks for it has ended".to_owned();
        let first = remote.pages.recv().map_err(|_| ended())??;
        remote.is_ordered = false;
        if first.page.has_metrics() {
            Ok(remote)
        } else {
            let lacks =
                "it has neither process_cpu_seconds_total nor process_resident_memory_bytes";
            Err(lacks.to_owned())
        }
    }

    /// What the page tells, and what was used since the one before.
    pub(crate) fn reading(&mut self) -> ProcessReading {
        let was_late = self.is_ordered;
        if !was_late {
            self.order();
        }
        let patience = if was_late { Duration::ZERO } else { PATIENCE };
        let sample = match self.pages.recv_timeout(patience) {
            Ok(Ok(sample)) => sample,
            Ok(Err(reason)) => {
                self.is_ordered = false;
                self.trouble = Some(reason);
                return ProcessReading::default();
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return ProcessReading::default();
            }
        };
        self.is_ordered = false;
        self.trouble = None;
        if was_late {
            // A slow page is asked for at once, so that the next reading has one.
            self.order();
        }
        let before = self.before.replace(sample);
        sample.since(before.as_ref())
    }

    /// What cannot be seen of it.
    pub(crate) fn unavailable(&self) -> Vec<String> {
        match (&self.trouble, &self.before) {
            (Some(reason), _) => vec![format!("anything at the moment ({reason})")],
            (None, Some(sample)) => sample.page.missing_metrics(),
            (None, None) => Vec::new(),
        }
    }

    fn order(&mut self) {
        self.is_ordered = self.orders.try_send(()).is_ok();
    }
}

impl Sample {
    fn since(&self, before: Option<&Self>) -> ProcessReading {
        let page = &self.page;
        let elapsed_s = before.map(|was| self.at.duration_since(was.at).as_secs_f64());
        let began_anew = before.is_some_and(|was| match (page.started_s, was.page.started_s) {
            (Some(is), Some(was)) => is > was,
            _ => false,
        });
        let used = |of: fn(&PrometheusProcess) -> Option<f64>| {
            let (is, was) = (of(page)?, of(&before?.page)?);
            // A counter that goes back, or a process that began anew, counts from 0.
            Some(if is < was || began_anew { is } else { is - was })
        };
        let cpu_cores = used(|page| page.cpu_s)
            .zip(elapsed_s.filter(|elapsed| *elapsed > 0.0))
            .map(|(used_s, elapsed_s)| used_s / elapsed_s);
        let cpu_percent = cpu_cores
            .zip(page.cores.filter(|cores| *cores > 0.0))
            .map(|(used, cores)| (used / cores * 100.0).clamp(0.0, 100.0));
        ProcessReading {
            cpu_percent,
            cpu_cores,
            cores: page.cores,
            rss_bytes: page.rss_bytes.map(whole),
            threads: page.threads.map(whole),
            descriptors: page.descriptors.map(whole),
            network_received_bytes: used(|page| page.received_bytes).map(whole),
            network_sent_bytes: used(|page| page.sent_bytes).map(whole),
            processes: 1,
            ..ProcessReading::default()
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "finite and not negative; beyond u64 it saturates"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn page(cpu_s: f64, started_s: f64) -> PrometheusProcess {
        PrometheusProcess {
            cpu_s: Some(cpu_s),
            started_s: Some(started_s),
            received_bytes: Some(cpu_s * 100.0),
            ..PrometheusProcess::default()
        }
    }

    #[test]
    fn a_counter_that_begins_anew_counts_from_0() {
        let begun = Instant::now();
        let sample = |at_s: u64, page| Sample {
            at: begun + Duration::from_secs(at_s),
            page,
        };
        let first = sample(0, page(10.0, 5.0));
        assert_eq!(first.since(None).cpu_cores, None);
        for (what, next, cores, bytes) in [
            ("goes on", page(13.0, 5.0), 1.5, 300),
            ("went back", page(1.0, 5.0), 0.5, 100),
            ("another process, further on", page(12.0, 6.0), 6.0, 1200),
        ] {
            let reading = sample(2, next).since(Some(&first));
            assert_eq!(reading.cpu_cores, Some(cores), "{what}");
            assert_eq!(reading.network_received_bytes, Some(bytes), "{what}");
            assert_eq!(reading.cpu_percent, None, "{what}: of how many cores?");
        }
        let with_cores = PrometheusProcess {
            cores: Some(4.0),
            ..page(12.0, 5.0)
        };
        let reading = sample(2, with_cores).since(Some(&first));
        assert_eq!(reading.cpu_percent, Some(25.0));
    }

    #[test]
    fn a_page_that_does_not_come_is_not_known() {
        let (to, from) = channel::<Result<String, String>>();
        let text = |bytes: u64| Ok(format!("process_resident_memory_bytes {bytes}\n"));
        to.send(text(1)).expect("a thread");
        let source = MetricsSource::new(move || from.recv().unwrap_or_else(|_| Err("over".into())));
        let mut remote = MetricsEndpoint::begin(source).expect("a page");
        to.send(text(2)).expect("a thread");
        let next = |remote: &mut MetricsEndpoint| {
            // On a busy machine a page may come after the reading's patience.
            crate::shell::poll("a page", || remote.reading().rss_bytes)
        };
        assert_eq!(next(&mut remote), 2);
        assert_eq!(remote.reading(), ProcessReading::default(), "none came");
        to.send(text(3)).expect("a thread");
        assert_eq!(next(&mut remote), 3, "what came late is the next reading's");
        to.send(Err("the host is gone".into())).expect("a thread");
        crate::shell::poll("the trouble", || {
            assert_eq!(remote.reading(), ProcessReading::default());
            (remote.unavailable() == ["anything at the moment (the host is gone)"]).then_some(())
        });
    }

    #[test]
    fn a_page_that_tells_nothing_of_a_process_is_refused() {
        for (page, part) in [
            (Ok("up 1\n".to_owned()), "process_cpu_seconds_total"),
            (Err("it answered 404".to_owned()), "404"),
        ] {
            let source = MetricsSource::new(move || page.clone());
            let error = MetricsEndpoint::begin(source).expect_err("nothing to watch");
            assert!(error.contains(part), "{error}");
        }
    }
}
