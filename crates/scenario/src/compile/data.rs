//! Compiles data: lists, tables, and files with the order of their rows.

use std::path::Path;

use crate::data::{Data, DataSource, Format, OnExhausted, Order, Rows};
use crate::expr::function::Function;
use crate::source::diagnostic::{Diagnostic, suggestion};
use crate::source::environment::Environment;
use crate::spec::{DataSpec, DataTable, Json, Spanned, Spec};

/// Compiles the data of a scenario. Errors go to the diagnostics.
pub(crate) fn resolve(
    spec: &Spec,
    folder: &Path,
    environment: &dyn Environment,
    diagnostics: &mut Vec<Diagnostic>,
) -> Data {
    let mut data = Data::default();
    for (name, typed) in &spec.data {
        check_name(name, diagnostics);
        let nothing = DataTable::default();
        let table = match typed.get_ref() {
            DataSpec::List(_) => &nothing,
            DataSpec::Table(table) => table,
        };
        let rows = match (typed.get_ref(), &table.rows, &table.file) {
            (DataSpec::List(list), ..) | (_, Some(list), None) => Some(rows_of(list)),
            (_, None, Some(file)) => rows_of_file(file, table, folder, environment)
                .map_err(|diagnostic| diagnostics.push(diagnostic))
                .ok(),
            _ => {
                diagnostics.push(
                    Diagnostic::new(format!("data `{}` has no rows", name.get_ref()))
                        .at(typed.span(), "here")
                        .help("set either rows = […] or file = \"…\""),
                );
                None
            }
        };
        let of_file = [("format", &table.format), ("delimiter", &table.delimiter)];
        let of_file = of_file.into_iter().filter(|_| table.file.is_none());
        for (key, typed) in of_file.filter_map(|(key, typed)| Some((key, typed.as_ref()?))) {
            diagnostics.push(
                Diagnostic::new(format!("`{key}` without `file`"))
                    .at(typed.span(), "here")
                    .help("remove it, or write file = \"…\" instead of `rows`"),
            );
        }
        let order = order(table.order.as_ref(), diagnostics);
        let on_exhausted = on_exhausted(table.on_exhausted.as_ref(), order, diagnostics);
        data.insert(DataSource {
            name: name.get_ref().clone(),
            rows: rows.unwrap_or_else(|| rows_of(&[])),
            order,
            on_exhausted,
        });
    }
    data
}

fn check_name(name: &Spanned<String>, diagnostics: &mut Vec<Diagnostic>) {
    let text = name.get_ref();
    if text == "env" || Function::named(text).is_some() {
        diagnostics.push(
            Diagnostic::new(format!("invalid name of data `{text}`"))
                .at(name.span(), "here")
                .help("it has another meaning in expressions; choose another name"),
        );
    }
}

fn rows_of(list: &[Spanned<Json>]) -> Rows {
    Rows::Memory(list.iter().map(|item| item.get_ref().to_value()).collect())
}

fn rows_of_file(
    file: &Spanned<String>,
    table: &DataTable,
    folder: &Path,
    environment: &dyn Environment,
) -> Result<Rows, Diagnostic> {
    let path = folder.join(file.get_ref());
    let format = match &table.format {
        Some(typed) => Format::named(typed.get_ref()).ok_or_else(|| {
            Diagnostic::new(format!("unknown data format `{}`", typed.get_ref()))
                .at(typed.span(), "here")
                .help("write \"csv\", \"tsv\", \"json\" or \"jsonl\"")
        })?,
        None => Format::of(&path).ok_or_else(|| {
            Diagnostic::new("unknown file extension")
                .at(file.span(), "here")
                .help("use .csv, .tsv, .json or .jsonl, or add format = \"csv\"")
        })?,
    };
    let format = match (&table.delimiter, format) {
        (None, format) => format,
        (Some(typed), Format::Csv(_)) => Format::Csv(Some(delimiter(typed)?)),
        (Some(typed), _) => {
            return Err(Diagnostic::new("`delimiter` of a file that is not CSV")
                .at(typed.span(), "here")
                .help("remove it"));
        }
    };
    let content = environment.file(&path).map_err(|error| {
        Diagnostic::new(format!("cannot read {}: {error}", path.display()))
            .at(file.span(), "here")
            .help("relative paths start at the scenario's folder")
    })?;
    Rows::of_file(content, format).map_err(|error| {
        Diagnostic::new(format!("cannot read {}: {error}", path.display()))
            .at(file.span(), "here")
            .help("CSV must begin with a row of column names; JSON must be one list; JSON Lines must have a value per line")
    })
}

fn delimiter(typed: &Spanned<String>) -> Result<u8, Diagnostic> {
    match typed.get_ref().as_bytes() {
        [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => Ok(*byte),
        _ => Err(
            Diagnostic::new(format!("invalid delimiter `{}`", typed.get_ref()))
                .at(typed.span(), "here")
                .help("write one character, such as \",\", \";\" or \"\\t\""),
        ),
    }
}

fn order(typed: Option<&Spanned<String>>, diagnostics: &mut Vec<Diagnostic>) -> Order {
    let Some(typed) = typed else {
        return Order::Sequence;
    };
    match typed.get_ref().as_str() {
        "sequence" => Order::Sequence,
        "shuffled" => Order::Shuffled,
        "random" => Order::Random,
        "per_user" => Order::PerUser,
        other => {
            diagnostics.push(
                Diagnostic::new(format!("unknown order `{other}`"))
                    .at(typed.span(), "here")
                    .help(suggestion(
                        other,
                        ["sequence", "shuffled", "random", "per_user"],
                    )),
            );
            Order::Sequence
        }
    }
}

fn on_exhausted(
    typed: Option<&Spanned<String>>,
    order: Order,
    diagnostics: &mut Vec<Diagnostic>,
) -> OnExhausted {
    let Some(typed) = typed else {
        return OnExhausted::StartOver;
    };
    let on_exhausted = match typed.get_ref().as_str() {
        "start_over" => OnExhausted::StartOver,
        "stop_user" => OnExhausted::StopUser,
        "stop_test" => OnExhausted::StopTest,
        other => {
            diagnostics.push(
                Diagnostic::new(format!("unknown `on_exhausted` `{other}`"))
                    .at(typed.span(), "here")
                    .help(suggestion(other, ["start_over", "stop_user", "stop_test"])),
            );
            OnExhausted::StartOver
        }
    };
    if order == Order::Random {
        diagnostics.push(
            Diagnostic::new(
                "`on_exhausted` has no effect: rows in random order are never exhausted",
            )
            .at(typed.span(), "here")
            .help("write order = \"shuffled\" to use each row once, or remove `on_exhausted`"),
        );
    }
    on_exhausted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn list_of_any_values_is_data() {
        let spec: Spec = toml::from_str("[data]\nx = [1, \"a\", { b = [true] }]").expect("TOML");
        let mut diagnostics = Vec::new();
        let data = resolve(
            &spec,
            Path::new(""),
            &crate::source::environment::NoEnvironment,
            &mut diagnostics,
        );
        assert_eq!(diagnostics, []);
        let (_, source) = data.get("x").expect("x");
        let rows = source.in_memory().expect("rows");
        let expected = serde_json::json!([1, "a", {"b": [true]}]);
        assert_eq!(Value::list(rows).to_json(), expected);
    }
}
