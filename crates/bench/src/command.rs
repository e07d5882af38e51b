//! Child processes whose output the user sees.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// Prints the command as `shown`, runs it without input, and waits for it.
///
/// # Errors
///
/// If the command cannot be started, or its exit status is not 0.
pub fn run_shown(command: &mut Command, shown: &str) -> anyhow::Result<()> {
    println!("    {shown}");
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed: {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_command_is_named_with_its_exit_status() {
        let error = run_shown(&mut Command::new("false"), "cargo fmt")
            .unwrap_err()
            .to_string();
        assert_eq!(error, "`cargo fmt` failed: exit status: 1");
    }

    #[test]
    fn command_that_does_not_exist_is_named() {
        let mut command = Command::new("no-such-program-as-this");
        let error = run_shown(&mut command, "cargo fmt")
            .unwrap_err()
            .to_string();
        assert_eq!(error, "cannot run `cargo fmt`");
    }
}
