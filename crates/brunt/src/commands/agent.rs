//! `brunt agent`: serves the Application Agent until a signal arrives.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use brunt_application_agent::{Agent, AgentError, Database, Settings};

use crate::cli::tools::AgentArgs;
use crate::exit::{Exit, Failure};
use crate::system::demo_service::SERVING_AT;
use crate::system::interrupts::Interrupts;

pub(crate) fn run(args: AgentArgs) -> Result<Exit, Failure> {
    if !args.cores.is_empty() {
        brunt_monitor::pin_current_thread(&args.cores)
            .context("cannot pin the agent to its CPU cores")?;
    }
    let interrupts = Interrupts::watch().context("cannot watch for signals")?;
    let database = if args.memory {
        Database::Memory
    } else {
        Database::File(args.db)
    };
    let address = SocketAddr::new(args.bind, args.port);
    let settings = Settings {
        address,
        database,
        ..Settings::default()
    };
    let agent = Agent::bind(settings).map_err(start_failure)?;
    let mut output = std::io::stdout();
    writeln!(output, "{SERVING_AT}http://{}", agent.address())
        .and_then(|()| output.flush())
        .context("cannot print the address of the agent")?;
    let until_stdin_closes = args.until_stdin_closes;
    agent
        .run(wait_for_end(interrupts, until_stdin_closes))
        .map_err(anyhow::Error::from)?;
    Ok(Exit::Passed)
}

/// An address or a file that cannot be used is invalid input.
fn start_failure(error: AgentError) -> Failure {
    match error {
        AgentError::Bind { .. } | AgentError::Database(_) | AgentError::NewerDatabase { .. } => {
            Failure::Input(error.to_string())
        }
        AgentError::Io(_) => Failure::Internal(error.into()),
    }
}

/// Waits for a signal or, if requested, for the end of standard input.
async fn wait_for_end(interrupts: Interrupts, until_stdin_closes: bool) {
    let (closed, input_ended) = tokio::sync::oneshot::channel::<()>();
    if until_stdin_closes {
        std::thread::spawn(move || {
            // Input and errors are ignored: both mean that the parent is gone or misbehaves.
            std::io::stdin().read_to_end(&mut Vec::new()).ok();
            closed.send(()).ok();
        });
    } else {
        // Dropping the sender would end the wait.
        std::mem::forget(closed);
    }
    tokio::select! {
        _ = input_ended => {}
        () = wait_for_interrupt(interrupts) => {}
    }
}

async fn wait_for_interrupt(interrupts: Interrupts) {
    while interrupts.count() == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
