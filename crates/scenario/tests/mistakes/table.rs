//! Mistakes, each with a file that makes it.

/// A valid file, except for the inserted text.
pub(crate) fn file(task: &str, rest: &str) -> String {
    format!(
        "[data]\nfruits = [\"apple\"]\nnone = []\n\n[users.visitor]\nwait = \"1s..3s\"\n\n\
         [[users.visitor.tasks]]\n{task}\n\n[profiles.load]\nusers = 10\nduration = \"5m\"\n\n{rest}\n"
    )
}

/// A file with a line on top.
pub(crate) fn top_of(file: &str, line: &str) -> String {
    format!(
        "{line}\n{}",
        file.replace("[data]\nfruits = ", "data.fruits = ")
            .replace("none = []\n", "data.none = []\n")
    )
}

pub(crate) const GET: &str = "get = \"/\"";

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn mistakes() -> Vec<(&'static str, String)> {
    let profile = |text: &str| file(GET, &format!("[profiles.mine]\n{text}"));
    let target = |text: &str| file(GET, &format!("[targets]\n{text}"));
    let top = |text: &str| top_of(&file(GET, ""), text);
    let with_people =
        |task: &str| top_of(&file(task, ""), "data.people = { file = \"people.csv\" }");
    let class = |text: &str| file(GET, &format!("[users.other]\n{text}"));
    vec![
        ("broken_toml", "host = \n".into()),
        (
            "unknown_key",
            file(GET, "hots = 1").replace("[data]", "hots = \"x\"\n[data]"),
        ),
        ("unknown_key_of_a_request", file("gte = \"/\"", "")),
        ("wrong_type", profile("users = \"ten\"\nduration = \"5m\"")),
        ("no_users", "host = \"http://x\"\n".into()),
        (
            "host_without_scheme",
            format!("host = \"localhost\"\n{}", file(GET, "")),
        ),
        (
            "host_with_credentials",
            format!("host = \"http://me:secret@localhost\"\n{}", file(GET, "")),
        ),
        (
            "host_of_another_protocol",
            format!("host = \"ftp://localhost\"\n{}", file(GET, "")),
        ),
        ("connections_unknown", top("connections = \"per-users\"")),
        (
            "connections_shared_by_none",
            top("connections = { shared = 0 }"),
        ),
        ("connections_wrong_table", top("connections = { pool = 5 }")),
        ("http_unknown", top("http = 3")),
        (
            "streams_of_http_1",
            top("connections = { shared = 5, streams = 8 }"),
        ),
        (
            "streams_of_none",
            top("http = \"2\"\nconnections = { shared = 5, streams = 0 }"),
        ),
        (
            "redirect_host_with_a_path",
            top("redirect_hosts = [\"http://a/b\", \"a\"]"),
        ),
        ("timeout_of_nothing", top("timeouts = { tls = \"0s\" }")),
        (
            "certificate_without_a_key",
            top("tls = { certificate = \"c.pem\" }"),
        ),
        ("versions_of_old", top("tls = { versions = [\"1.1\"] }")),
        ("limit_without_a_unit", top("limits = { body = \"10\" }")),
        (
            "two_bodies",
            file("post = \"/\"\njson = 1\nfile = \"a\"", ""),
        ),
        (
            "empty_contains",
            file("get = \"/\"\ncheck = { contains = \"\" }", ""),
        ),
        ("unknown_list", file("get = \"/{{ pick(friuts) }}\"", "")),
        (
            "steps_behind_a_stop",
            file(
                "steps = [{ if = \"1\", steps = [{ stop_user = true }], else = [{ stop_test = true }] }, { get = \"/\" }]",
                "",
            ),
        ),
        (
            "tasks_behind_a_stop",
            file(
                "order = \"sequence\"\ntasks = [{ steps = [{ get = \"/\" }, { stop_user = true }] }, { get = \"/\" }]",
                "",
            ),
        ),
        (
            "concurrent_of_no_classes",
            profile("users = 1\nduration = \"1m\"\nconcurrent = [{ rate = 5 }]"),
        ),
        (
            "concurrent_of_the_same_class",
            profile(
                "classes = [\"visitor\"]\nusers = 1\nduration = \"1m\"\nconcurrent = [{ classes = [\"visitor\"], rate = 5 }]",
            ),
        ),
        (
            "concurrent_of_another_length",
            class(
                "tasks = [{ get = \"/\" }]\n[profiles.mine]\nclasses = [\"visitor\"]\nusers = 1\nduration = \"1m\"\n\
                 concurrent = [{ classes = [\"other\"], rate = 5, duration = \"2m\" }]",
            ),
        ),
        (
            "concurrent_with_targets",
            class(
                "tasks = [{ get = \"/\" }]\n[profiles.mine]\nclasses = [\"visitor\"]\nusers = 1\nduration = \"1m\"\n\
                 concurrent = [{ classes = [\"other\"], rate = 5, targets = [\"p95\"], search = {} }]",
            ),
        ),
        (
            "concurrent_of_an_unknown_class",
            profile(
                "classes = [\"visitor\"]\nusers = 1\nduration = \"1m\"\nconcurrent = [{ classes = [\"vistor\"], rate = 5 }]",
            ),
        ),
        (
            "old_keys",
            file(
                GET,
                "[timeouts]\nwhole = \"1s\"\n[data.x]\nrows = [1]\nused_up = \"stop_user\"\n\
                 [users.other]\nlike = \"visitor\"\n\
                 [profiles.mine]\nduration = \"1m\"\nbeside = []\nsearch = { of = \"users\", limit = \"target\" }",
            ),
        ),
        ("empty_list", file("get = \"/{{ pick(none) }}\"", "")),
        (
            "unknown_function",
            file("get = \"/{{ chose(fruits) }}\"", ""),
        ),
        ("no_call", file("get = \"/{{ fruits }}\"", "")),
        (
            "expression_without_end",
            file("get = \"/{{ pick(fruits)\"", ""),
        ),
        ("range_reversed", file("get = \"/{{ randint(9, 1) }}\"", "")),
        ("no_method", file("name = \"x\"", "")),
        ("two_methods", file("get = \"/\"\npost = \"/\"", "")),
        ("path_without_slash", file("get = \"products\"", "")),
        (
            "header_name",
            file("get = \"/\"\nheaders = { \"a b\" = \"c\" }", ""),
        ),
        (
            "header_of_brunt",
            file("get = \"/\"\nheaders = { Connection = \"c\" }", ""),
        ),
        (
            "header_with_a_line_break",
            file("get = \"/\"\nheaders = { A = \"b\\r\\nC: d\" }", ""),
        ),
        (
            "header_with_a_drawn_line_break",
            file("get = \"/\"\nheaders = { A = \"{{ pick(fruits) }}\" }", "")
                .replace("\"apple\"", "\"a\\r\\nEvil: yes\""),
        ),
        ("status", file("get = \"/\"\ncheck = { status = 20 }", "")),
        (
            "status_class",
            file("get = \"/\"\ncheck = { status = \"2x\" }", ""),
        ),
        ("redirects", file("get = \"/\"\nredirects = 999", "")),
        ("timeout", file("get = \"/\"\ntimeout = \"0s\"", "")),
        ("task_weight", file("get = \"/\"\nweight = -1", "")),
        (
            "no_task_is_ever_chosen",
            file("get = \"/\"\nweight = 0", ""),
        ),
        (
            "steps_beside_a_request",
            file("get = \"/\"\nsteps = [{ get = \"/\" }]", ""),
        ),
        (
            "step_with_a_weight",
            file("steps = [{ get = \"/\", weight = 2 }]", ""),
        ),
        ("class_without_tasks", class("wait = \"1s\"")),
        ("extends_nobody", class("extends = \"vistor\"")),
        (
            "like_each_other",
            class("extends = \"third\"\n[users.third]\nextends = \"other\""),
        ),
        ("wait", class("extends = \"visitor\"\nwait = \"soon\"")),
        (
            "wait_reversed",
            class("extends = \"visitor\"\nwait = \"3s..1s\""),
        ),
        (
            "no_class_has_users",
            file(GET, "").replace("wait =", "weight = 0\nwait ="),
        ),
        ("profile_of_nothing", profile("spawn_rate = 2")),
        (
            "profile_without_users",
            profile("users = 0\nduration = \"5m\""),
        ),
        (
            "profile_named_all",
            file(GET, "[profiles.all]\nusers = 1\nduration = \"1s\""),
        ),
        ("duration", profile("users = 1\nduration = \"5 minuts\"")),
        (
            "spawn_rate",
            profile("users = 1\nduration = \"5m\"\nspawn_rate = 0"),
        ),
        (
            "classes_unknown",
            profile("users = 1\nduration = \"5m\"\nclasses = [\"vistor\"]"),
        ),
        ("rate", profile("rate = \"500/day\"\nduration = \"5m\"")),
        (
            "law",
            profile("rate = \"5/s\"\narrivals = \"poison\"\nduration = \"5m\""),
        ),
        (
            "arrivals_without_a_rate",
            profile("users = 5\narrivals = \"poisson\"\nduration = \"5m\""),
        ),
        (
            "rates_and_users_mixed",
            profile("stages = [{ rate = 5, duration = \"1m\" }, { users = 5, duration = \"1m\" }]"),
        ),
        (
            "spawn_rate_of_a_rate",
            profile("rate = 5\nspawn_rate = 2\nduration = \"5m\""),
        ),
        ("search_without_duration", profile("search = {}")),
        (
            "search_of_nothing_known",
            profile("search = { by = \"requests\" }\nduration = \"5m\""),
        ),
        (
            "search_that_goes_down",
            profile("search = { from = 100, to = 50 }\nduration = \"5m\""),
        ),
        (
            "search_with_stages",
            profile("search = {}\nstages = [{ rate = 5, duration = \"1m\" }]\nduration = \"5m\""),
        ),
        (
            "search_for_no_threshold",
            profile("search = { breaks_at = \"worst\", precision = \"fine\" }\nduration = \"5m\""),
        ),
        ("metric", target("p9x = { target = \"1s\" }")),
        ("threshold_without_unit", target("p95 = { target = 200 }")),
        (
            "threshold_of_another_unit",
            target("memory = { target = \"1s\" }"),
        ),
        (
            "thresholds_out_of_order",
            target("p95 = { target = \"2s\", critical = \"1s\" }"),
        ),
        ("target_without_threshold", target("p95 = {}")),
        (
            "stop_at_no_threshold",
            target("p95 = { critical = \"1s\", stop_at = \"worst\" }"),
        ),
        (
            "stop_at_a_threshold_that_is_not_set",
            target("p95 = { target = \"1s\", acceptable = \"2s\", stop_at = \"critical\" }"),
        ),
        (
            "target_of_an_unknown_request",
            file(GET, "[request_targets.\"/x\"]\np95 = { target = \"1s\" }"),
        ),
        (
            "target_of_a_name_of_two_methods",
            file(
                "steps = [{ get = \"/items\" }, { post = \"/items\" }]",
                "[request_targets.\"/items\"]\np95 = { target = \"1s\" }",
            ),
        ),
        (
            "target_of_a_misspelt_method",
            file(
                GET,
                "[request_targets.\"GTE /\"]\np95 = { target = \"1s\" }",
            ),
        ),
        (
            "target_of_the_set_up",
            file(
                GET,
                "[[setup]]\npost = \"/seed\"\n\n[request_targets.\"/seed\"]\np95 = { target = \"1s\" }",
            ),
        ),
        (
            "cpu_of_a_request",
            file(GET, "[request_targets.\"/\"]\ncpu = { target = \"1%\" }"),
        ),
        ("two_broken_lines", file(GET, "a = 1s\nb = 5m")),
        (
            "single_brackets",
            file(GET, "").replace("[[users.visitor.tasks]]", "[users.visitor.tasks]"),
        ),
        (
            "stage_without_duration",
            profile("stages = [{ users = 1 }, { users = 2, duration = \"1m\" }]"),
        ),
        (
            "class_of_a_text",
            format!("users.other = \"visitor\"\n{}", file(GET, "")),
        ),
        ("number_for_a_text", file("get = 5", "")),
        (
            "wait_without_quotes",
            class("extends = \"visitor\"\nwait = 5"),
        ),
        (
            "mistakes_of_shape_and_of_meaning",
            file(
                "gte = \"products\"\nredirects = \"few\"\nchekc = { status = 20 }",
                "[targets]\np95 = { targt = \"soon\" }\n[profiles.mine]\nuser = 5\nduration = \"1x\"\ncolour = \"red\"",
            ),
        ),
        (
            "unknown_variable",
            file("get = \"/{{ tokn }}\"", "").replace(
                "[users.visitor]\n",
                "[users.visitor]\non_start = [{ set = { token = 1 } }]\n",
            ),
        ),
        (
            "variable_of_another_class",
            class(
                "tasks = [{ get = \"/{{ mine }}\" }]\n[users.third]\ntasks = [{ set = { mine = 1 } }]",
            ),
        ),
        ("jinja_syntax", file("get = \"/{{ 1 + }}\"", "")),
        ("jinja_block", file("get = \"/{% for x in %}\"", "")),
        (
            "jinja_function",
            file("get = \"/{{ chose(fruits) + 1 }}\"", ""),
        ),
        ("arguments", file("get = \"/{{ randint(1) }}\"", "")),
        (
            "misused_function",
            file("get = \"/{{ random_string(-1) }}\"", ""),
        ),
        ("environment", file("get = \"/{{ env.NO_SUCH }}\"", "")),
        (
            "row_that_was_not_drawn",
            with_people("get = \"/{{ people.name }}\""),
        ),
        (
            "missing_column",
            with_people(
                "steps = [{ set = { p = \"{{ next(people) }}\" } }, { get = \"/{{ p.nme }}\" }]",
            ),
        ),
        (
            "missing_column_of_a_draw",
            with_people("get = \"/{{ pick(people).pasword }}\""),
        ),
        ("missing_file", top("data.x = { file = \"nowhere.csv\" }")),
        ("broken_file", top("data.x = { file = \"broken.json\" }")),
        ("unknown_format", top("data.x = { file = \"x.xls\" }")),
        (
            "order_of_rows",
            top("data.x = { rows = [1], order = \"shufled\" }"),
        ),
        (
            "rows_never_used_up",
            top("data.x = { rows = [1], order = \"random\", on_exhausted = \"stop_user\" }"),
        ),
        (
            "delimiter_of_two_characters",
            top("data.x = { file = \"people.csv\", delimiter = \";;\" }"),
        ),
        (
            "delimiter_of_json",
            top("data.x = { file = \"people.json\", delimiter = \";\" }"),
        ),
        (
            "date_in_json",
            file("post = \"/\"\njson = { d = 2024-01-01T00:00:00Z }", ""),
        ),
        (
            "dates_in_a_list",
            file("post = \"/\"\njson = [2024-01-01, 12:30:00]", ""),
        ),
        (
            "date_of_a_duration",
            file(GET, "").replace("\"1s..3s\"", "2024-01-01"),
        ),
        (
            "date_of_a_number",
            profile("users = 2024-01-01\nduration = \"5m\""),
        ),
        ("date_of_a_table", top("timeouts = 2024-01-01")),
        (
            "date_of_a_header",
            file("get = \"/\"\nheaders = { X-Date = 2024-01-01 }", ""),
        ),
        ("date_of_fields", file("get = \"/\"\nquery = 07:32:00", "")),
        ("not_a_number", file("get = \"/\"\nquery = { a = nan }", "")),
        (
            "infinite_number",
            file("post = \"/\"\njson = { a = [-inf] }", ""),
        ),
        (
            "integer_that_is_too_large",
            file("post = \"/\"\njson = { id = 18446744073709551615 }", ""),
        ),
        (
            "integer_that_no_type_holds",
            file(
                "post = \"/\"\njson = { id = 999999999999999999999999999999999999999999 }",
                "",
            ),
        ),
        (
            "integer_too_large_for_its_key",
            profile("users = 99999999999\nduration = \"5m\""),
        ),
        (
            "float_that_is_too_large",
            file("post = \"/\"\njson = { a = 1e400 }", ""),
        ),
        (
            "table_as_a_parameter",
            file("get = \"/\"\nquery = { a = { b = 1 } }", ""),
        ),
        (
            "lists_as_parameters",
            file("post = \"/\"\nform = { a = [[1]] }", ""),
        ),
        (
            "table_as_a_header",
            file("get = \"/\"\nheaders = { X = { b = 1 } }", ""),
        ),
        ("text_as_a_query", file("get = \"/\"\nquery = \"a=1\"", "")),
        ("number_as_headers", file("get = \"/\"\nheaders = 5", "")),
        (
            "part_with_two_contents",
            file(
                "post = \"/\"\nmultipart = { a = { text = \"x\", file = \"people.csv\" } }",
                "",
            ),
        ),
        (
            "part_without_content",
            file("post = \"/\"\nmultipart = { a = { name = \"x\" } }", ""),
        ),
        (
            "parts_in_lists",
            file("post = \"/\"\nmultipart = { a = [[\"x\"]] }", ""),
        ),
        ("choose_nothing", file("choose = []", "")),
        (
            "choose_with_tags",
            file("choose = [{ get = \"/\", tags = [\"a\"] }]", ""),
        ),
        (
            "check_out_of_unknown_data",
            file(
                "check_out = { fruit = \"fruit\" }\nsteps = [{ get = \"/\" }]",
                "",
            ),
        ),
        (
            "check_out_of_empty_data",
            file(
                "check_out = { fruit = \"none\" }\nsteps = [{ get = \"/\" }]",
                "",
            ),
        ),
        (
            "check_out_in_random_order",
            top_of(
                &file("check_out = { y = \"x\" }\nsteps = [{ get = \"/\" }]", ""),
                "data.x = { rows = [1], order = \"random\" }",
            ),
        ),
        (
            "check_out_without_steps",
            file("check_out = { x = \"fruits\" }", ""),
        ),
        (
            "sequence_of_a_variable",
            file("get = \"/{{ seq(x) }}\"", ""),
        ),
        (
            "sequence_that_begins_below_zero",
            file("get = \"/{{ seq('a', -1) }}\"", ""),
        ),
        (
            "sample_that_is_too_large",
            file(
                "get = \"/\"\nquery = { a = \"{{ sample(fruits, 2) }}\" }",
                "",
            ),
        ),
        (
            "two_sources",
            file(
                "get = \"/\"\nextract = { a = { url = true, header = \"X\" } }",
                "",
            ),
        ),
        ("data_without_rows", top("data.x = { order = \"random\" }")),
        (
            "missing_body_file",
            file("post = \"/\"\nmultipart = { a = { file = \"a.gif\" } }", ""),
        ),
        (
            "content_type_of_another_body",
            file(
                "post = \"/\"\nmultipart = { a = \"1\" }\nheaders = { Content-Type = \"application/json\" }",
                "",
            ),
        ),
        (
            "boundary_with_an_expression",
            file(
                "post = \"/\"\nmultipart = { a = \"1\" }\nheaders = { Content-Type = \"multipart/form-data; boundary={{ uuid() }}\" }",
                "",
            ),
        ),
        (
            "key_password_without_a_key",
            top("tls = { key_password = \"secret\" }"),
        ),
        (
            "key_password_of_a_user",
            top(
                "tls = { certificate = \"c.pem\", key = \"k.pem\", key_password = \"{{ uuid() }}\" }",
            ),
        ),
        (
            "json_path",
            file("get = \"/\"\ncheck = { json = { \"items[0]\" = 1 } }", ""),
        ),
        (
            "json_path_that_finds_nothing",
            file("get = \"/\"\nextract = { a = \"$.items[3:1]\" }", ""),
        ),
        (
            "regex",
            file("get = \"/\"\ncheck = { matches = \"(a\" }", ""),
        ),
        (
            "regex_group",
            file(
                "get = \"/\"\nextract = { a = { regex = \"(a)\", group = 2 } }",
                "",
            ),
        ),
        (
            "check_of_a_value",
            file(
                "get = \"/\"\ncheck = { json = { \"$.a\" = { exist = true } } }",
                "",
            ),
        ),
        (
            "check_negated_twice",
            file(
                "get = \"/\"\ncheck = { not = { not = { contains = \"a\" } } }",
                "",
            ),
        ),
        (
            "no_status_left",
            file(
                "get = \"/\"\ncheck = { status = 200, not = { status = \"2xx\" } }",
                "",
            ),
        ),
        ("size", file("get = \"/\"\ncheck = { size = \"10\" }", "")),
        (
            "extract_of_two_things",
            file(
                "get = \"/\"\nextract = { a = { body = true, header = \"b\" } }",
                "",
            ),
        ),
        (
            "take",
            file(
                "get = \"/\"\nextract = { a = { json = \"$.a\", take = \"frist\" } }",
                "",
            ),
        ),
        (
            "name_of_a_variable",
            file("steps = [{ set = { \"a b\" = 1 } }]", ""),
        ),
        (
            "variable_named_like_data",
            file("steps = [{ set = { fruits = 1 } }]", ""),
        ),
        (
            "name_with_an_expression",
            file("get = \"/\"\nname = \"{{ pick(fruits) }}\"", ""),
        ),
        ("auth", file("get = \"/\"\nauth = { password = \"x\" }", "")),
        (
            "several_steps_in_one",
            file("steps = [{ wait = \"1s\", set = { a = 1 } }]", ""),
        ),
        (
            "else_without_if",
            file("steps = [{ wait = \"1s\", else = [{ get = \"/\" }] }]", ""),
        ),
        (
            "request_keys_of_a_wait",
            file("steps = [{ wait = \"1s\", json = 1 }]", ""),
        ),
        (
            "group_without_steps",
            file("steps = [{ group = \"a\" }]", ""),
        ),
        (
            "for_each_of_nothing",
            file(
                "steps = [{ for_each = \"a\", steps = [{ get = \"/\" }] }]",
                "",
            ),
        ),
        (
            "repeat_never",
            file("steps = [{ repeat = 0, steps = [{ get = \"/\" }] }]", ""),
        ),
        (
            "pace_of_a_step",
            file("steps = [{ wait = \"pace(1s)\" }]", ""),
        ),
        (
            "flag_that_is_off",
            file("steps = [{ stop_user = false }]", ""),
        ),
        (
            "order_of_tasks",
            class("extends = \"visitor\"\norder = \"random\""),
        ),
        (
            "order_of_steps",
            file("order = \"sequence\"\nget = \"/\"", ""),
        ),
        (
            "task_of_tasks_and_steps",
            file("tasks = [{ get = \"/\" }]\nsteps = [{ get = \"/\" }]", ""),
        ),
        (
            "group_of_tasks_without_weight",
            file("tasks = [{ get = \"/\", weight = 0 }]", ""),
        ),
        (
            "weight_and_fixed_count",
            class("extends = \"visitor\"\nweight = 1\nfixed_count = 2"),
        ),
        (
            "host_of_a_class",
            class("extends = \"visitor\"\nhost = \"embedded\""),
        ),
        (
            "target_of_an_unknown_group",
            file(GET, "[group_targets.buy]\np95 = { target = \"1s\" }"),
        ),
        (
            "warm_up_of_all",
            profile("users = 1\nduration = \"1m\"\nwarm_up = \"2m\""),
        ),
        (
            "iterations_of_arrivals",
            profile("rate = 1\nduration = \"1m\"\niterations = 5"),
        ),
        (
            "ramp_of_no_steps",
            profile("stages = [{ users = 1, ramp = \"1s\", ramp_steps = 0, duration = \"1m\" }]"),
        ),
        (
            "steps_without_a_ramp",
            profile("stages = [{ users = 1, ramp_steps = 4, duration = \"1m\" }]"),
        ),
        (
            "steps_of_a_spawn_rate",
            profile("stages = [{ users = 9, spawn_rate = 1, ramp_steps = 4, duration = \"1m\" }]"),
        ),
        (
            "profile_with_an_unknown_target",
            profile("users = 1\nduration = \"1m\"\ntargets = [\"p95\"]"),
        ),
        (
            "several_at_once",
            file(
                "get = \"x\"\ntimeout = \"x\"",
                "[targets]\np101 = { target = \"1s\" }",
            ),
        ),
    ]
}
