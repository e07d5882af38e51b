//! A load generator, and how it is run.

use std::path::PathBuf;

/// Stands for the server's URL in a client's arguments.
const URL: &str = "URL";

/// A load generator that is there.
pub(super) struct Client {
    pub(super) name: &'static str,
    pub(super) version: String,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    /// How many times as much brunt is to make of a CPU-second; `None`: it is only shown.
    pub(super) goal: Option<f64>,
}

impl Client {
    /// Its arguments against this server.
    pub(super) fn arguments_for(&self, url: &str) -> Vec<String> {
        let arguments = self.arguments.iter();
        arguments
            .map(|argument| argument.replace(URL, url))
            .collect()
    }

    /// What is typed to run it, folders left out.
    pub(super) fn command(&self) -> String {
        let name = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
        let program = name(&self.program.display().to_string());
        let arguments = self.arguments.iter().map(|argument| {
            if argument.starts_with('/') {
                name(argument)
            } else {
                argument.clone()
            }
        });
        let words: Vec<String> = std::iter::once(program).chain(arguments).collect();
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_without_folders_and_run_with_a_url() {
        let client = Client {
            name: "wrk",
            version: String::new(),
            program: "/usr/bin/wrk".into(),
            arguments: ["-s", "/src/peers/agent.lua", "URL/a"]
                .map(str::to_owned)
                .into(),
            goal: None,
        };
        assert_eq!(client.command(), "wrk -s agent.lua URL/a");
        assert_eq!(client.arguments_for("http://b")[2], "http://b/a");
    }
}
