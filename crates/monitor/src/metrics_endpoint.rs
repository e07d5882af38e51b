//! A process on another machine, monitored by its Prometheus endpoint. A thread scrapes the endpoint; a reading takes the
//! latest page. Without a page, values are unknown, not 0.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use brunt_record::ProcessReading;

use crate::prometheus_text::PrometheusProcess;

/// Time that a reading waits for the page that it requested. A later page belongs to the next reading.
const PAGE_WAIT: Duration = Duration::from_millis(50);

/// Function that fetches the page of an endpoint, so that this crate does no I/O on the network.
pub struct MetricsSource(Box<dyn FnMut() -> Result<String, String> + Send>);

impl MetricsSource {
    /// The function is called by a separate thread. It returns the text of the page, or the reason that there is none, and must
    /// return within a timeout.
    pub fn new(fetch: impl FnMut() -> Result<String, String> + Send + 'static) -> Self {
        Self(Box::new(fetch))
    }
}

impl fmt::Debug for MetricsSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MetricsSource")
    }
}

/// A monitored endpoint.
#[derive(Debug)]
pub(crate) struct MetricsEndpoint {
    requests: SyncSender<()>,
    pages: Receiver<Result<Scrape, String>>,
    is_requested: bool,
    before: Option<Scrape>,
    error: Option<String>,
}

/// A page with the time at which it was requested.
#[derive(Debug, Clone, Copy)]
struct Scrape {
    at: Instant,
    page: PrometheusProcess,
}

impl MetricsEndpoint {
    /// Starts the thread, and fetches the page once to check that it contains metrics of a process.
    pub(crate) fn open(source: MetricsSource) -> Result<Self, String> {
        let (requests, requested) = sync_channel(1);
        let (to, pages) = sync_channel(1);
        let MetricsSource(mut fetch) = source;
        let work = move || {
            while requested.recv().is_ok() {
                let at = Instant::now();
                let page = fetch().map(|text| Scrape {
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
        let mut endpoint = Self {
            requests,
            pages,
            is_requested: false,
            before: None,
            error: None,
        };
        endpoint.request();
        let ended = || "its thread has ended".to_owned();
        let first = endpoint.pages.recv().map_err(|_| ended())??;
        endpoint.is_requested = false;
        if first.page.has_metrics() {
            Ok(endpoint)
        } else {
            let missing =
                "it contains neither process_cpu_seconds_total nor process_resident_memory_bytes";
            Err(missing.to_owned())
        }
    }

    /// Takes a reading: the values of the page, and the resources used since the previous page.
    pub(crate) fn reading(&mut self) -> ProcessReading {
        let was_late = self.is_requested;
        if !was_late {
            self.request();
        }
        let wait = if was_late { Duration::ZERO } else { PAGE_WAIT };
        let scrape = match self.pages.recv_timeout(wait) {
            Ok(Ok(scrape)) => scrape,
            Ok(Err(reason)) => {
                self.is_requested = false;
                self.error = Some(reason);
                return ProcessReading::default();
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return ProcessReading::default();
            }
        };
        self.is_requested = false;
        self.error = None;
        if was_late {
            // A slow page is requested immediately, so that the next reading has one.
            self.request();
        }
        let before = self.before.replace(scrape);
        scrape.since(before.as_ref())
    }

    /// Data that is unavailable.
    pub(crate) fn unavailable(&self) -> Vec<String> {
        match (&self.error, &self.before) {
            (Some(reason), _) => vec![format!("all values at the moment ({reason})")],
            (None, Some(scrape)) => scrape.page.missing_metrics(),
            (None, None) => Vec::new(),
        }
    }

    fn request(&mut self) {
        self.is_requested = self.requests.try_send(()).is_ok();
    }
}

impl Scrape {
    fn since(&self, before: Option<&Self>) -> ProcessReading {
        let page = &self.page;
        let elapsed_s = before.map(|was| self.at.duration_since(was.at).as_secs_f64());
        let restarted = before.is_some_and(|was| match (page.started_s, was.page.started_s) {
            (Some(is), Some(was)) => is > was,
            _ => false,
        });
        let used = |of: fn(&PrometheusProcess) -> Option<f64>| {
            let (is, was) = (of(page)?, of(&before?.page)?);
            // A counter that decreased, or one of a restarted process, counts from 0.
            Some(if is < was || restarted { is } else { is - was })
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
    fn counter_that_restarts_counts_from_0() {
        let started = Instant::now();
        let scrape = |at_s: u64, page| Scrape {
            at: started + Duration::from_secs(at_s),
            page,
        };
        let first = scrape(0, page(10.0, 5.0));
        assert_eq!(first.since(None).cpu_cores, None);
        for (what, next, cores, bytes) in [
            ("increased", page(13.0, 5.0), 1.5, 300),
            ("decreased", page(1.0, 5.0), 0.5, 100),
            (
                "another process with a higher counter",
                page(12.0, 6.0),
                6.0,
                1200,
            ),
        ] {
            let reading = scrape(2, next).since(Some(&first));
            assert_eq!(reading.cpu_cores, Some(cores), "{what}");
            assert_eq!(reading.network_received_bytes, Some(bytes), "{what}");
            assert_eq!(reading.cpu_percent, None, "{what}: unknown cores");
        }
        let with_cores = PrometheusProcess {
            cores: Some(4.0),
            ..page(12.0, 5.0)
        };
        let reading = scrape(2, with_cores).since(Some(&first));
        assert_eq!(reading.cpu_percent, Some(25.0));
    }

    #[test]
    fn values_without_a_page_are_unknown() {
        let (to, from) = channel::<Result<String, String>>();
        let text = |bytes: u64| Ok(format!("process_resident_memory_bytes {bytes}\n"));
        to.send(text(1)).expect("a thread");
        let source = MetricsSource::new(move || from.recv().unwrap_or_else(|_| Err("over".into())));
        let mut endpoint = MetricsEndpoint::open(source).expect("a page");
        to.send(text(2)).expect("a thread");
        let next = |endpoint: &mut MetricsEndpoint| {
            // On a busy machine, a page may arrive after the reading has stopped waiting.
            crate::shell::poll("a page", || endpoint.reading().rss_bytes)
        };
        assert_eq!(next(&mut endpoint), 2);
        assert_eq!(endpoint.reading(), ProcessReading::default(), "no page");
        to.send(text(3)).expect("a thread");
        assert_eq!(
            next(&mut endpoint),
            3,
            "a late page belongs to the next reading"
        );
        to.send(Err("the host is gone".into())).expect("a thread");
        crate::shell::poll("the error", || {
            assert_eq!(endpoint.reading(), ProcessReading::default());
            (endpoint.unavailable() == ["all values at the moment (the host is gone)"])
                .then_some(())
        });
    }

    #[test]
    fn page_without_metrics_of_a_process_is_rejected() {
        for (page, part) in [
            (Ok("up 1\n".to_owned()), "process_cpu_seconds_total"),
            (Err("status 404".to_owned()), "404"),
        ] {
            let source = MetricsSource::new(move || page.clone());
            let error = MetricsEndpoint::open(source).expect_err("nothing to monitor");
            assert!(error.contains(part), "{error}");
        }
    }
}
