//! `brunt agent`: serves the Application Agent until it is told to end.

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
        brunt_monitor::pin_current_thread(&args.cores).context("cannot pin the agent")?;
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
    let agent = Agent::bind(settings).map_err(refused)?;
    let mut output = std::io::stdout();
    writeln!(output, "{SERVING_AT}http://{}", agent.address())
        .and_then(|()| output.flush())
        .context("cannot say where the agent serves")?;
    let until_stdin_closes = args.until_stdin_closes;
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
