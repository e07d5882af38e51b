//! The sign-flip test (Fisher, The Design of Experiments, 1935), by ranks (Wilcoxon, 1945): differences that
//! are as often above as below nothing would, with other signs, add up to as much as often as chance has
//! it. It asks for no law of the noise but that it is even; and a pair in which a neighbour came or went
//! counts as the furthest one, however far it is.

use statrs::distribution::{ContinuousCDF, Normal};

/// Up to so many differences the chances are exact; beyond, the sum of ranks is as good as normal.
const EXACT_MAX: usize = 200;

/// The chances of a sum like this one, were the differences even around nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Chances {
    /// Of one as large.
    pub(crate) as_large: f64,
    /// Of one as small.
    pub(crate) as_small: f64,
}

/// The chances of a sum of ranks like that of these values.
pub(crate) fn chances(values: &[f64]) -> Chances {
    chances_of_ranks(&signed_ranks(values))
}

fn chances_of_ranks(ranks: &[f64]) -> Chances {
    if ranks.len() <= EXACT_MAX {
        exact(ranks)
    } else {
        normal(ranks)
    }
}

/// The least chance that so many differences can have: that of signs which are all alike.
pub(crate) fn least_chance(count: usize) -> f64 {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    0.5f64.powi(count)
}

/// The rank of each value by its distance from nothing, with its sign. What is as far shares its ranks,
/// and what is nothing has none.
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

/// By all signs: how likely each sum of the ranks above nothing is, rank by rank.
fn exact(ranks: &[f64]) -> Chances {
    // Ranks that are shared are halves; twice a rank is whole.
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
    Chances {
        as_large: chance_of[seen..].iter().sum(),
        as_small: chance_of[..=seen].iter().sum(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "twice a rank, which is at most twice the count"
)]
fn whole(doubled: f64) -> usize {
    doubled.round() as usize
}

/// By the normal law that the sum of many ranks comes to, each with either sign.
fn normal(ranks: &[f64]) -> Chances {
    let sum: f64 = ranks.iter().sum();
    let deviation = ranks.iter().map(|rank| rank * rank).sum::<f64>().sqrt();
    let law = Normal::standard();
    // A sum moves by two when a sign of the least rank turns: the half of that is its own.
    Chances {
        as_large: law.sf((sum - 1.0) / deviation),
        as_small: law.cdf((sum + 1.0) / deviation),
    }
}

/// What is usual of differences: the median of the means of each two, and of each alone (Hodges and Lehmann,
/// 1963); and the ends of what the test does not rule out, with this risk at each end.
pub(crate) fn usual(differences: &[f64], risk: f64) -> Option<(f64, (f64, f64))> {
    if least_chance(differences.len()) > risk {
        return None;
    }
    let pairs = differences.iter().enumerate();
    let mut means: Vec<f64> = pairs
        .flat_map(|(at, one)| {
            differences[at..]
                .iter()
                .map(|other| f64::midpoint(*one, *other))
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let half = means.len() / 2;
    let middle = f64::midpoint(means[half], means[(means.len() - 1) / 2]);
    let outside = ruled_out(differences.len(), risk);
    Some((middle, (means[outside], means[means.len() - 1 - outside])))
}

/// How many of the means at either end the test rules out: the largest sum of ranks whose chance is the risk
/// at most (Tukey's count).
fn ruled_out(count: usize, risk: f64) -> usize {
    let most = count * (count + 1) / 2;
    let ranks: Vec<f64> = (1..=count).map(|rank| rank as f64).collect();
    let chance = |sum: usize| {
        // The ranks that come to this sum, whichever they are, have its chance.
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
        chances_of_ranks(&signed).as_small
    };
    let (mut fine, mut over) = (0, most / 2);
    while over - fine > 1 {
        let middle = usize::midpoint(fine, over);
        if chance(middle) <= risk {
            fine = middle;
        } else {
            over = middle;
        }
    }
    fine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_told_exactly() {
        let found = chances(&[1.0, 2.0, 3.0]);
        assert!((found.as_large - 0.125).abs() < 1e-12);
        assert!((found.as_small - 1.0).abs() < 1e-12);
        let even = chances(&[1.0, -1.0]);
        assert!((even.as_large - 0.75).abs() < 1e-12);
        assert!((chances(&[0.0; 5]).as_small - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_normal_law_tells_the_same_of_many() {
        let ranks = signed_ranks(&[0.5, 1.0, -0.2, 0.3, -0.6, 0.9, 0.1, -0.4, 0.2, 0.7, 0.0]);
        assert_eq!(ranks[..4], [1.0, -2.5, 2.5, 4.0]);
        let values: Vec<f64> = (0..200)
            .map(|at| f64::from(at * 7_919 % 101) - 45.0)
            .collect();
        let ranks = signed_ranks(&values);
        let (exact, normal) = (exact(&ranks), normal(&ranks));
        assert!((0.005..0.2).contains(&exact.as_large), "{exact:?}");
        assert!((exact.as_large - normal.as_large).abs() < 0.002);
        assert!((exact.as_small - normal.as_small).abs() < 0.002);
    }

    #[test]
    fn one_that_is_far_off_does_not_hide_the_others() {
        let mut values = [0.05; 12];
        values[5] = -1.0;
        assert!(chances(&values).as_large < 0.05);
    }

    /// The critical values of Wilcoxon's tables, 2.5 % at each end.
    #[test]
    fn as_many_are_ruled_out_as_the_tables_say() {
        for (count, largest) in [(6, 0), (8, 3), (10, 8), (15, 25), (20, 52), (30, 137)] {
            assert_eq!(ruled_out(count, 0.025), largest, "{count}");
        }
    }

    #[test]
    fn the_interval_is_about_what_is_usual() {
        let differences: Vec<f64> = (0..12).map(|at| f64::from(at % 2) * 0.04).collect();
        let (usual, (low, high)) = usual(&differences, 0.025).unwrap();
        assert!((usual - 0.02).abs() < 1e-12 && low < 0.02 && high > 0.02);
        assert_eq!(super::usual(&differences[..5], 0.025), None);
        // What lies outside is what the test rules out.
        let beyond = |margin: f64| differences.iter().map(|it| it - margin).collect::<Vec<_>>();
        assert!(chances(&beyond(low - 1e-9)).as_large <= 0.025);
        assert!(chances(&beyond(high + 1e-9)).as_small <= 0.025);
    }
}
