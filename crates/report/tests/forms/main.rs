//! Every form of report, of one run whose figures are known.

mod ab_test;
mod colors;
mod comparison;
mod csv;
mod html;
mod locust;
mod run;
mod states;
mod stream;
mod summary;
mod terminal;
