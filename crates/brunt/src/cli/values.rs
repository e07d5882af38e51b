//! Parsers of option values.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use brunt_verdict::comparison::ComparedMetric;
use url::Url;

/// Workers send a heartbeat each second.
const WORKER_TIMEOUT_MIN: Duration = Duration::from_secs(3);

/// Number above 0.
pub(super) fn positive_number(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
        .ok_or_else(|| "must be a number above 0".to_owned())
}

/// Rate above 0, such as `500/s`.
pub(super) fn positive_rate(text: &str) -> Result<f64, String> {
    match brunt_scenario::rate(text) {
        Ok(rate) if rate > 0.0 => Ok(rate),
        Ok(_) => Err("must be a rate above 0".to_owned()),
        Err(error) => Err(error),
    }
}

/// Duration above 0.
pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    match brunt_scenario::duration(text) {
        Ok(duration) if duration.is_zero() => Err("must be more than 0s".to_owned()),
        other => other,
    }
}

/// Duration of whole seconds, at least one.
pub(super) fn whole_seconds(text: &str) -> Result<Duration, String> {
    let duration = brunt_scenario::duration(text)?;
    if duration.subsec_nanos() > 0 || duration.is_zero() {
        return Err("must be whole seconds, 1s or more".to_owned());
    }
    Ok(duration)
}

/// Value of `--worker-timeout`.
pub(super) fn worker_timeout(text: &str) -> Result<Duration, String> {
    let timeout = brunt_scenario::duration(text)?;
    if timeout < WORKER_TIMEOUT_MIN {
        return Err("must be 3s or more".to_owned());
    }
    Ok(timeout)
}

/// Label of a run: text on one line.
pub(super) fn label(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("must be one line of text".to_owned());
    }
    Ok(text.to_owned())
}

/// Share such as `5%`.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').map(str::trim);
    let percent: Option<f64> = number.and_then(|number| number.parse().ok());
    percent
        .filter(|percent| (0.0..=100.0).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or_else(|| "must be a percentage from 0% to 100%, such as 5%".to_owned())
}

/// Metric that a comparison may decide by.
pub(super) fn compared_metric(text: &str) -> Result<ComparedMetric, String> {
    let mut all = ComparedMetric::ALL.into_iter();
    all.find(|it| it.name() == text).ok_or_else(|| {
        let names = ComparedMetric::ALL.map(ComparedMetric::name).join(", ");
        format!("unknown metric; available: {names}")
    })
}

/// URL of a web server.
pub(super) fn web_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)
        .map_err(|error| format!("{error}; must be a URL such as http://host:9100/metrics"))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(format!(
            "unsupported scheme `{other}`; must be an http or https URL"
        )),
    }
}

/// Port of the loopback interface, or an address with a port.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let of_loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let port = text.parse::<u16>().map(of_loopback);
    port.ok().or_else(|| text.parse().ok()).ok_or_else(|| {
        "must be a port such as 9464, or an address with a port such as 0.0.0.0:9464".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listen_address_without_host_is_loopback() {
        for (text, expected) in [
            ("9464", Some("127.0.0.1:9464")),
            ("0.0.0.0:1", Some("0.0.0.0:1")),
            ("[::1]:2", Some("[::1]:2")),
            ("localhost:1", None),
            ("70000", None),
        ] {
            let found = listen_address(text).ok().map(|address| address.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
