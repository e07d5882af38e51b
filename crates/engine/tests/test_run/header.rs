//! The header of a test's run record.

use brunt_record::Header;
use brunt_scenario::Plan;

pub(crate) fn header(plan: &Plan) -> Header {
    Header {
        run_id: "test".into(),
        brunt_version: "0".into(),
        scenario_file: "test.toml".into(),
        scenario_hash: String::new(),
        scenario: None,
        profile: "p".into(),
        host: String::new(),
        embedded: false,
        started_at: jiff::Timestamp::UNIX_EPOCH,
        seed: 0,
        names: plan.names.clone(),
        classes: Vec::new(),
        load: plan.load.clone(),
        targets: Vec::new(),
        generator: brunt_record::Generator::default(),
        machine: brunt_record::Machine::default(),
        label: None,
        commit: None,
        min_duration_s: None,
        not_requested: Vec::new(),
        planned_shares: Vec::new(),
    }
}
