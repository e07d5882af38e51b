//! Fields of a query, a form or the headers whose number depends on expressions: `none` leaves a field out, a list
//! repeats it, and a table stands for several fields.

use serde_json::Value as JsonValue;

use crate::expr::error::EvalError;
use crate::value::Value;

/// Calls a function for each value to send: none for `none`, each item of a list, or the value.
pub(crate) fn each(
    value: &Value,
    mut send: impl FnMut(&Value) -> Result<(), EvalError>,
) -> Result<(), EvalError> {
    let Value::Json(json) = value else {
        return if matches!(value, Value::None | Value::Undefined) {
            Ok(())
        } else {
            send(value)
        };
    };
    let JsonValue::Array(items) = json.as_ref() else {
        return Err(not_scalar(value));
    };
    for item in items.iter().map(Value::of_json) {
        match item {
            Value::None => {}
            Value::Json(_) => return Err(not_scalar(&item)),
            scalar => send(&scalar)?,
        }
    }
    Ok(())
}

fn not_scalar(value: &Value) -> EvalError {
    let start: String = value.json_text().chars().take(80).collect();
    EvalError::Failed(format!(
        "invalid value of a field: must be a string, a number, a boolean or a list of them, not `{start}`; json(x) makes \
         it a string"
    ))
}

/// Names and values of a table of fields.
pub(crate) fn entries(
    table: &Value,
) -> Result<impl Iterator<Item = (&String, &JsonValue)>, EvalError> {
    let entries = match table {
        Value::Json(json) => json.as_object().map(Some),
        Value::None => Some(None),
        _ => None,
    };
    let Some(entries) = entries else {
        let start: String = table.json_text().chars().take(80).collect();
        return Err(EvalError::Failed(format!(
            "invalid fields: must be a table of names and values, not `{start}`"
        )));
    };
    Ok(entries.into_iter().flatten())
}
