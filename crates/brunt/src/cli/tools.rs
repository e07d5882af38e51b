//! Options of `init`, `import`, `monitor` and `agent`.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::watch::WatchArgs;

/// Options of `brunt init`.
#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// Write to this file
    #[arg(value_name = "FILE", default_value = "brunt.toml")]
    pub(crate) file: PathBuf,
}

/// Options of `brunt import`.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    pub(crate) format: ImportFormat,
    /// Write the scenario to this file; - is standard output
    #[arg(
        short = 'o',
        long,
        value_name = "FILE",
        default_value = "brunt.toml",
        global = true
    )]
    pub(crate) output: PathBuf,
    /// Overwrite existing files
    #[arg(long, global = true)]
    pub(crate) force: bool,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ImportFormat {
    /// Convert curl commands, as copied from a browser or typed by hand
    ///
    /// Paste the curl command after `brunt import`, or quote it after `brunt import curl`; use - to read commands from
    /// standard input. A URL alone works, too. Put brunt's own options before `curl`.
    Curl {
        /// The command, quoted or not, or its URL; - is standard input
        #[arg(
            required = true,
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "COMMAND"
        )]
        command: Vec<OsString>,
    },
    /// Convert a HAR recording, as exported by browsers and proxies
    Har {
        /// The HAR file; - is standard input
        file: PathBuf,
        /// Keep only requests to this host [default: the host with the most requests]
        #[arg(long)]
        host: Option<String>,
        /// Run the requests in the recorded order, or choose them by weight
        #[arg(long, value_enum, default_value_t = RecordingOrder::Sequence)]
        order: RecordingOrder,
    },
    /// Convert an OpenAPI 3 description (JSON or YAML; Swagger 2.0 as far as possible)
    Openapi {
        /// The file or URL of the description; - is standard input
        #[arg(value_name = "FILE|URL")]
        source: String,
    },
}

/// Order of the requests of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RecordingOrder {
    Sequence,
    Weight,
}

/// Options of `brunt monitor`.
#[derive(Debug, clap::Args)]
pub(crate) struct MonitorArgs {
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    /// Stop after this long, such as 30s or 5m [default: run until Ctrl-C]
    #[arg(short = 't', long, value_name = "DURATION", value_parser = brunt_scenario::duration)]
    pub(crate) duration: Option<Duration>,
    /// Take a reading at this interval, at least 100ms
    #[arg(long, value_name = "DURATION", value_parser = brunt_scenario::duration, default_value = "1s")]
    pub(crate) interval: Duration,
    /// Write the readings to this CSV file
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Options of `brunt agent`.
#[derive(Debug, clap::Args)]
pub(crate) struct AgentArgs {
    /// Listen on this address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) bind: IpAddr,
    /// Listen on this port; 0 selects a free one
    #[arg(long, default_value_t = 8000)]
    pub(crate) port: u16,
    /// Keep the state in this database file
    #[arg(
        long,
        value_name = "FILE",
        default_value = "application-agent.db",
        conflicts_with = "memory"
    )]
    pub(crate) db: PathBuf,
    /// Keep the state in memory instead of a file
    #[arg(long)]
    pub(crate) memory: bool,
    /// Stop when standard input closes, which is when the parent process is gone
    #[arg(long, hide = true)]
    pub(crate) until_stdin_closes: bool,
    /// Run on this core; repeatable
    #[arg(long = "core", value_name = "N", hide = true)]
    pub(crate) cores: Vec<usize>,
}
