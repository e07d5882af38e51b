//! Live exporters, which publish metrics during a run, one interval per second. Each exporter has a thread and a short
//! queue: a slow or unreachable one drops intervals and never delays the run. The run record does not depend on them.

mod json_lines;
mod otlp;
mod prometheus_endpoint;
mod queue;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use brunt_record::{Ending, Header, MetricsSnapshot, Reading};
use brunt_report::stream::StreamAggregator;
use url::Url;

use crate::exit::{Failure, print_note};
use crate::system::http_client;
use json_lines::JsonLines;
use otlp::Otlp;
use prometheus_endpoint::PrometheusEndpoint;
use queue::{Exporter, ExporterQueue};

/// Maximum wait for exporters that are behind, at the end of the command.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Destinations of live metrics.
#[derive(Debug, Clone, Default)]
pub(crate) struct LiveExportConfig {
    /// Address that Prometheus scrapes.
    pub(crate) prometheus_address: Option<SocketAddr>,
    /// URL of an OpenTelemetry collector.
    pub(crate) otlp: Option<Url>,
    /// File with JSON lines.
    pub(crate) json_lines: Option<PathBuf>,
}

/// All live exporters of a command.
pub(crate) struct LiveExporters {
    queues: Vec<ExporterQueue>,
}

/// Export of one run.
pub(crate) struct LiveExportSession<'a> {
    exporters: &'a mut LiveExporters,
    header: Arc<Header>,
    aggregator: StreamAggregator,
    /// Number of seconds that were published.
    published_s: Option<u32>,
}

impl LiveExporters {
    /// Opens the exporters.
    pub(crate) fn open(config: &LiveExportConfig) -> Result<Self, Failure> {
        let mut exporters: Vec<(String, Box<dyn Exporter>)> = Vec::new();
        if let Some(url) = &config.otlp {
            let name = format!("--otlp {}", http_client::without_credentials(url));
            let otlp = Otlp::new(url).map_err(Failure::Input)?;
            exporters.push((name, Box::new(otlp)));
        }
        if let Some(file) = &config.json_lines {
            let name = format!("--jsonl {}", file.display());
            let lines = JsonLines::new(file).map_err(Failure::Input)?;
            exporters.push((name, Box::new(lines)));
        }
        if let Some(address) = config.prometheus_address {
            let endpoint = PrometheusEndpoint::serve(address)?;
            print_note(&format!(
                "Prometheus metrics: http://{}/metrics",
                endpoint.address()
            ));
            let name = format!("--prometheus-port {}", endpoint.address());
            exporters.push((name, Box::new(endpoint)));
        }
        let queues = exporters.into_iter();
        let queues = queues.map(|(name, exporter)| ExporterQueue::start(name, exporter));
        Ok(Self {
            queues: queues.collect::<anyhow::Result<_>>()?,
        })
    }

    /// Starts the export of a run; `None` without an exporter.
    pub(crate) fn begin(&mut self, header: &Header) -> Option<LiveExportSession<'_>> {
        if self.queues.is_empty() {
            return None;
        }
        let header = Arc::new(header.clone());
        for queue in &mut self.queues {
            queue.run(&header);
        }
        Some(LiveExportSession {
            aggregator: StreamAggregator::new(&header.names),
            exporters: self,
            header,
            published_s: Some(0),
        })
    }

    /// Waits for exporters that are behind, for at most [`CLOSE_TIMEOUT`], and prints the number of dropped intervals.
    pub(crate) fn close(self) {
        let until = Instant::now() + CLOSE_TIMEOUT;
        for queue in self.queues {
            if let Some(loss) = queue.close(until) {
                print_note(&loss);
            }
        }
    }
}

impl LiveExportSession<'_> {
    /// Adds a snapshot of a load thread.
    pub(crate) fn increment(&mut self, increment: &MetricsSnapshot) {
        self.aggregator.add_increment(increment);
    }

    /// Adds a reading of the monitor.
    pub(crate) fn reading(&mut self, reading: &Reading) {
        self.aggregator.set_reading(reading);
    }

    /// Publishes the seconds that all threads have completed, or all remaining ones if all threads have ended (`None`).
    /// Returns notes for the user.
    pub(crate) fn publish(&mut self, completed_s: Option<u32>) -> Vec<String> {
        if completed_s == self.published_s {
            return Vec::new();
        }
        self.published_s = completed_s;
        let mut notes = Vec::new();
        for interval in self.aggregator.take_complete(completed_s) {
            let interval = Arc::new(interval);
            for queue in &mut self.exporters.queues {
                notes.extend(queue.interval(&self.header, &interval));
            }
        }
        notes
    }

    /// Publishes how the run ended.
    pub(crate) fn end(&mut self, ending: &Ending) {
        for queue in &mut self.exporters.queues {
            queue.ending(&self.header, ending);
        }
    }
}
