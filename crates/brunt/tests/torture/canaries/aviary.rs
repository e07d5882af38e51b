//! The aviary: canaries, each in a place of its own, and a scenario that has all the places.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::encodings::{base64, encoded};
use super::finder::Finder;

/// Word that is not a secret and is found wherever examples are shown.
pub(super) const CONTROL: &str = "controlled0bird";

/// What may stand in most places, and is written differently in each.
const ANY: &str = " \"q\\é\n%+/&<'";
/// What may stand on a line.
const LINE: &str = " \"q\\é%+/&<";
/// What may stand in a cookie or a token.
const TOKEN: &str = "-+/%&<_";
const WORD: &str = "-_.";

/// How a service repeats what it got.
const WAYS: [&str; 5] = ["raw", "json", "html", "percent", "base64"];

const STEPS_OF_TASK: usize = 15;

/// Sources whose values are variables of the environment, with the steps that use them; ENV stands for the variable.
const OF_ENVIRONMENT: [(&str, &str); 15] = [
    ("header", "get = 'ECHO', headers = { X-A = '{{ ENV }}' }"),
    ("query", "get = 'ECHO', query = { q = '{{ ENV }}' }"),
    ("json", "post = 'ECHO', json = { note = '{{ ENV }}' }"),
    ("form", "post = 'ECHO', form = { note = '{{ ENV }}' }"),
    ("path", "get = 'ECHO/{{ ENV }}'"),
    (
        "text",
        "post = 'ECHO', text = 'the note is {{ ENV }}, really'",
    ),
    (
        "upper",
        "get = 'ECHO', headers = { X-A = '{{ ENV | upper }}' }",
    ),
    (
        "lower",
        "get = 'ECHO', query = { q = '{{ ENV | lower | replace(\"q\", \"Q\") }}' }",
    ),
    (
        "base64",
        "get = 'ECHO', headers = { X-A = '{{ base64(ENV) }}' }",
    ),
    (
        "joined",
        "get = 'ECHO', query = { q = '{{ \"a\" ~ ENV ~ \"b\" }}' }",
    ),
    (
        "block",
        "post = 'ECHO', text = '{% if true %}x {{ ENV | base64 }} y{% endif %}'",
    ),
    (
        "encoded",
        "get = 'ECHO', query = { q = '{{ urlencode(ENV) }}' }",
    ),
    (
        "random",
        "get = 'ECHO', query = { q = '{{ ENV ~ randint(1, 9) }}' }",
    ),
    (
        "check",
        "get = 'ECHO', check = { status = 400, contains = 'a{{ ENV }}b' }",
    ),
    (
        "wrong check",
        "get = 'ECHO', check = { status = 400, not = { contains = '{{ ENV[:12] }}' } }",
    ),
];

/// Sources whose values are written in the scenario; SECRET stands for the value in quotes, BARE without them, ENCODED as
/// URLs have it.
const WRITTEN: [(&str, &str, &str); 21] = [
    (
        "authorization",
        TOKEN,
        "get = 'ECHO', headers = { Authorization = 'Bearer BARE' }",
    ),
    (
        "unknown scheme",
        LINE,
        "get = 'ECHO', headers = { Authorization = SECRET }",
    ),
    (
        "basic",
        LINE,
        "get = 'ECHO', headers = { Authorization = 'Basic BASIC' }",
    ),
    (
        "auth password",
        ANY,
        "get = 'ECHO', auth = { user = 'ann', password = SECRET }",
    ),
    (
        "auth bearer",
        LINE,
        "get = 'ECHO', auth = { bearer = SECRET }",
    ),
    (
        "cookie header",
        TOKEN,
        "get = 'ECHO', headers = { Cookie = 'a=1; visit=BARE' }",
    ),
    (
        "api key",
        LINE,
        "get = 'ECHO', headers = { X-Api-Key = SECRET }",
    ),
    (
        "token header",
        LINE,
        "get = 'ECHO', headers = { X-Auth-Token = SECRET }",
    ),
    (
        "json password",
        ANY,
        "post = 'ECHO', json = { user = 'ann', password = SECRET }",
    ),
    (
        "nested json",
        ANY,
        "post = 'ECHO', json = { a = [{ client_secret = [SECRET] }] }",
    ),
    (
        "credentials",
        ANY,
        "post = 'ECHO', json = { credentials = { a = SECRET } }",
    ),
    (
        "form password",
        ANY,
        "post = 'ECHO', form = { user = 'ann', password = SECRET }",
    ),
    (
        "query token",
        ANY,
        "get = 'ECHO', query = { access_token = SECRET }",
    ),
    (
        "default name",
        LINE,
        "get = 'ECHO?access_token=ENCODED&n=1'",
    ),
    ("plain query", WORD, "get = 'ECHO?n=1&api_key=BARE'"),
    (
        "explicit name",
        WORD,
        "name = '/x?token=BARE', get = 'ECHO'",
    ),
    (
        "multipart",
        ANY,
        "post = 'ECHO', multipart = { password = SECRET }",
    ),
    (
        "text body",
        WORD,
        "post = 'ECHO', text = 'user=ann&password=BARE&x=y'",
    ),
    (
        "json as text",
        WORD,
        "post = 'ECHO', text = '{\"user\": \"ann\", \"password\": \"BARE\"}'",
    ),
    (
        "check of a token",
        ANY,
        "get = 'ECHO', check = { status = 400, header = { X-Token = SECRET } }",
    ),
    (
        "proxy",
        TOKEN,
        "get = 'ECHO', headers = { Proxy-Authorization = 'Basic BARE' }",
    ),
];

/// What the service gives.
const OF_SERVICE: [(&str, &str); 8] = [
    ("extracted", ANY),
    ("used as bearer", LINE),
    ("of a page", WORD),
    ("of a cookie", TOKEN),
    ("of the jar", TOKEN),
    ("in an error", ANY),
    ("set by an error", TOKEN),
    ("of a redirect", ANY),
];

/// What stands in data, on the command line, in the environment's settings or in wrong files.
const OTHERS: [(&str, &str); 14] = [
    ("list of tokens", ANY),
    ("column of rows", ANY),
    ("column drawn at once", ANY),
    ("column of a file", ANY),
    ("item of a list", ANY),
    ("set", ANY),
    ("set by a filter", ANY),
    ("metric", LINE),
    ("of --set", LINE),
    ("of a setting of the environment", LINE),
    ("of a wrong option", WORD),
    ("in a broken file", LINE),
    ("in a broken path", WORD),
    ("of a failing start", ANY),
];

/// All canaries.
pub(super) struct Aviary {
    birds: BTreeMap<String, Bird>,
}

/// A canary: two words, and what is between them.
#[derive(Clone)]
struct Bird {
    words: [String; 2],
    value: String,
}

impl Aviary {
    pub(super) fn new(trial: u32) -> Self {
        let of_environment = OF_ENVIRONMENT.iter().map(|(name, _)| (*name, ANY));
        let written = WRITTEN.iter().map(|(name, special, _)| (*name, *special));
        let all = of_environment
            .chain(written)
            .chain(OF_SERVICE)
            .chain(OTHERS);
        let birds = all.enumerate().map(|(number, (name, special))| {
            let word = |part: &str| {
                let mixed = (number as u64 + 1 + 1_000 * u64::from(trial))
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15);
                format!("{part}{number:02}{:08x}", mixed >> 32)
            };
            let words = [word("head"), word("tail")];
            let value = words.join(special);
            (name.to_owned(), Bird { words, value })
        });
        Self {
            birds: birds.collect(),
        }
    }

    pub(super) fn value(&self, name: &str) -> String {
        self.birds[name].value.clone()
    }

    /// A value as TOML has it.
    pub(super) fn quoted(&self, name: &str) -> String {
        serde_json::Value::from(self.value(name)).to_string()
    }

    pub(super) fn finders(&self) -> Vec<(String, Finder)> {
        let finders = self.birds.iter().flat_map(|(name, bird)| {
            let words = bird.words.iter();
            words.map(move |word| (name.clone(), Finder::new(word)))
        });
        finders.collect()
    }

    pub(super) fn of_service(&self) -> HashMap<&'static str, String> {
        let names = OF_SERVICE.iter().map(|(name, _)| *name);
        names.map(|name| (name, self.value(name))).collect()
    }

    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let names = OF_ENVIRONMENT.iter().map(|(name, _)| *name);
        let others = ["set by a filter", "metric"].into_iter();
        let own = names
            .chain(others)
            .map(|name| (variable(name), self.value(name)));
        let setting = self.value("of a setting of the environment");
        let setting = ("BRUNT__HEADERS__X_ACCESS_TOKEN".to_owned(), setting);
        own.chain([setting]).collect()
    }

    /// A file of data with a column that is secret.
    pub(super) fn write_data(&self, path: &Path) {
        let value = self.value("column of a file").replace('"', "\"\"");
        std::fs::write(path, format!("user,api_key\nann,\"{value}\"\n")).expect("a file");
    }

    /// Steps that play all places.
    fn steps(&self) -> Vec<String> {
        let mut steps = Vec::new();
        for way in WAYS {
            let echo = format!("/echo/{way}");
            for (name, step) in OF_ENVIRONMENT {
                let step = step.replace("ENV", &format!("env.{}", variable(name)));
                steps.push(named(
                    &format!("{name} {way}"),
                    &step.replace("ECHO", &echo),
                ));
            }
            for (name, _, step) in WRITTEN {
                let bare = self.value(name);
                let step = step
                    .replace("SECRET", &self.quoted(name))
                    .replace("ENCODED", &encoded("percent", &bare))
                    .replace("BASIC", &base64(&format!("ann:{bare}")))
                    .replace("BARE", &bare)
                    .replace("ECHO", &format!("{echo}/{}", steps.len()));
                let has_name =
                    step.contains("name =") || name == "default name" || name == "plain query";
                steps.push(if has_name {
                    format!("{{ {step} }}")
                } else {
                    named(&format!("{name} {way}"), &step)
                });
            }
            for (number, step) in self.steps_of_variables().into_iter().enumerate() {
                let step = step.replace("ECHO", &echo);
                steps.push(step.replace("NAME", &format!("variable {number} {way}")));
            }
        }
        // A value is cut at each of its places.
        for padding in [140, 150, 160, 170, 980, 990, 1_000, 1_005] {
            let step = format!(
                "post = '/cut/{padding}', json = {{ password = {} }}",
                self.quoted("set")
            );
            steps.push(named(&format!("cut {padding}"), &step));
        }
        steps
    }

    fn steps_of_variables(&self) -> Vec<String> {
        let set = self.quoted("set");
        let filtered = variable("set by a filter");
        let echo = |header: &str| {
            format!(
                "{{ name = 'NAME {header}', get = 'ECHO', headers = {{ X-A = '{{{{ {header} }}}}' }} }}"
            )
        };
        let mut steps = vec![
            format!("{{ set = {{ innocent = '{CONTROL}', password = {set}, h = '{{{{ env.{filtered} | upper }}}}' }} }}"),
            echo("innocent"),
            echo("password"),
            echo("h"),
            "{ name = 'login', get = '/json', extract = { token = '$.token', value = '$.value' } }".to_owned(),
            "{ name = 'page', get = '/login', extract = { csrf = { regex = 'name=\"csrf\" value=\"([^\"]+)\"' }, visit = { cookie = 'visitor' } } }".to_owned(),
            "{ name = 'page that fails', get = '/login', check = { contains = 'nowhere' }, extract = { csrf = { regex = 'name=\"csrf\" value=\"([^\"]+)\"' } } }".to_owned(),
            echo("token"),
            echo("value"),
            echo("csrf"),
            echo("visit"),
            "{ name = 'NAME bearer', get = 'ECHO', auth = { bearer = '{{ value }}' } }".to_owned(),
            "{ name = 'cookies', get = '/cookies' }".to_owned(),
            "{ name = 'NAME jar', get = 'ECHO' }".to_owned(),
            "{ clear_cookies = true }".to_owned(),
            "{ name = 'bad login', get = '/bad-login' }".to_owned(),
            "{ name = 'bad cookie', get = '/bad-cookie' }".to_owned(),
            "{ name = 'away', get = '/away' }".to_owned(),
            "{ name = 'elsewhere', get = '/elsewhere' }".to_owned(),
            "{ name = 'NAME pick', get = 'ECHO', query = { q = '{{ pick(tokens) }}' } }".to_owned(),
            "{ set = { row = '{{ next(rows) }}', person = '{{ next(people) }}' } }".to_owned(),
            "{ name = 'NAME column', post = 'ECHO', json = { a = '{{ row.password }}' } }".to_owned(),
            "{ name = 'NAME row', post = 'ECHO', json = { a = '{{ row }}' } }".to_owned(),
            "{ name = 'NAME file', get = 'ECHO', headers = { X-A = '{{ person.api_key }}' } }".to_owned(),
            "{ name = 'NAME drawn', get = 'ECHO/{{ next(drawn).password }}' }".to_owned(),
            "{ for_each = 'item', in = 'secrets', steps = [{ name = 'NAME item', get = 'ECHO', headers = { X-A = '{{ item }}' } }] }".to_owned(),
        ];
        steps.push(format!(
            "{{ measure = {{ size = '{{{{ env.{} }}}}' }} }}",
            variable("metric")
        ));
        steps
    }

    pub(super) fn scenario(&self, url: &str) -> String {
        format!(
            "host = '{url}'\n[data]\ntokens = [{}]\nsecrets = [{}]\nrows = [{{ user = 'ann', password = {} }}]\n\
             drawn = [{{ user = 'ann', password = {} }}]\npeople = {{ file = 'people.csv' }}\n\
             [users.u]\nwait = '1ms'\norder = 'sequence'\n{}\
             [profiles.load]\nusers = 2\nspawn_rate = 100\nduration = '4s'\n\
             [targets]\np95 = {{ target = '5s' }}\nerror_rate = {{ target = '1%' }}\n",
            self.quoted("list of tokens"),
            self.quoted("item of a list"),
            self.quoted("column of rows"),
            self.quoted("column drawn at once"),
            self.tasks()
        )
    }

    /// As tasks: of each, `check --try` shows the first requests.
    fn tasks(&self) -> String {
        let steps = self.steps();
        let tasks = steps.chunks(STEPS_OF_TASK);
        let tasks = tasks.map(|steps| {
            format!(
                "[[users.u.tasks]]\nsteps = [\n  {}\n]\n",
                steps.join(",\n  ")
            )
        });
        tasks.collect()
    }

    /// A scenario whose set-up, or whose users' beginning, fails with a secret.
    pub(super) fn failing_start(&self, url: &str, setting: &str) -> String {
        let secret = self.quoted("of a failing start");
        let step =
            format!("post = '/echo/json', json = {{ a = '{CONTROL}', password = {secret} }}");
        let (setup, on_start) = match setting {
            "setup" => (
                format!("[[setup]]\n{}\n", step.replace(", json", "\njson")),
                String::new(),
            ),
            _ => (String::new(), format!("on_start = [{{ {step} }}]\n")),
        };
        format!(
            "host = '{url}'\n{setup}[users.u]\nwait = '10ms'\n{on_start}[[users.u.tasks]]\nget = '/cookies'\n\
             [profiles.load]\nusers = 1\nduration = '2s'\n"
        )
    }
}

fn named(name: &str, step: &str) -> String {
    format!("{{ name = '{name}', {step} }}")
}

fn variable(name: &str) -> String {
    format!("CANARY_{}", name.to_uppercase().replace(' ', "_"))
}
