//! Output options: live metrics, CI output, grading, comparison.

use std::net::SocketAddr;
use std::path::PathBuf;

use url::Url;

use super::values::{listen_address, share, web_url};

/// Live exporters.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct LiveExportArgs {
    /// Expose live metrics to Prometheus on this port [default ADDRESS: 127.0.0.1]
    #[arg(long, value_name = "[ADDRESS:]PORT", value_parser = listen_address)]
    pub(crate) prometheus_port: Option<SocketAddr>,
    /// Send live metrics to this OpenTelemetry collector via OTLP/HTTP
    #[arg(long, value_name = "URL", value_parser = web_url)]
    pub(crate) otlp: Option<Url>,
    /// Write live metrics to this file, one line of JSON per second
    #[arg(long, value_name = "FILE")]
    pub(crate) jsonl: Option<PathBuf>,
}

/// Output for CI.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CiOutputArgs {
    /// Write a Markdown summary to this file, for a pull request comment; - is standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Write the result of each check as JUnit XML to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Print GitHub annotations, and append the Markdown summary to the job summary
    #[arg(long)]
    pub(crate) github: bool,
}

/// Failure policy.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct FailOnArgs {
    /// Exit with code 1 at this grade or worse; never: exit with 0 whenever a report is written
    #[arg(long, value_enum, default_value_t = FailOnArg::Poor, value_name = "GRADE")]
    pub(crate) fail_on: FailOnArg,
}

/// Value of `--fail-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FailOnArg {
    Poor,
    Critical,
    Never,
}

/// Comparison with a baseline.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct ComparisonArgs {
    /// Ignore differences smaller than this [default: 5%; 10% for percentiles below 1 ms]
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    pub(crate) tolerance: Option<f64>,
    /// Compare even if conditions differ, such as the machine or the scenario
    #[arg(long)]
    pub(crate) allow_mismatch: bool,
}
