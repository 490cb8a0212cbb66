//! Canonical JSON: one byte sequence per value, so that equal inputs give equal bytes and equal digests.
//!
//! RFC 8785 restricted to what the format needs: keys sorted by bytes (all keys are ASCII), no white space, integers
//! only, shortest escapes, no final line break. Deliberately not here: floating-point numbers (they are an error).

use serde::Serialize;
use serde_json::Value;

/// Writes a value in canonical form. `docs/formats/bundle-v1.md` §3.1.
///
/// # Errors
/// When the value has a fractional number, or does not serialise.
pub fn canonical_json<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let value = serde_json::to_value(value)?;
    let mut out = Vec::new();
    write(&value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => serde_json::to_writer(&mut *out, value)?,
        Value::Number(number) => {
            if number.is_f64() {
                return Err(serde::ser::Error::custom("canonical JSON has no fractional numbers"));
            }
            serde_json::to_writer(&mut *out, number)?;
        }
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            // Sorted here and not left to the map type: a feature of the JSON crate may make it keep insertion order.
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
            out.push(b'{');
            for (index, (key, item)) in fields.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                serde_json::to_writer(&mut *out, key)?;
                out.push(b':');
                write(item, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_nothing_is_padded() {
        let value = serde_json::json!({"b": [1, {"d": "x\n", "c": null}], "a": true});
        assert_eq!(canonical_json(&value).unwrap(), br#"{"a":true,"b":[1,{"c":null,"d":"x\n"}]}"#);
    }

    #[test]
    fn fractions_are_refused() {
        assert!(canonical_json(&serde_json::json!({"a": 0.5})).is_err());
    }
}
