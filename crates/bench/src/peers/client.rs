//! A load generator and its command line.

use std::path::PathBuf;

/// Placeholder for the server's URL in a client's arguments.
const URL: &str = "URL";

/// A load generator that is installed.
pub(super) struct Client {
    pub(super) name: &'static str,
    pub(super) version: String,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    /// Lowest acceptable ratio of brunt's requests per CPU-second to this client's; without one, the ratio is only shown.
    pub(super) goal: Option<f64>,
}

impl Client {
    /// Arguments with the server's URL instead of the placeholder.
    pub(super) fn arguments_for(&self, url: &str) -> Vec<String> {
        let arguments = self.arguments.iter();
        arguments
            .map(|argument| argument.replace(URL, url))
            .collect()
    }

    /// The command line as the page shows it, without folders.
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
    fn command_is_shown_without_folders_and_run_with_the_url() {
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
