//! The median of a few values.

/// Sorts the values and returns the middle one, or the mean of the two in the middle; `None` if there are no values.
pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_an_even_number_of_values_is_the_mean_of_the_middle_two() {
        for (values, expected) in [
            (&mut [][..], None),
            (&mut [7.0], Some(7.0)),
            (&mut [3.0, 1.0, 2.0], Some(2.0)),
            (&mut [4.0, 1.0, 2.0, 3.0], Some(2.5)),
        ] {
            assert_eq!(median(values), expected, "{values:?}");
        }
    }
}
