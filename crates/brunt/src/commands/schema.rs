//! `brunt schema`: prints the JSON Schema of scenario files, for editors.

use anyhow::Context;

use crate::exit::{Exit, Failure};
use crate::terminal;

pub(crate) fn run() -> Result<Exit, Failure> {
    let text = serde_json::to_string_pretty(&brunt_scenario::schema())
        .context("cannot write the schema")?;
    terminal::print(&format!("{text}\n"));
    Ok(Exit::Passed)
}
