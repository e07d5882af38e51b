//! Compiled expressions have the same results as Jinja, with the same random numbers.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::data::Data;
use crate::expr::context::RecentSecrets;
use crate::expr::expression::Compiled;
use crate::expr::parser::Resolver;
use crate::expr::secrets::SecretNames;
use crate::expr::variables::Variables;
use crate::source::environment::NoEnvironment;
use crate::spec::Spec;

const DATA: &str = "[data]\nfruits = [\"apple\", \"pear\", 3, 2.5, true]\nshares = [1, 0, 2.5, 1, 1]\n\
                    rows = [{ name = \"a\", n = 1 }, { name = \"b\", n = 2 }]\n";

fn data() -> Data {
    let spec: Spec = toml::from_str(DATA).expect("TOML");
    let data = crate::compile::data::resolve(&spec, Path::new(""), &NoEnvironment, &mut Vec::new());
    assert!(data.get("rows").is_some());
    data
}

/// Results of an expression evaluated a few times, and the state of the random numbers afterward.
fn values(text: &str, seed: u64) -> (Vec<Result<Value, EvalError>>, Xoshiro256PlusPlus, bool) {
    let data = data();
    let (mut variables, mut secrets) = (Variables::default(), SecretNames::default());
    let compiled = Resolver {
        data: &data,
        variables: &mut variables,
        environment: &NoEnvironment,
        secrets: &mut secrets,
    }
    .condition(text, &(0..0))
    .unwrap_or_else(|diagnostic| panic!("{text}: {diagnostic}"));
    let names = ["word", "number", "row"];
    let known = serde_json::json!(["a \"b\" é", 7, {"x": [1, {"y": "z"}], "n": null}]);
    let mut ids = vec![Value::Undefined; variables.names().count()];
    for (name, value) in names.iter().zip(known.as_array().expect("a list")) {
        let id = variables.use_at(name, &(0..0));
        ids.resize(variables.names().count().max(ids.len()), Value::Undefined);
        ids[id.index()] = Value::of_json(value);
    }
    let share = crate::expr::context::DataShard {
        first: 0,
        stride: 1,
    };
    let now = || jiff::Timestamp::from_second(1_700_000_000).expect("in the calendar");
    let shared = Rc::new(SharedData::new(data.into_sources(), share, seed, now));
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut eval_context = EvalContext {
        random: &mut random,
        variables: &ids,
        shared: &shared,
        user: 3,
        recent_secrets: &mut RecentSecrets::default(),
    };
    let given = (0..5)
        .map(|_| compiled.evaluate(&mut eval_context))
        .collect();
    (given, random, matches!(compiled, Compiled::Jinja(_)))
}

/// The same expression in brackets, which only Jinja evaluates.
fn for_jinja(text: &str) -> String {
    format!("({text})")
}

fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("pick(fruits)".to_owned()),
        Just("pick(rows).name".to_owned()),
        Just("next(rows).n".to_owned()),
        Just("next(fruits)".to_owned()),
        Just("pick_weighted(fruits, shares)".to_owned()),
        Just("uuid()".to_owned()),
        Just("seq()".to_owned()),
        Just("seq('a')".to_owned()),
        Just("seq('b', 7)".to_owned()),
        Just("user_number()".to_owned()),
        Just("sample(fruits, 2)".to_owned()),
        Just("now()".to_owned()),
        Just("now('%H:%M', '-90m')".to_owned()),
        Just("word".to_owned()),
        Just("number".to_owned()),
        Just("row.x[1].y".to_owned()),
        Just("row['x'][-1]".to_owned()),
        Just("row.n".to_owned()),
        Just("none".to_owned()),
        Just("true".to_owned()),
        Just("'it''s'".replace("''", "")),
        (-50i64..50, 0i64..100).prop_map(|(low, more)| format!("randint({low}, {})", low + more)),
        (-50i32..50, 0i32..100).prop_map(|(low, more)| {
            let (low, high) = (f64::from(low) / 4.0, f64::from(low + more) / 4.0);
            format!("uniform({low}, {high})")
        }),
        (0i32..50).prop_map(|mean| format!("normal({mean}, 2.5)")),
        (0i32..20).prop_map(|length| format!("random_string({length})")),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|text| format!("base64({text})")),
            inner.clone().prop_map(|text| format!("sha256({text})")),
            inner.clone().prop_map(|text| format!("urlencode({text})")),
            inner.clone().prop_map(|text| format!("json({text})")),
            (inner.clone(), inner).prop_map(|(key, text)| format!("hmac_sha256({key}, {text})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn compiled_and_jinja_give_the_same(text in expressions(), seed: u64) {
        let (compiled, random, by_jinja) = values(&text, seed);
        prop_assert!(!by_jinja, "{} is compiled", text);
        let (played, random_of_jinja, by_jinja) = values(&for_jinja(&text), seed);
        prop_assert!(by_jinja, "{} is not compiled", text);
        prop_assert_eq!(&compiled, &played, "{}", text);
        prop_assert_eq!(random, random_of_jinja, "{} draws the same", text);
    }
}

#[test]
fn expressions_for_jinja_only_are_evaluated_and_draw() {
    let given = |text: &str| values(text, 3).0[0].clone().map(|value| value.to_json());
    let cases = [
        ("number * 2 + 1", serde_json::json!(15)),
        ("word | upper | replace(' ', '-')", "A-\"B\"-É".into()),
        ("'yes' if number > 5 else 'no'", "yes".into()),
        ("row.x | length", 2.into()),
        ("[number, word][0]", 7.into()),
        ("{'a': number}", serde_json::json!({"a": 7})),
        ("missing | default(4)", 4.into()),
        ("rows | map(attribute='name') | join('+')", "a+b".into()),
        ("range(3) | list", serde_json::json!([0, 1, 2])),
        ("word | base64", "YSAiYiIgw6k=".into()),
        ("row.x[:1]", serde_json::json!([1])),
        ("row.n is not none", false.into()),
        ("row.n is not none", false.into()),
        ("row.n and row.n <= number", serde_json::Value::Null),
        ("word == word and number < 0", false.into()),
    ];
    for (text, expected) in cases {
        assert_eq!(given(text), Ok(expected), "{text}");
    }
    let drawn = values("[randint(1, 1000000), pick(fruits)] | length", 3).0;
    assert_eq!(drawn[0], Ok(Value::Integer(2)));
}

#[test]
fn failed_evaluation_names_the_reason() {
    for (text, part) in [
        ("number.x.y", "no `x` in"),
        ("missing", "variable `missing` is not set"),
        ("missing + 1", "undefined"),
        ("row.nothing", "no `nothing` in"),
        ("number / 0", "7 / 0"),
        ("randint(number, 1)", "lower one first"),
        ("(randint(number, 1))", "lower one first"),
    ] {
        match &values(text, 1).0[0] {
            Err(EvalError::Failed(error)) => assert!(error.contains(part), "{text}: {error}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn endless_loop_is_aborted() {
    let program = Unresolved::text(
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
    );
    let program = Arc::new(
        program
            .expect("Jinja")
            .resolve(Vec::new(), Vec::new(), false),
    );
    let shared = Rc::new(SharedData::empty());
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut eval_context = EvalContext {
        random: &mut random,
        variables: &[],
        shared: &shared,
        user: 3,
        recent_secrets: &mut RecentSecrets::default(),
    };
    match program.evaluate(&mut eval_context) {
        Err(EvalError::Failed(error)) => assert!(error.contains("fuel"), "{error}"),
        other => panic!("{other:?}"),
    }
}
