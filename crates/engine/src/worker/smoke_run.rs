//! A rehearsal: every task is played once by one user, and all that is said and heard is kept.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use brunt_record::{FailureKind, NameId};
use brunt_scenario::{JsonQuery, MASK, Plan, Request, Scope, Secrets, Seen, Step, is_secret_name};

use crate::client::context::Core;
use crate::client::session::Belongings;
use crate::http1::Answer;
use crate::net::origins::Target;
use crate::settings::Settings;
use crate::user::step_runner::{Flow, Playing};
use crate::worker::setup::alone;

/// Of one scene no more exchanges are kept than this.
const EXCHANGES_MAX: usize = 20;

/// What was played in one go: the set-up, a task, or what a class does before and after its tasks.
#[derive(Debug, Default)]
pub struct Scene {
    /// What it is, such as `set-up` or `buyer, task 2`.
    pub title: String,
    /// The first exchanges that were made.
    pub exchanges: Vec<Rehearsed>,
    /// How many more there were.
    pub left_out: usize,
    /// Why it was broken off, where it was.
    pub broken_off: Option<String>,
}

/// One request and what came of it. No text holds a secret.
#[derive(Debug)]
pub struct Rehearsed {
    /// The name that it is grouped by.
    pub name: NameId,
    /// How it was sent, as HTTP/1.1 writes it, without what files hold.
    pub request: String,
    /// What came; `None`: no whole answer.
    pub heard: Option<Heard>,
    /// What has failed, where something has.
    pub failed: Option<(FailureKind, String)>,
    /// The variables that were taken of the answer, and their values as JSON.
    pub extracted: Vec<(String, String)>,
}

/// An answer.
#[derive(Debug)]
pub struct Heard {
    /// Its status.
    pub status: u16,
    /// Response time, in nanoseconds.
    pub took_ns: u64,
    /// Its header fields, each a line.
    pub fields: String,
    /// Its body, decoded.
    pub body: String,
    /// What was asked of it, in words, and whether it holds.
    pub checks: Vec<(String, bool)>,
}

impl Heard {
    pub(crate) fn of(answer: &Answer, took_ns: u64, request: &Request, scope: &mut Scope) -> Self {
        let body = answer.content.decoded(&answer.encoding).unwrap_or_default();
        let seen = Seen::new(answer.status, &answer.fields, &body, took_ns);
        let (seen, checks) = match JsonQuery::new(request).map(|query| query.run(&body)) {
            Some(Ok(matches)) => (seen.with_matches(matches), &*request.checks),
            // The failure of the request says so.
            Some(Err(_)) => (seen, [].as_slice()),
            None => (seen, &*request.checks),
        };
        let checks = checks.iter().map(|check| {
            let words = check.in_words(&seen, scope);
            let words = words.unwrap_or_else(|_| "a check that cannot be evaluated".to_owned());
            (words, matches!(check.fault(&seen, scope), Ok(None)))
        });
        Self {
            status: answer.status,
            took_ns,
            checks: checks.collect(),
            fields: String::from_utf8_lossy(&answer.fields).into_owned(),
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}

/// Where a rehearsal is kept while it goes on.
#[derive(Debug, Default)]
pub(crate) struct Script {
    scenes: RefCell<Vec<Scene>>,
    /// What was secret in any exchange.
    secrets: RefCell<Secrets>,
}

impl Script {
    fn begin(&self, title: String) {
        self.scenes.borrow_mut().push(Scene {
            title,
            ..Scene::default()
        });
    }

    fn end(&self, broken_off: Option<String>) {
        if let Some(scene) = self.scenes.borrow_mut().last_mut() {
            scene.broken_off = broken_off;
        }
    }

    /// Keeps an exchange, and what is secret of it.
    pub(crate) fn keep(&self, exchange: Rehearsed, own: &Secrets) {
        let mut secrets = self.secrets.borrow_mut();
        secrets.merge(own);
        if let Some(heard) = &exchange.heard {
            secrets.add_fields(&heard.fields);
            secrets.add_body(heard.body.as_bytes());
        }
        let mut scenes = self.scenes.borrow_mut();
        match scenes.last_mut() {
            Some(scene) if scene.exchanges.len() < EXCHANGES_MAX => scene.exchanges.push(exchange),
            Some(scene) => scene.left_out += 1,
            None => {}
        }
    }

    /// The scenes, without any secret.
    fn take(&self, plan: &Plan) -> Vec<Scene> {
        let mut secrets = Secrets::over(&plan.secrets.known);
        secrets.merge(&self.secrets.take());
        let mut scenes = self.scenes.take();
        scenes.iter_mut().for_each(|scene| scene.mask(&secrets));
        scenes
    }
}

impl Scene {
    fn mask(&mut self, secrets: &Secrets) {
        // Some of them are cut.
        let mask = |text: &mut String| *text = secrets.mask_cut(text);
        self.broken_off.iter_mut().for_each(mask);
        for exchange in &mut self.exchanges {
            exchange.request = match exchange.request.split_once("\r\n\r\n") {
                Some((head, body)) => {
                    let (head, body) = (secrets.mask_fields(head), secrets.mask(body));
                    format!("{head}\r\n\r\n{body}")
                }
                None => secrets.mask_fields(&exchange.request),
            };
            if let Some((_, text)) = &mut exchange.failed {
                mask(text);
            }
            if let Some(heard) = &mut exchange.heard {
                heard.fields = secrets.mask_fields(&heard.fields);
                mask(&mut heard.body);
                heard.checks.iter_mut().for_each(|(text, _)| mask(text));
            }
            for (name, text) in &mut exchange.extracted {
                if is_secret_name(name) {
                    *text = format!("\"{MASK}\"");
                } else {
                    mask(text);
                }
            }
        }
    }

    /// Whether all went well.
    pub fn is_well(&self) -> bool {
        let failed = |exchange: &Rehearsed| exchange.failed.is_some();
        self.broken_off.is_none() && !self.exchanges.iter().any(failed)
    }
}

/// Plays the set-up, and as one user of each class all that such users do: each task once, in order,
/// without rests. What fails ends its own scene, and the set-up all of it.
pub fn rehearse(plan: &Arc<Plan>, target: &Arc<Target>, seed: u64) -> io::Result<Vec<Scene>> {
    let settings = Settings {
        seed,
        ..Settings::default()
    };
    let (scenes, _) = alone(plan, target, &settings, Core::rehearses, async |core| {
        play(core, seed).await;
        core.script
            .as_ref()
            .map_or_else(Vec::new, |script| script.take(&core.plan))
    })?;
    Ok(scenes)
}

async fn play(core: &Core, seed: u64) {
    let plan = &core.plan;
    let mut stage = Belongings::new(core, Plan::random_of_setup(seed));
    if !scene(core, &mut stage, "set-up", &plan.setup, Ends::AtFailure).await {
        return;
    }
    for (number, class) in plan.classes.iter().enumerate() {
        let mut user = Belongings::new(core, plan.random_of(seed, number, 0));
        user.life.variables.clone_from(&stage.life.variables);
        let title = |part: &str| format!("{}, {part}", class.name);
        let start = title("on_start");
        if !scene(core, &mut user, &start, &class.on_start, Ends::AtFailure).await {
            continue;
        }
        for (task, (steps, _)) in class.tasks.shares().enumerate() {
            let task = title(&format!("task {}", task + 1));
            scene(core, &mut user, &task, steps, Ends::AsTasks).await;
        }
        let stop = title("on_stop");
        scene(core, &mut user, &stop, &class.on_stop, Ends::AsTasks).await;
    }
    scene(
        core,
        &mut stage,
        "tear-down",
        &plan.teardown,
        Ends::AtFailure,
    )
    .await;
}

/// When steps are broken off.
#[derive(PartialEq)]
enum Ends {
    /// At the first failure.
    AtFailure,
    /// As those of a task are.
    AsTasks,
}

/// Plays steps; whether they were gone through.
async fn scene(
    core: &Core,
    user: &mut Belongings,
    title: &str,
    steps: &[Step],
    ends: Ends,
) -> bool {
    let Some(script) = core.script.as_ref().filter(|_| !steps.is_empty()) else {
        return true;
    };
    script.begin(title.to_owned());
    let now_ns = core.clock.now_ns();
    let seat = core.pacer.seat();
    let mut playing = Playing::new(core, seat, user, (now_ns, now_ns));
    if ends == Ends::AtFailure {
        playing = playing.for_setup();
    }
    let flow = playing.play(steps).await;
    let reason = (flow == Flow::BrokenOff).then(|| playing.reason());
    script.end(reason.flatten());
    flow != Flow::BrokenOff
}
