//! Fault injection: brunt's guarantees if its processes, the service, files or system calls fail. `cargo xtask torture` runs
//! the long form and writes `docs/robustness.md`.

#[path = "../cli/brunt.rs"]
#[allow(dead_code, reason = "shared with the tests of the command line")]
mod brunt;
mod canaries;
mod disks;
#[path = "../../../../fuzz/every_form.rs"]
mod every_form;
mod hostile;
mod hostile_http1;
mod hostile_http2;
mod hostile_tls;
#[path = "../cli/interrupt_scenes.rs"]
mod interrupt_scenes;
mod kills;
mod limits;
mod loads;
mod records;
mod signals;
#[path = "../cli/small_disk.rs"]
mod small_disk;
mod system_calls;
mod trials;
