//! Wilcoxon's signed-rank test (1945), as an exact sign-flip test (Fisher, The Design of Experiments, 1935): if
//! differences are symmetric around zero, flipping their signs at random yields rank sums like the observed one. It
//! assumes only symmetry of the noise, and a pair that a noisy neighbor disturbed counts as the most distant one at
//! most.

use statrs::distribution::{ContinuousCDF, Normal};

/// Up to this number of differences p-values are exact; beyond, the normal approximation is as good.
const EXACT_MAX: usize = 200;

/// The probability of a rank sum as small as this one if each sign is a fair coin.
fn p_value(ranks: &[f64]) -> f64 {
    if ranks.len() <= EXACT_MAX {
        exact_p_value(ranks)
    } else {
        normal_p_value(ranks)
    }
}

/// The smallest p-value that this number of differences can have: that of equal signs.
pub(crate) fn smallest_p_value(count: usize) -> f64 {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    0.5f64.powi(count)
}

/// Exact: the distribution of the sum of the positive ranks, rank by rank.
fn exact_p_value(ranks: &[f64]) -> f64 {
    // Tied ranks are halves; twice a rank is a whole number.
    let doubled: Vec<(usize, bool)> = ranks
        .iter()
        .map(|rank| (whole(rank.abs() * 2.0), *rank > 0.0))
        .collect();
    let most: usize = doubled.iter().map(|(rank, _)| rank).sum();
    let mut chance_of = vec![0.0; most + 1];
    chance_of[0] = 1.0;
    for (rank, _) in &doubled {
        for sum in (0..=most).rev() {
            let with = if sum >= *rank {
                chance_of[sum - rank]
            } else {
                0.0
            };
            chance_of[sum] = f64::midpoint(chance_of[sum], with);
        }
    }
    let above = doubled.iter().filter(|(_, is_above)| *is_above);
    let seen: usize = above.map(|(rank, _)| rank).sum();
    chance_of[..=seen].iter().sum()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "twice a rank, which is at most twice the count"
)]
fn whole(doubled: f64) -> usize {
    doubled.round() as usize
}

/// Normal approximation of the sum of signed ranks.
fn normal_p_value(ranks: &[f64]) -> f64 {
    let sum: f64 = ranks.iter().sum();
    let deviation = ranks.iter().map(|rank| rank * rank).sum::<f64>().sqrt();
    // Flipping the sign of the smallest rank changes the sum by two; half of that is the continuity correction.
    Normal::standard().cdf((sum + 1.0) / deviation)
}

/// A location estimate and the ends of its confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LocationEstimate {
    /// The median of all pairwise means (Hodges and Lehmann, 1963).
    pub(crate) estimate: f64,
    /// Lower end; `None` if there are too few values for a risk as small as required.
    pub(crate) low: Option<f64>,
    /// Upper end.
    pub(crate) high: Option<f64>,
}

/// Estimates the location of values, with a risk at each end; `None` without values.
pub(crate) fn location(
    values: &[f64],
    [risk_low, risk_high]: [f64; 2],
) -> Option<LocationEstimate> {
    let means = means(values);
    let hodges_lehmann = middle_of(&means)?;
    let outside = |risk: f64| {
        (smallest_p_value(values.len()) <= risk).then(|| excluded_count(values.len(), risk))
    };
    Some(LocationEstimate {
        estimate: hodges_lehmann,
        low: outside(risk_low).map(|count| means[count]),
        high: outside(risk_high).map(|count| means[means.len() - 1 - count]),
    })
}

/// The Hodges–Lehmann estimate alone.
pub(crate) fn hodges_lehmann(values: &[f64]) -> Option<f64> {
    middle_of(&means(values))
}

/// All pairwise means, each value with itself included, in order.
fn means(values: &[f64]) -> Vec<f64> {
    let pairs = values.iter().enumerate();
    let mut means: Vec<f64> = pairs
        .flat_map(|(at, one)| values[at..].iter().map(|other| f64::midpoint(*one, *other)))
        .collect();
    means.sort_by(f64::total_cmp);
    means
}

fn middle_of(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    let one = *sorted.get(half)?;
    Some(f64::midpoint(one, sorted[(sorted.len() - 1) / 2]))
}

/// The number of pairwise means that the test excludes at either end: the largest rank sum whose probability is at
/// most the risk (Tukey's count).
fn excluded_count(count: usize, risk: f64) -> usize {
    let most = count * (count + 1) / 2;
    let ranks: Vec<f64> = (1..=count).map(|rank| rank as f64).collect();
    let chance = |sum: usize| {
        // All sets of ranks with this sum have the same probability.
        let mut left = sum as f64;
        let signed: Vec<f64> = ranks
            .iter()
            .rev()
            .map(|rank| {
                let is_above = *rank <= left;
                left -= if is_above { *rank } else { 0.0 };
                if is_above { *rank } else { -rank }
            })
            .collect();
        p_value(&signed)
    };
    let (mut fine, mut over) = (0, most / 2);
    while over - fine > 1 {
        let hodges_lehmann = usize::midpoint(fine, over);
        if chance(hodges_lehmann) <= risk {
            fine = hodges_lehmann;
        } else {
            over = hodges_lehmann;
        }
    }
    fine
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signed rank of each value by its absolute value. Ties share their ranks; zeros have none.
    fn signed_ranks(values: &[f64]) -> Vec<f64> {
        let mut sorted: Vec<f64> = values
            .iter()
            .copied()
            .filter(|value| *value != 0.0)
            .collect();
        sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let rank = |value: &f64| {
            let below = sorted.partition_point(|other| other.abs() < value.abs());
            let up_to = sorted.partition_point(|other| other.abs() <= value.abs());
            (below + up_to + 1) as f64 / 2.0 * value.signum()
        };
        sorted.iter().map(rank).collect()
    }

    fn as_small(values: &[f64]) -> f64 {
        p_value(&signed_ranks(values))
    }

    fn as_large(values: &[f64]) -> f64 {
        let negated: Vec<f64> = values.iter().map(|value| -value).collect();
        as_small(&negated)
    }

    #[test]
    fn few_differences_have_exact_p_values() {
        assert!((as_large(&[1.0, 2.0, 3.0]) - 0.125).abs() < 1e-12);
        assert!((as_small(&[1.0, 2.0, 3.0]) - 1.0).abs() < 1e-12);
        assert!((as_large(&[1.0, -1.0]) - 0.75).abs() < 1e-12);
        assert!((as_small(&[0.0; 5]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn normal_approximation_agrees_for_many_differences() {
        let ranks = signed_ranks(&[0.5, 1.0, -0.2, 0.3, -0.6, 0.9, 0.1, -0.4, 0.2, 0.7, 0.0]);
        assert_eq!(ranks[..4], [1.0, -2.5, 2.5, 4.0]);
        let values: Vec<f64> = (0..200)
            .map(|at| f64::from(at * 7_919 % 101) - 45.0)
            .collect();
        let ranks = signed_ranks(&values);
        let (exact_p_value, normal_p_value) = (exact_p_value(&ranks), normal_p_value(&ranks));
        assert!((0.8..0.995).contains(&exact_p_value), "{exact_p_value}");
        assert!(
            (exact_p_value - normal_p_value).abs() < 0.002,
            "{exact_p_value} {normal_p_value}"
        );
    }

    #[test]
    fn outlier_does_not_hide_the_others() {
        let mut values = [0.05; 12];
        values[5] = -1.0;
        assert!(as_large(&values) < 0.05);
    }

    /// Critical values of Wilcoxon's tables, 2.5 % at each end.
    #[test]
    fn excluded_count_matches_the_tables() {
        for (count, largest) in [(6, 0), (8, 3), (10, 8), (15, 25), (20, 52), (30, 137)] {
            assert_eq!(excluded_count(count, 0.025), largest, "{count}");
        }
    }

    #[test]
    fn interval_holds_what_the_test_does_not_exclude() {
        let differences: Vec<f64> = (0..12).map(|at| f64::from(at % 2) * 0.04).collect();
        let found = location(&differences, [0.025, 0.025]).unwrap();
        let (low, high) = (found.low.unwrap(), found.high.unwrap());
        assert!((found.estimate - 0.02).abs() < 1e-12 && low < 0.02 && high > 0.02);
        // The test excludes values outside of the interval.
        let beyond = |margin: f64| differences.iter().map(|it| it - margin).collect::<Vec<_>>();
        assert!(as_large(&beyond(low - 1e-9)) <= 0.025);
        assert!(as_small(&beyond(high + 1e-9)) <= 0.025);
    }

    #[test]
    fn few_values_have_no_interval_end() {
        let found = location(&[0.1; 6], [0.01, 0.05]).unwrap();
        assert_eq!((found.low, found.high), (None, Some(0.1)));
        assert_eq!(location(&[], [0.05; 2]), None);
        assert_eq!(hodges_lehmann(&[3.0, 1.0, 2.0]), Some(2.0));
    }
}
