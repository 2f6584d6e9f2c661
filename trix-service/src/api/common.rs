//! What all operations of the API share in its description: sign-in, and how they refuse.

use utoipa::{
    Modify,
    openapi::{
        ContentBuilder, OpenApi, RefOr, ResponseBuilder,
        schema::{ObjectBuilder, Schema, SchemaType, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

/// Adds sign-in and refusals to every operation.
pub(super) struct Common;

/// The name of sign-in with a token.
const TOKEN: &str = "token";
/// What can be asked for without sign-in.
const OPEN: [&str; 5] = ["/api/sign-in", "/api/sign-out", "/api/oidc/", "/healthz", "/readyz"];
/// Statuses of refusals of every operation.
const ALL: [(&str, &str); 4] = [
    ("400", "what was sent cannot be read"),
    ("404", "not found"),
    ("422", "what was sent has mistakes"),
    ("503", "a part of the farm does not answer"),
];
/// Statuses of refusals of operations that need sign-in.
const SIGNED_IN: [(&str, &str); 2] =
    [("401", "nobody is signed in"), ("403", "the role of the user does not allow it")];
/// Statuses of refusals of operations with a body.
const WITH_BODY: [(&str, &str); 3] = [
    ("409", "it cannot be done now"),
    ("413", "the body is too large"),
    ("415", "the body is no JSON by its Content-Type"),
];

impl Modify for Common {
    fn modify(&self, api: &mut OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        api.components.get_or_insert_default().add_security_scheme(TOKEN, scheme);
        for (path, item) in &mut api.paths.paths {
            let is_open = OPEN.iter().any(|open| path.starts_with(open));
            let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                let mut statuses = if path.starts_with("/api/") { ALL.to_vec() } else { Vec::new() };
                if !is_open {
                    statuses.extend(SIGNED_IN);
                    operation.security = Some(vec![SecurityRequirement::new(TOKEN, Vec::<String>::new())]);
                }
                if operation.request_body.is_some() {
                    statuses.extend(WITH_BODY);
                }
                for (status, description) in statuses {
                    let known = operation
                        .responses
                        .responses
                        .entry(status.to_owned())
                        .or_insert_with(|| RefOr::T(ResponseBuilder::new().description(description).build()));
                    if let RefOr::T(response) = known {
                        let content = ContentBuilder::new().schema(Some(document())).build();
                        response.content.entry("application/json".to_owned()).or_insert(content);
                    }
                }
            }
        }
    }
}

/// The error document: its message says what is wrong.
fn document() -> Schema {
    let text = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    let error = ObjectBuilder::new().property("kind", text()).property("stage", text()).property("message", text());
    let error = error.required("kind").required("message");
    let number = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer));
    ObjectBuilder::new().property("trix", number).property("error", error).required("error").into()
}
