//! Logins: how often the users of an open load play `on_start` at most, said before the load is made.

use crate::plan::Plan;
use crate::profile::users_in;

/// What is said of the users of open loads that have something to do before their tasks: how many start at most.
/// `None` if there are none.
pub fn logins_in_words(plan: &Plan) -> Option<String> {
    let (mut users, mut times) = (0u64, 0u64);
    for (load, cast) in plan.load.parts().zip(&plan.casts) {
        let classes = plan.classes[cast.classes.clone()].iter();
        let starts = classes.filter(|class| !class.on_start.is_empty()).count() as u64;
        if load.open.is_some() && starts > 0 {
            let pool = u64::from(users_in(load));
            users += pool;
            times += pool * starts;
        }
    }
    let in_all = match times {
        0 => return None,
        times if times == users => String::new(),
        times => format!(" of each class ({times} times at most)"),
    };
    Some(format!(
        "users start as arrivals need them, {users} at most; each plays on_start{in_all} before its first task"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Overrides, Scenario};

    fn words(on_start: [&str; 2], profile: &str) -> Option<String> {
        let [one, other] = on_start;
        let text = format!(
            "[users.a]\n{one}\n[[users.a.tasks]]\nget = \"/\"\n[users.b]\n{other}\n[[users.b.tasks]]\nget = \"/\"\n\
             [profiles.p]\nduration = \"10m\"\n{profile}\n[targets]\np95 = {{ critical = \"1s\" }}\n"
        );
        let scenario = Scenario::read("p.toml", &text).unwrap();
        let plan = Plan::new(&scenario, "p", &Overrides::default(), &[]).unwrap();
        logins_in_words(&plan)
    }

    #[test]
    fn open_loads_say_how_often_their_users_log_in_at_most() {
        let login = "on_start = [{ post = \"/login\" }]";
        for (on_start, profile, expected) in [
            (["", ""], "search = {}", None),
            ([login, login], "users = 20", None),
            (
                [login, ""],
                "search = {}",
                Some(
                    "users start as arrivals need them, 4000 at most; each plays on_start before its first task",
                ),
            ),
            (
                [login, login],
                "search = {}",
                Some(
                    "users start as arrivals need them, 4000 at most; each plays on_start of each class (8000 times \
                     at most) before its first task",
                ),
            ),
            (
                [login, ""],
                "rate = 50\nusers = 30",
                Some(
                    "users start as arrivals need them, 30 at most; each plays on_start before its first task",
                ),
            ),
        ] {
            let found = words(on_start, profile);
            assert_eq!(found.as_deref(), expected, "{on_start:?} {profile}");
        }
    }
}
