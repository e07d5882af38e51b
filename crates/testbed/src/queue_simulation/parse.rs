//! Parser of service distributions on the command line: a name and its numbers.

use std::str::FromStr;

use super::ServiceDistribution;

/// The distributions that can be given.
const KNOWN: &str = "mm1:RATE, mmc:SERVERS,RATE, mdc:SERVERS,RATE (RATE in requests per second and \
                     server), bucket:RATE,BURST, retrograde:RATE,DRAG, stalls:RATE,EVERY_S,STALL_S \
                     and stuck:RATE,STUCK_RATE,LINE_S";

impl FromStr for ServiceDistribution {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("invalid service times '{text}'; available: {KNOWN}");
        let (name, numbers) = text.split_once(':').ok_or_else(wrong)?;
        let numbers: Result<Vec<f64>, _> = numbers.split(',').map(str::parse).collect();
        let numbers = numbers.map_err(|_| wrong())?;
        let are_well = numbers
            .iter()
            .all(|number| number.is_finite() && *number > 0.0);
        let distribution = match (name, numbers.as_slice()) {
            _ if !are_well => None,
            ("mm1", [rate]) => Some(Self::Exponential {
                servers: 1,
                mean_s: 1.0 / rate,
            }),
            ("mmc", [servers, rate]) => whole(*servers).map(|servers| Self::Exponential {
                servers,
                mean_s: 1.0 / rate,
            }),
            ("mdc", [servers, rate]) => whole(*servers).map(|servers| Self::Fixed {
                servers,
                time_s: 1.0 / rate,
            }),
            ("bucket", [per_s, burst]) => Some(Self::TokenBucket {
                per_s: *per_s,
                burst: *burst,
            }),
            ("retrograde", [rate, drag]) => Some(Self::Retrograde {
                mean_s: 1.0 / rate,
                drag: *drag,
            }),
            ("stalls", [rate, every_s, stall_s]) if stall_s < every_s => Some(Self::Stalls {
                mean_s: 1.0 / rate,
                every_s: *every_s,
                stall_s: *stall_s,
            }),
            ("stuck", [rate, stuck_rate, line_s]) => Some(Self::Stuck {
                mean_s: 1.0 / rate,
                stuck_s: 1.0 / stuck_rate,
                line_s: *line_s,
            }),
            _ => None,
        };
        distribution.ok_or_else(wrong)
    }
}

/// A number of servers.
fn whole(number: f64) -> Option<usize> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an integer from 1 to 10,000"
    )]
    (number.fract() == 0.0 && number <= 1e4).then_some(number as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_are_parsed() {
        let mean_s = 0.001;
        for (text, law) in [
            (
                "mm1:1000",
                ServiceDistribution::Exponential { servers: 1, mean_s },
            ),
            (
                "mmc:4,1000",
                ServiceDistribution::Exponential { servers: 4, mean_s },
            ),
            (
                "mdc:50,10",
                ServiceDistribution::Fixed {
                    servers: 50,
                    time_s: 0.1,
                },
            ),
            (
                "bucket:500,50",
                ServiceDistribution::TokenBucket {
                    per_s: 500.0,
                    burst: 50.0,
                },
            ),
            (
                "retrograde:1000,0.02",
                ServiceDistribution::Retrograde { mean_s, drag: 0.02 },
            ),
            (
                "stalls:1000,10,2",
                ServiceDistribution::Stalls {
                    mean_s,
                    every_s: 10.0,
                    stall_s: 2.0,
                },
            ),
            (
                "stuck:1000,500,1",
                ServiceDistribution::Stuck {
                    mean_s,
                    stuck_s: 0.002,
                    line_s: 1.0,
                },
            ),
        ] {
            assert_eq!(text.parse(), Ok(law));
        }
    }

    #[test]
    fn invalid_distribution_is_rejected() {
        for text in [
            "mm1",
            "mm1:",
            "mm1:0",
            "mm1:-1",
            "mm1:nan",
            "mm1:1,2",
            "mmc:1.5,10",
            "stalls:9,2,2",
            "mg1:10",
        ] {
            let refused = text.parse::<ServiceDistribution>().unwrap_err();
            assert!(refused.contains("available: mm1:RATE"), "{refused}");
        }
    }
}
