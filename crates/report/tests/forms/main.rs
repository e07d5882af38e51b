//! Every report format, for a run with known values.

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
