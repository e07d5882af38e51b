//! The real binary, end to end: against the agent that ships with it and against servers whose truth
//! is known.

mod baselines;
mod brunt;
mod ceiling;
mod client_side;
mod collector;
mod commands;
mod compare;
mod disk;
mod embedded;
mod ending;
mod folders;
mod history;
mod hosts;
mod import;
mod outlets;
mod page;
mod pipelines;
mod processes;
mod rehearsal;
mod report;
mod scenes;
mod searches;
mod servers;
mod small_disk;
mod states;
mod stopping;
mod terminal;
mod watchdog;
