//! What the docs say of a field: the rows of the tables in `docs/scenario.md`.

/// The page.
const PAGE: &str = include_str!("../../../../docs/scenario.md");

/// The headings of the sections with the tables of a type.
const SECTIONS: &[(&str, &str)] = &[
    ("Spec", "Top level"),
    ("TimeoutsSpec", "Top level"),
    ("LimitsSpec", "Top level"),
    ("TlsSpec", "TLS"),
    ("ClassSpec", "User classes"),
    ("StepSpec", "User classes"),
    ("StepSpec", "Steps"),
    ("StepSpec", "Requests"),
    ("FilePartSpec", "Parts of a body"),
    ("AuthSpec", "Requests"),
    ("CheckSpec", "Checks"),
    ("ExtractTable", "Extraction"),
    ("DataTable", "Data"),
    ("ProfileSpec", "Profiles"),
    ("StageSpec", "Profiles"),
    ("SearchSpec", "Searches"),
    ("TargetSpec", "Targets"),
    ("VerdictSpec", "Verdict"),
];

/// What a field of a type is, as the docs have it.
pub(super) fn of(kind: &str, field: &str) -> Option<String> {
    let sections = SECTIONS.iter().filter(|(known, _)| *known == kind);
    let mut found = sections.filter_map(|(_, heading)| within(heading, field));
    found.next()
}

/// What the tables of one section say of a field.
fn within(heading: &str, field: &str) -> Option<String> {
    let section = PAGE.split("\n## ").flat_map(|part| part.split("\n### "));
    let section = section
        .into_iter()
        .find(|section| section.lines().next() == Some(heading))?;
    let rows = section.lines().filter(|line| line.starts_with('|'));
    let own = format!("`{field}`");
    let table = format!("`[{field}]`");
    let tables = [format!("`[[{field}]]`"), format!("`[{field}.")];
    // A row of its own, or else one that speaks of it.
    let names = |row: &&str| {
        let key = row.split('|').nth(1).unwrap_or_default();
        let is_table =
            key.contains(&table) || tables.iter().any(|table| key.contains(table.as_str()));
        is_table || key.contains(&own) || key.contains(&format!(".{field}]]`"))
    };
    let set = format!("{field} = ");
    let speaks = |row: &&str| row.contains(&own) || row.contains(&set);
    let row = rows
        .clone()
        .find(names)
        .or_else(|| rows.clone().find(speaks))?;
    let cells: Vec<&str> = row
        .split(" | ")
        .map(|cell| cell.trim_matches(['|', ' ']))
        .collect();
    let what = cells.get(1)?.trim();
    let default = cells
        .get(2)
        .map(|cell| cell.trim())
        .filter(|cell| !cell.is_empty());
    Some(match default {
        Some(default) => without_links(&format!("{what} (default: {default})")),
        None => without_links(what),
    })
}

/// The words of links, without where they lead.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((words, (_, after))) = rest
        .split_once("](")
        .and_then(|(words, rest)| Some((words, rest.split_once(')')?)))
    {
        let (before, words) = words.rsplit_once('[').unwrap_or(("", words));
        plain += before;
        plain += words;
        rest = after;
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_words() {
        let text = "see [layers](#layers), `[a]` and [http](http.md)";
        assert_eq!(without_links(text), "see layers, `[a]` and http");
    }
}
