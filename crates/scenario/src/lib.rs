//! From the text of a scenario file to a checked scenario and a plan for the hot path.
