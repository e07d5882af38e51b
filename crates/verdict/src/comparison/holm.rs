//! Holm's rule (Scandinavian Journal of Statistics 6, 1979): which of several tests may be believed, so that
//! the risk that any of them is wrong stays what it is.

/// Of each test, by its chance, whether it is believed.
pub(crate) fn believed(chances: &[f64], risk: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|a, b| chances[*a].total_cmp(&chances[*b]));
    let mut believed = vec![false; chances.len()];
    for (done, at) in order.into_iter().enumerate() {
        let left = (chances.len() - done) as f64;
        if chances[at] > risk / left {
            break;
        }
        believed[at] = true;
    }
    believed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_chance_has_the_hardest_test() {
        for (chances, expected) in [
            (&[0.01, 0.04, 0.02][..], &[true, true, true][..]),
            (&[0.01, 0.06, 0.02], &[true, false, true]),
            (&[0.02, 0.02, 0.02], &[false, false, false]),
            (&[], &[]),
        ] {
            assert_eq!(believed(chances, 0.05), expected, "{chances:?}");
        }
    }
}
