//! brunt.
fn main() {}
