//! The Universal Scalability Law (Gunther, Guerrilla Capacity Planning, 2007): X = γN / (1 + α(N − 1) + βN(N − 1)),
//! with the throughput X at N requests in flight.

/// Parameters of the law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usl {
    /// Responses per second with one request in flight.
    pub gamma: f64,
    /// Contention: requests that wait for each other.
    pub alpha: f64,
    /// Coherency: requests that must agree with each other.
    pub beta: f64,
}

impl Usl {
    /// Fits the law to points of N and X: least squares of N/X = (1 + α(N−1) + βN(N−1)) / γ, weighted to relative
    /// errors, without negative parameters. `None` with fewer than four levels.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        if points.len() < 4 {
            return None;
        }
        let all: [fn(f64) -> f64; 3] = [|_| 1.0, |n| n - 1.0, |n| n * (n - 1.0)];
        let found = [&[0, 1, 2][..], &[0, 1], &[0, 2], &[0]]
            .into_iter()
            .find_map(|terms| {
                let parts = solve(
                    points,
                    &terms.iter().map(|term| all[*term]).collect::<Vec<_>>(),
                )?;
                let mut figures = [0.0; 3];
                for (term, part) in terms.iter().zip(parts) {
                    figures[*term] = part;
                }
                (figures[0] > 0.0 && figures.iter().all(|figure| *figure >= 0.0)).then_some(figures)
            })?;
        let [a, b, c] = found;
        Some(Self {
            gamma: 1.0 / a,
            alpha: b / a,
            beta: c / a,
        })
    }

    /// Responses per second with n requests in flight.
    pub fn throughput(&self, n: f64) -> f64 {
        self.gamma * n / (1.0 + self.alpha * (n - 1.0) + self.beta * n * (n - 1.0))
    }

    /// The number of requests in flight with the highest throughput: √((1 − α) / β).
    pub fn peak(&self) -> Option<f64> {
        (self.beta > 0.0 && self.alpha < 1.0).then(|| ((1.0 - self.alpha) / self.beta).sqrt())
    }
}

/// Weighted least squares of N/X by some terms of N: the normal equations, solved by Gauss–Jordan elimination.
fn solve(points: &[(f64, f64)], terms: &[fn(f64) -> f64]) -> Option<Vec<f64>> {
    let count = terms.len();
    let mut rows = vec![vec![0.0; count + 1]; count];
    for (n, x) in points {
        let weight = x / n;
        let values: Vec<f64> = terms.iter().map(|term| term(*n) * weight).collect();
        for (row, own) in rows.iter_mut().zip(&values) {
            // N/X times its weight is 1.
            let others = values.iter().chain([&1.0]);
            row.iter_mut()
                .zip(others)
                .for_each(|(sum, other)| *sum += own * other);
        }
    }
    for pivot in 0..count {
        let best = (pivot..count)
            .max_by(|a, b| rows[*a][pivot].abs().total_cmp(&rows[*b][pivot].abs()))?;
        rows.swap(pivot, best);
        let scale = rows[pivot][pivot];
        if scale.abs() < 1e-12 {
            return None;
        }
        rows[pivot].iter_mut().for_each(|value| *value /= scale);
        let pivot_row = rows[pivot].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(at, _)| *at != pivot) {
            let factor = row[pivot];
            row.iter_mut()
                .zip(&pivot_row)
                .for_each(|(value, own)| *value -= factor * own);
        }
    }
    Some(rows.iter().map(|row| row[count]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_law_are_recovered() {
        for (alpha, beta) in [(0.05, 0.000_2), (0.3, 0.0), (0.0, 0.0)] {
            let law = Usl {
                gamma: 100.0,
                alpha,
                beta,
            };
            let points = [1.0, 5.0, 20.0, 60.0, 120.0].map(|n| (n, law.throughput(n)));
            let found = Usl::fit(&points).unwrap();
            assert!((found.gamma / 100.0 - 1.0).abs() < 1e-6, "{found:?}");
            assert!(
                (found.alpha - alpha).abs() < 1e-6 && (found.beta - beta).abs() < 1e-8,
                "{found:?}"
            );
        }
        assert_eq!(Usl::fit(&[(1.0, 10.0); 3]), None);
    }

    #[test]
    fn peak_has_the_highest_throughput() {
        let law = Usl {
            gamma: 100.0,
            alpha: 0.05,
            beta: 0.000_2,
        };
        let peak = law.peak().unwrap();
        assert!(law.throughput(peak) > law.throughput(peak * 0.9));
        assert!(law.throughput(peak) > law.throughput(peak * 1.1));
    }
}
