//! Charts: which there are, what each is made of, and how it is drawn without a script.

pub(super) mod annotations;
pub(super) mod chart;
pub(super) mod distribution;
mod figure;
pub(super) mod heatmap;
pub(super) mod name_series;
mod resource_charts;
pub(super) mod run_charts;
pub(super) mod svg;
