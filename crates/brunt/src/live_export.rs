//! Outlets: who is told of a run while it goes on. Each has a thread and a short queue of its own, so that one
//! that is slow, or not there, loses intervals and keeps nobody waiting; the record does not come this way.

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

use crate::exit::{Failure, note};
use crate::system::http_client;
use json_lines::JsonLines;
use otlp::Otlp;
use prometheus_endpoint::Scraped;
use queue::Queue;

/// How long the end of brunt waits for those who are behind.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who is told.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct OutletOptions {
    /// Expose live metrics to Prometheus on this port [default ADDRESS: 127.0.0.1]
    #[arg(long, value_name = "[ADDRESS:]PORT", value_parser = prometheus_endpoint::address)]
    prometheus_port: Option<SocketAddr>,
    /// Send live metrics to this OpenTelemetry collector, in OTLP over HTTP
    #[arg(long, value_name = "URL", value_parser = http_client::web_url)]
    otlp: Option<Url>,
    /// Write live metrics to this file, one line of JSON per second
    #[arg(long, value_name = "FILE")]
    jsonl: Option<PathBuf>,
}

/// All who are told.
pub(crate) struct Outlets {
    queues: Vec<Queue>,
    scraped: Option<Scraped>,
}

/// A run that is told of.
pub(crate) struct Telling<'a> {
    outlets: &'a mut Outlets,
    header: Arc<Header>,
    aggregator: StreamAggregator,
    told_s: u32,
}

impl Outlets {
    /// Opens what can be opened before there is anything to tell.
    pub(crate) fn open(options: &OutletOptions) -> Result<Self, Failure> {
        let mut queues = Vec::new();
        if let Some(url) = &options.otlp {
            let name = format!("--otlp {}", http_client::without_credentials(url));
            let receiver = Otlp::new(url).map_err(Failure::Input)?;
            queues.push(Queue::start(name, Box::new(receiver))?);
        }
        if let Some(file) = &options.jsonl {
            let name = format!("--jsonl {}", file.display());
            let lines = JsonLines::new(file).map_err(Failure::Input)?;
            queues.push(Queue::start(name, Box::new(lines))?);
        }
        let scraped = options.prometheus_port.map(Scraped::serve).transpose()?;
        if let Some(scraped) = &scraped {
            note(&format!("metrics at http://{}/metrics", scraped.address()));
        }
        Ok(Self { queues, scraped })
    }

    /// Begins to tell of a run; nobody is there to be told: none.
    pub(crate) fn begin(&mut self, header: &Header) -> Option<Telling<'_>> {
        if self.queues.is_empty() && self.scraped.is_none() {
            return None;
        }
        let header = Arc::new(header.clone());
        for queue in &mut self.queues {
            queue.run(&header);
        }
        if let Some(scraped) = &self.scraped {
            scraped.show(&header, None);
        }
        Some(Telling {
            aggregator: StreamAggregator::new(&header.names),
            outlets: self,
            header,
            told_s: 0,
        })
    }

    /// Waits a little for those who are behind, and says who lost what.
    pub(crate) fn close(self) {
        let until = Instant::now() + PATIENCE;
        for queue in self.queues {
            if let Some(loss) = queue.close(until) {
                note(&loss);
            }
        }
    }
}

impl Telling<'_> {
    /// Takes what a thread of the load recorded.
    pub(crate) fn increment(&mut self, increment: &MetricsSnapshot) {
        self.aggregator.add_increment(increment);
    }

    /// Takes what the monitor saw.
    pub(crate) fn reading(&mut self, reading: &Reading) {
        self.aggregator.set_reading(reading);
    }

    /// Tells the seconds that all threads have told of; what there is to say to the user comes back.
    pub(crate) fn tell(&mut self, told_s: u32) -> Vec<String> {
        if told_s == self.told_s {
            return Vec::new();
        }
        self.told_s = told_s;
        let mut troubles = Vec::new();
        for interval in self.aggregator.take_complete(told_s) {
            let interval = Arc::new(interval);
            for queue in &mut self.outlets.queues {
                troubles.extend(queue.interval(&self.header, &interval));
            }
            if let Some(scraped) = &self.outlets.scraped {
                scraped.show(&self.header, Some(interval));
            }
        }
        troubles
    }

    /// Tells how the run ended.
    pub(crate) fn end(&mut self, ending: &Ending) {
        for queue in &mut self.outlets.queues {
            queue.ending(&self.header, ending);
        }
    }
}
