//! `brunt agent`: serves the Application Agent until it is told to end.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use brunt_application_agent::{Agent, AgentError, Database, Settings};

use crate::exit::{Exit, Failure};
use crate::system::demo_service::SERVING_AT;
use crate::system::interrupts::Interrupts;

/// Options of `brunt agent`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Listen on this address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// Listen on this port; 0 selects a free one
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// Keep the state in this database file
    #[arg(
        long,
        value_name = "FILE",
        default_value = "application-agent.db",
        conflicts_with = "memory"
    )]
    db: PathBuf,
    /// Keep the state in memory instead of a file
    #[arg(long)]
    memory: bool,
    /// Stop when standard input closes, which is when the parent process is gone
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
    /// Run on this core; repeatable
    #[arg(long = "core", value_name = "N", hide = true)]
    cores: Vec<usize>,
}

pub(crate) fn run(options: Options) -> Result<Exit, Failure> {
    if !options.cores.is_empty() {
        brunt_monitor::pin_current_thread(&options.cores).context("cannot pin the agent")?;
    }
    let interrupts = Interrupts::watch().context("cannot watch for signals")?;
    let database = if options.memory {
        Database::Memory
    } else {
        Database::File(options.db)
    };
    let address = SocketAddr::new(options.bind, options.port);
    let settings = Settings {
        address,
        database,
        ..Settings::default()
    };
    let agent = Agent::bind(settings).map_err(refused)?;
    let mut output = std::io::stdout();
    writeln!(output, "{SERVING_AT}http://{}", agent.address())
        .and_then(|()| output.flush())
        .context("cannot say where the agent serves")?;
    let until_stdin_closes = options.until_stdin_closes;
    agent
        .run(asked_to_end(interrupts, until_stdin_closes))
        .map_err(anyhow::Error::from)?;
    Ok(Exit::Passed)
}

/// Why the agent cannot begin: an address or a file that cannot be used was the wrong one to name.
fn refused(error: AgentError) -> Failure {
    match error {
        AgentError::Bind { .. } | AgentError::Database(_) | AgentError::NewerDatabase { .. } => {
            Failure::Input(error.to_string())
        }
        AgentError::Io(_) => Failure::Internal(error.into()),
    }
}

/// Waits for a signal or, where asked to, for the end of standard input.
async fn asked_to_end(interrupts: Interrupts, until_stdin_closes: bool) {
    let (closed, input_ended) = tokio::sync::oneshot::channel::<()>();
    if until_stdin_closes {
        std::thread::spawn(move || {
            // Whatever is read, and an error too: the other side is gone, or does not keep to the rules.
            std::io::stdin().read_to_end(&mut Vec::new()).ok();
            closed.send(()).ok();
        });
    } else {
        // Never sent, and never dropped either.
        std::mem::forget(closed);
    }
    tokio::select! {
        _ = input_ended => {}
        () = interrupted(interrupts) => {}
    }
}

async fn interrupted(interrupts: Interrupts) {
    while interrupts.count() == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
