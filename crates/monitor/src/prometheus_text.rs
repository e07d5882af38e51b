//! Prometheus text format: the metrics of a process under the names of the official client libraries (`process_*`).

/// Metrics of the process that serves a page. Missing metrics are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct PrometheusProcess {
    /// CPU time since the process started, in seconds.
    pub(crate) cpu_s: Option<f64>,
    /// Start of the process in seconds of Unix time.
    pub(crate) started_s: Option<f64>,
    pub(crate) rss_bytes: Option<f64>,
    pub(crate) descriptors: Option<f64>,
    pub(crate) threads: Option<f64>,
    pub(crate) received_bytes: Option<f64>,
    pub(crate) sent_bytes: Option<f64>,
    /// Number of cores that it may use.
    pub(crate) cores: Option<f64>,
}

impl PrometheusProcess {
    /// Parses a page. Other and invalid lines are ignored.
    pub(crate) fn parse(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.lines() {
            let Some((name, value)) = sample(line.trim()) else {
                continue;
            };
            let field = match name {
                "process_cpu_seconds_total" => &mut page.cpu_s,
                "process_start_time_seconds" => &mut page.started_s,
                "process_resident_memory_bytes" => &mut page.rss_bytes,
                "process_open_fds" => &mut page.descriptors,
                "process_threads" | "process_num_threads" | "go_threads" => &mut page.threads,
                "process_network_receive_bytes_total" => &mut page.received_bytes,
                "process_network_transmit_bytes_total" => &mut page.sent_bytes,
                "go_sched_gomaxprocs_threads" => &mut page.cores,
                _ => continue,
            };
            // The same name with several labels, such as those of workers, belongs to one service.
            *field = match (*field, name) {
                (Some(known), "process_start_time_seconds") => Some(known.max(value)),
                (Some(known), _) => Some(known + value),
                (None, _) => Some(value),
            };
        }
        page
    }

    /// Whether it contains metrics of a process.
    pub(crate) fn has_metrics(&self) -> bool {
        self.cpu_s.is_some() || self.rss_bytes.is_some()
    }

    /// Descriptions of the missing metrics, with their names.
    pub(crate) fn missing_metrics(&self) -> Vec<String> {
        let all = [
            (self.cpu_s, "CPU", "process_cpu_seconds_total"),
            (self.rss_bytes, "memory", "process_resident_memory_bytes"),
            (self.descriptors, "descriptors", "process_open_fds"),
            (self.threads, "threads", "process_threads"),
            (
                self.received_bytes,
                "network",
                "process_network_receive_bytes_total",
            ),
            (
                self.cores,
                "CPU in percent of its cores",
                "go_sched_gomaxprocs_threads",
            ),
        ];
        let missing = all.iter().filter(|(value, ..)| value.is_none());
        missing
            .map(|(_, what, name)| format!("{what} (the page does not contain {name})"))
            .collect()
    }
}

/// Name and value of the metric in a line, without labels and time; `None` if the value is not a finite number of at least 0.
fn sample(line: &str) -> Option<(&str, f64)> {
    if line.starts_with('#') {
        return None;
    }
    let name_ends = line.find(|letter: char| letter == '{' || letter.is_ascii_whitespace())?;
    let (name, rest) = line.split_at(name_ends);
    let rest = if rest.starts_with('{') {
        &rest[labels_end(rest)?..]
    } else {
        rest
    };
    let value: f64 = rest.split_ascii_whitespace().next()?.parse().ok()?;
    (value.is_finite() && value >= 0.0).then_some((name, value))
}

/// End of the labels in braces. Braces in quotes do not count.
fn labels_end(text: &str) -> Option<usize> {
    let (mut in_quotes, mut is_escaped) = (false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if in_quotes => is_escaped = true,
            '"' => in_quotes = !in_quotes,
            '}' if !in_quotes => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_parsed(text in "\\PC*", broken in "process_open_fds[{}\"\\\\ a=1\n.e-]{0,40}") {
            let page = PrometheusProcess::parse(&format!("{text}\n{broken}\nprocess_threads 3\n"));
            prop_assert_eq!(page.threads.map(|threads| threads >= 3.0), Some(true));
        }
    }

    #[test]
    fn format_of_client_libraries_is_parsed() {
        let text = "# HELP process_cpu_seconds_total Total user and system CPU time.\n\
                    # TYPE process_cpu_seconds_total counter\n\
                    process_cpu_seconds_total 12.47\n\
                    process_resident_memory_bytes 1.2345344e+07 1700000000000\n\
                    process_open_fds{a=\"}\\\"\",b=\"c\"} 9.0\n\
                    process_open_fds{a=\"x\"}   1\n\
                    process_threads NaN\n\
                    process_network_receive_bytes_total -5\n\
                    process_network_transmit_bytes_total\n\
                    process_start_time_seconds 1.7e9\n\
                    other_total 5\n\
                    {broken\n";
        let page = PrometheusProcess::parse(text);
        let expected = PrometheusProcess {
            cpu_s: Some(12.47),
            started_s: Some(1.7e9),
            rss_bytes: Some(12_345_344.0),
            descriptors: Some(10.0),
            ..PrometheusProcess::default()
        };
        assert_eq!(page, expected);
        assert!(page.has_metrics());
        assert_eq!(
            page.missing_metrics().len(),
            3,
            "{:?}",
            page.missing_metrics()
        );
        assert!(!PrometheusProcess::parse("<html>up 1</html>").has_metrics());
    }
}
