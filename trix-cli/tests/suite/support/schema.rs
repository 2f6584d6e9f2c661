//! Checks documents that `trix` writes against their schemas.

use jsonschema::Validator;
use serde_json::Value;

use super::trix;

/// The schema that `trix schema` prints for `name`.
pub fn schema(name: &str) -> Validator {
    let schema = trix(&format!("schema {name}"), &[]).done().json();
    jsonschema::validator_for(&schema).expect("a schema")
}

/// Asserts that `document` matches the schema.
pub fn fits(schema: &Validator, document: &Value) {
    let errors: Vec<String> = schema.iter_errors(document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?} in {document:#}");
}
