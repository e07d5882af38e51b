//! Contrast and color vision deficiency, computed from the style sheet of the page.

use std::collections::HashMap;

const COLORS: &str = include_str!("../../src/html/page/colors.css");

type Rgb = [f64; 3];

/// Simulation of color vision deficiency (Machado, Oliveira and Fernandes 2009, severity 1).
const EYES: [(&str, [Rgb; 3]); 3] = [
    (
        "no red",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "no green",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "no blue",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

/// Light, then dark: names with linear light.
fn sheets() -> Vec<HashMap<&'static str, Rgb>> {
    let sheets = COLORS.split(":root {").skip(1);
    sheets
        .map(|sheet| {
            let names = sheet.split("--").skip(1);
            names
                .filter_map(|name| {
                    let (name, rest) = name.split_once(": #")?;
                    Some((name, linear(&rest[..6])))
                })
                .collect()
        })
        .collect()
}

fn linear(hex: &str) -> Rgb {
    [0, 2, 4].map(|at| {
        let part = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).expect("a color")) / 255.0;
        if part <= 0.040_45 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    })
}

/// The contrast of two colors (WCAG 2.2).
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let light = |[r, g, b]: Rgb| 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let (a, b) = (light(a), light(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Distance of two colors in CIE L*a*b*; 2 is the smallest distance that is visible side by side.
fn distance(one: Rgb, other: Rgb) -> f64 {
    let lab = |light: Rgb| {
        let part = |value: f64| {
            if value > 0.008_856 {
                value.cbrt()
            } else {
                7.787 * value + 16.0 / 116.0
            }
        };
        let share = |of: Rgb| {
            of.iter()
                .zip(light)
                .map(|(of, part)| of * part)
                .sum::<f64>()
        };
        // X, Y and Z relative to white.
        let [x, y, z] = [
            part(share([0.4124, 0.3576, 0.1805]) / 0.9505),
            part(share([0.2126, 0.7152, 0.0722])),
            part(share([0.0193, 0.1192, 0.9505]) / 1.089),
        ];
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    };
    let pairs = lab(one).into_iter().zip(lab(other));
    let squares = pairs.map(|(one, other)| (one - other).powi(2));
    squares.sum::<f64>().sqrt()
}

fn seen(by: &[Rgb; 3], color: Rgb) -> Rgb {
    by.map(|row| {
        let light = row.iter().zip(color).map(|(share, part)| share * part);
        light.sum::<f64>().clamp(0.0, 1.0)
    })
}

#[test]
fn text_and_lines_contrast_with_their_background() {
    let sheets = sheets();
    assert_eq!(sheets.len(), 2, "light and dark");
    let texts = [
        "ink",
        "quiet",
        "good",
        "acceptable",
        "poor",
        "critical",
        "inconclusive",
        "invalid",
    ];
    for sheet in &sheets {
        for ground in ["ground", "paper"] {
            for text in texts {
                let contrast = contrast(sheet[text], sheet[ground]);
                assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
            }
            for line in ["a", "b", "c", "heat"] {
                let contrast = contrast(sheet[line], sheet[ground]);
                assert!(contrast >= 3.0, "{line} on {ground}: {contrast:.2}");
            }
        }
    }
}

#[test]
fn lines_are_distinguishable_with_color_vision_deficiency() {
    let together = [("a", "b"), ("a", "c"), ("b", "c"), ("a", "critical")];
    for sheet in sheets() {
        for (eye, by) in &EYES {
            for (one, other) in together {
                let far = distance(seen(by, sheet[one]), seen(by, sheet[other]));
                assert!(far >= 20.0, "{eye}: {one} and {other} are {far:.1} apart");
            }
        }
    }
}
