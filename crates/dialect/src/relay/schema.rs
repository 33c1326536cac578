//! Whether arguments fit the schema of their tool: JSON Schema, draft 7, as far as tools commonly use it.
//!
//! What is found unfit is unfit by draft 7. The reverse does not hold: keywords that are not looked at (`pattern`, `not`, `if`, `format`
//! and the like) reject nothing, `oneOf` is read as `anyOf`, and references lead nowhere outside the schema. A schema is a caller's text,
//! so the work is bounded: where it ends, everything fits.

use serde_json::{Map, Value};

/// References may nest without end.
const DEPTH_MAX: u32 = 64;
/// A longer reference is not followed.
const REFERENCE_BYTES_MAX: usize = 256;

/// The work that one answer is worth, whatever the number of its calls.
#[derive(Debug)]
pub(super) struct Budget {
    /// How much of schemas is read.
    bytes: usize,
    /// How many pairs of a schema and a value, and how many names and constants, are looked at.
    steps: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bytes: 256 * 1024, steps: 20_000 }
    }
}

impl Budget {
    /// Whether arguments, as JSON text, fit a schema. So they do where one of the two cannot be read.
    pub(super) fn fits(&mut self, schema: &[u8], arguments: &str) -> bool {
        let Some(left) = self.bytes.checked_sub(schema.len()) else { return true };
        self.bytes = left;
        let (Ok(schema), Ok(arguments)) = (serde_json::from_slice(schema), serde_json::from_str(arguments)) else { return true };
        self.is_fit(&schema, &arguments)
    }

    fn is_fit(&mut self, schema: &Value, value: &Value) -> bool {
        Check { root: schema, steps: &mut self.steps, depth: 0 }.fits(schema, value).unwrap_or(true)
    }
}

struct Check<'s, 'b> {
    root: &'s Value,
    /// Those that are left.
    steps: &'b mut usize,
    depth: u32,
}

/// `None`: the work that is allowed was done before there was an answer.
type Verdict = Option<bool>;

impl<'s> Check<'s, '_> {
    fn fits(&mut self, schema: &'s Value, value: &Value) -> Verdict {
        self.step(1)?;
        let Value::Object(schema) = schema else { return Some(*schema != Value::Bool(false)) };
        self.depth += 1;
        let verdict = if self.depth > DEPTH_MAX { None } else { self.rules(schema, value) };
        self.depth -= 1;
        verdict
    }

    fn rules(&mut self, schema: &'s Map<String, Value>, value: &Value) -> Verdict {
        // In draft 7 nothing beside a reference counts.
        if let Some(reference) = schema.get("$ref") {
            let text = reference.as_str().filter(|text| text.len() <= REFERENCE_BYTES_MAX);
            let target = text.and_then(|text| self.root.pointer(text.strip_prefix('#')?));
            return target.map_or(Some(true), |target| self.fits(target, value));
        }
        Some(
            has_type(schema, value)
                && self.is_one_of(schema, value)?
                && self.combined(schema, value)?
                && match value {
                    Value::Object(members) => self.object(schema, members)?,
                    Value::Array(items) => self.array(schema, items)?,
                    Value::Number(_) => within(schema, ["minimum", "maximum"], value.as_f64()),
                    _ => true,
                },
        )
    }

    fn is_one_of(&mut self, schema: &Map<String, Value>, value: &Value) -> Verdict {
        let constants = schema.get("enum").and_then(Value::as_array);
        self.step(constants.map_or(0, Vec::len))?;
        let is_listed = constants.is_none_or(|all| all.iter().any(|one| same(one, value)));
        Some(is_listed && schema.get("const").is_none_or(|one| same(one, value)))
    }

    fn combined(&mut self, schema: &'s Map<String, Value>, value: &Value) -> Verdict {
        for one in list(schema, "allOf") {
            if !self.fits(one, value)? {
                return Some(false);
            }
        }
        for word in ["anyOf", "oneOf"] {
            let mut fits = list(schema, word).is_empty();
            for one in list(schema, word) {
                fits = fits || self.fits(one, value)?;
            }
            if !fits {
                return Some(false);
            }
        }
        Some(true)
    }

    fn object(&mut self, schema: &'s Map<String, Value>, members: &Map<String, Value>) -> Verdict {
        let required = list(schema, "required");
        self.step(required.len())?;
        if required.iter().filter_map(Value::as_str).any(|name| !members.contains_key(name)) {
            return Some(false);
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties").filter(|_| !schema.contains_key("patternProperties"));
        for (name, value) in members {
            self.step(1)?;
            if let Some(own) = properties.and_then(|all| all.get(name)).or(others)
                && !self.fits(own, value)?
            {
                return Some(false);
            }
        }
        Some(true)
    }

    fn array(&mut self, schema: &'s Map<String, Value>, items: &[Value]) -> Verdict {
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 items")]
        if !within(schema, ["minItems", "maxItems"], Some(items.len() as f64)) {
            return Some(false);
        }
        // Later drafts know `prefixItems`, after which `items` means the rest.
        let Some(own) = schema.get("items").filter(|own| !own.is_array() && !schema.contains_key("prefixItems")) else { return Some(true) };
        for item in items {
            if !self.fits(own, item)? {
                return Some(false);
            }
        }
        Some(true)
    }

    fn step(&mut self, steps: usize) -> Option<()> {
        let left = self.steps.checked_sub(steps);
        *self.steps = left.unwrap_or(0);
        left.map(drop)
    }
}

fn has_type(schema: &Map<String, Value>, value: &Value) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => is(name, value),
        Some(Value::Array(names)) => names.iter().any(|name| name.as_str().is_none_or(|name| is(name, value))),
        _ => true,
    }
}

/// Whether a value is of the type. Anything is of a type that nobody knows.
fn is(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    }
}

/// Whether two values are the same to draft 7, for which 1 and 1.0 are.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b))),
        _ => a == b,
    }
}

fn within(schema: &Map<String, Value>, [least, most]: [&str; 2], found: Option<f64>) -> bool {
    let bound = |name| schema.get(name).and_then(Value::as_f64);
    found.is_none_or(|found| bound(least).is_none_or(|least| found >= least) && bound(most).is_none_or(|most| found <= most))
}

fn list<'s>(schema: &'s Map<String, Value>, name: &str) -> &'s [Value] {
    schema.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests;
