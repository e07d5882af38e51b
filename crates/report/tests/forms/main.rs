//! Every form of report, of one run whose figures are known.

mod colors;
mod comparison;
mod csv;
mod html;
mod locust;
mod run;
mod sitting;
mod states;
mod stream;
mod summary;
mod terminal;
