//! Canaries: unique secrets, each for one place, and a scenario with all the places.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::encodings::{base64, encoded};
use super::finder::Finder;

/// Word that is not a secret, and appears in every output with examples of failures.
pub(super) const CONTROL: &str = "controlled0bird";
/// Name of a request that is not a secret, and appears in every live export.
pub(super) const CONTROL_NAME: &str = "controlled0name";

/// Characters for places that accept any text, which are encoded differently in each.
const ANY: &str = " \"q\\é\n%+/&<'";
/// Characters for places that accept a line.
const LINE: &str = " \"q\\é%+/&<";
/// Characters for cookies and tokens.
const TOKEN: &str = "-+/%&<_";
const WORD: &str = "-_.";

/// Encodings in which the service echoes requests.
const ENCODINGS: [&str; 5] = ["raw", "json", "html", "percent", "base64"];

const STEPS_OF_TASK: usize = 15;

/// Sources with values in environment variables, and the steps that use them; ENV is replaced by the variable.
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

/// Sources with values in the scenario; SECRET is replaced by the quoted value, BARE by the value, ENCODED by the value in
/// percent encoding.
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

/// Values in responses of the service.
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

/// Values in data, on the command line, in environment settings, of exporters and in invalid files.
const OTHERS: [(&str, &str); 16] = [
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
    ("of an exporter URL", WORD),
    ("of an exporter header", TOKEN),
];

/// All canaries, by source.
pub(super) struct Canaries {
    by_source: BTreeMap<String, Canary>,
}

/// A secret: two unique words, and the special characters between them.
#[derive(Clone)]
struct Canary {
    words: [String; 2],
    value: String,
}

impl Canaries {
    pub(super) fn new(trial: u32) -> Self {
        let of_environment = OF_ENVIRONMENT.iter().map(|(name, _)| (*name, ANY));
        let written = WRITTEN.iter().map(|(name, special, _)| (*name, *special));
        let all = of_environment
            .chain(written)
            .chain(OF_SERVICE)
            .chain(OTHERS);
        let canaries = all.enumerate().map(|(number, (name, special))| {
            let word = |part: &str| {
                let mixed = (number as u64 + 1 + 1_000 * u64::from(trial))
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15);
                format!("{part}{number:02}{:08x}", mixed >> 32)
            };
            let words = [word("head"), word("tail")];
            let value = words.join(special);
            (name.to_owned(), Canary { words, value })
        });
        Self {
            by_source: canaries.collect(),
        }
    }

    pub(super) fn value(&self, name: &str) -> String {
        self.by_source[name].value.clone()
    }

    /// Value as a TOML string.
    pub(super) fn quoted(&self, name: &str) -> String {
        serde_json::Value::from(self.value(name)).to_string()
    }

    pub(super) fn finders(&self) -> Vec<(String, Finder)> {
        let finders = self.by_source.iter().flat_map(|(name, canary)| {
            let words = canary.words.iter();
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
        let header = self.value("of an exporter header");
        let header = (
            "OTEL_EXPORTER_OTLP_HEADERS".to_owned(),
            format!("api-key={header}"),
        );
        own.chain([setting, header]).collect()
    }

    /// Writes a data file with a secret column.
    pub(super) fn write_data(&self, path: &Path) {
        let value = self.value("column of a file").replace('"', "\"\"");
        std::fs::write(path, format!("user,api_key\nann,\"{value}\"\n")).expect("a file");
    }

    /// Steps that use all canaries.
    fn steps(&self) -> Vec<String> {
        let mut steps = vec![named(CONTROL_NAME, "get = '/cookies'")];
        for encoding in ENCODINGS {
            let echo = format!("/echo/{encoding}");
            for (name, step) in OF_ENVIRONMENT {
                let step = step.replace("ENV", &format!("env.{}", variable(name)));
                steps.push(named(
                    &format!("{name} {encoding}"),
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
                    named(&format!("{name} {encoding}"), &step)
                });
            }
            for (number, step) in self.steps_of_variables().into_iter().enumerate() {
                let step = step.replace("ECHO", &echo);
                steps.push(step.replace("NAME", &format!("variable {number} {encoding}")));
            }
        }
        // Responses are truncated at different places of the value.
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

    /// The steps as tasks: `check --try` shows the first requests of each task.
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

    /// Scenario whose setup or `on_start` fails with a secret in the response.
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
