//! Sign-in with an OpenID provider: authorization code with PKCE.
//!
//! 1. The browser goes to the provider with a state, a nonce and the hash of a secret. A cookie binds the state to this browser.
//! 2. The provider sends it back with a code. The state has to be known, of this browser, and unused.
//! 3. The code becomes an ID token, whose signature, issuer, audience, time and nonce are checked.
//! 4. The groups of the user give the role. A user without a known group is refused.

use std::collections::HashMap;

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields, IssuerUrl, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, StandardErrorResponse,
    StandardTokenResponse, TokenResponse, UserInfoClaims,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim,
        CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
        CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
    reqwest,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::IntoParams;

use super::{
    App,
    sign_in::{cookie_of, header_of, session},
};
use crate::{
    catalogue::SignIn,
    config,
    error::{Error, Result},
};

/// The cookie that binds a sign-in to its browser.
const COOKIE: &str = "trix_sign_in";

/// The claims of an ID token beside those of the standard.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Others(HashMap<String, Value>);

impl AdditionalClaims for Others {}

type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type Provider = Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What the provider sends back.
#[derive(Deserialize, IntoParams)]
pub(super) struct Back {
    /// The code that becomes an ID token.
    code: Option<String>,
    /// The state of the sign-in.
    state: Option<String>,
    /// Why the provider refuses.
    error: Option<String>,
    /// The same in words.
    error_description: Option<String>,
}

fn settings(app: &App) -> Result<&config::Oidc> {
    let own = &app.0.config.oidc;
    if own.issuer.is_empty() { Err(Error::Missing("OpenID provider".into())) } else { Ok(own) }
}

fn away(why: impl std::fmt::Display) -> Error {
    Error::Away { part: "OpenID provider", why: why.to_string() }
}

/// What lies at the bottom of an error.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.last().map_or_else(String::new, ToString::to_string)
}

fn http() -> Result<reqwest::Client> {
    // A provider that redirects could send a request elsewhere.
    let own = reqwest::ClientBuilder::new().redirect(reqwest::redirect::Policy::none());
    let own = own.timeout(std::time::Duration::from_secs(5)).build();
    own.map_err(|error| Error::Bug(error.to_string()))
}

async fn provider(app: &App, http: &reqwest::Client) -> Result<Provider> {
    let own = settings(app)?;
    let wrong = |what: &str, error: &dyn std::fmt::Display| Error::invalid(format!("oidc.{what}: {error}"));
    let issuer = IssuerUrl::new(own.issuer.clone()).map_err(|error| wrong("issuer", &error))?;
    let found = CoreProviderMetadata::discover_async(issuer, http).await.map_err(|error| away(cause(&error)))?;
    let secret = (!own.client_secret.is_empty()).then(|| ClientSecret::new(own.client_secret.clone()));
    let back = format!("{}/api/oidc/back", app.0.config.api.page());
    let back = RedirectUrl::new(back).map_err(|error| Error::invalid(format!("api.public_url: {error}")))?;
    Ok(Client::from_provider_metadata(found, ClientId::new(own.client_id.clone()), secret).set_redirect_uri(back))
}

/// Begin to sign in with the OpenID provider: the browser goes there.
#[utoipa::path(get, path = "/api/oidc/start", tag = "users", responses(
    (status = 303, description = "to the provider"), (status = 404, description = "there is none"),
    (status = 503, description = "it does not answer")))]
pub(super) async fn start(State(app): State<App>) -> Result<Response> {
    let provider = provider(&app, &http()?).await?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let mut request = provider.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
    for scope in settings(&app)?.scopes.iter().filter(|scope| *scope != "openid") {
        request = request.add_scope(Scope::new(scope.clone()));
    }
    let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
    let own = SignIn { state: state.into_secret(), nonce: nonce.secret().clone(), verifier: verifier.into_secret() };
    app.0.catalogue.sign_in_begins(&own).await?;
    let is_secure = app.0.config.api.page().starts_with("https:");
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={}; Path=/api/oidc; HttpOnly; SameSite=Lax; Max-Age=600{secure}", own.state);
    redirect(url.as_str(), &[cookie])
}

/// End a sign-in with the OpenID provider: the browser goes to the page, signed in or with the reason why it is not.
#[utoipa::path(get, path = "/api/oidc/back", tag = "users", params(Back), responses((status = 303, description = "to the page")))]
pub(super) async fn back(State(app): State<App>, Query(back): Query<Back>, headers: HeaderMap) -> Result<Response> {
    let done = format!("{COOKIE}=; Path=/api/oidc; HttpOnly; SameSite=Lax; Max-Age=0");
    match finished(&app, back, &headers).await {
        Ok(session) => redirect("/", &[done, session]),
        Err(error) => {
            tracing::warn!(%error, "a sign-in with the OpenID provider is refused");
            let why = match error {
                Error::Unknown => "this sign-in has ended, or did not begin in this browser".to_owned(),
                other => other.to_string(),
            };
            let why: String = url::form_urlencoded::byte_serialize(why.as_bytes()).collect();
            redirect(&format!("/#/refused?why={why}"), &[done])
        }
    }
}

/// The cookie of the session of a user whom the provider has sent back.
async fn finished(app: &App, back: Back, headers: &HeaderMap) -> Result<String> {
    let state = back.state.unwrap_or_default();
    if state.is_empty() || cookie_of(headers, COOKIE).as_deref() != Some(state.as_str()) {
        return Err(Error::Unknown);
    }
    let own = app.0.catalogue.sign_in_ends(&state).await?;
    if let Some(error) = back.error {
        let detail = back.error_description.map_or_else(String::new, |text| format!(": {text}"));
        return Err(Error::Conflict(format!("the OpenID provider refuses: {error}{detail}")));
    }
    let http = http()?;
    let provider = provider(app, &http).await?;
    let code = AuthorizationCode::new(back.code.unwrap_or_default());
    let refused = |error: &(dyn std::error::Error + 'static)| {
        Error::Conflict(format!("the OpenID provider gives no valid ID token: {}", cause(error)))
    };
    let request = provider.exchange_code(code).map_err(|error| refused(&error))?;
    let request = request.set_pkce_verifier(PkceCodeVerifier::new(own.verifier));
    let answer = request.request_async(&http).await.map_err(|error| refused(&error))?;
    let missing = || Error::Conflict("the OpenID provider gives no ID token".into());
    let token = answer.id_token().ok_or_else(missing)?;
    let verifier = provider.id_token_verifier();
    let claims = token.claims(&verifier, &Nonce::new(own.nonce)).map_err(|error| refused(&error))?;
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(|error| refused(&error))?;
        let key = token.signing_key(&verifier).map_err(|error| refused(&error))?;
        let found = AccessTokenHash::from_token(answer.access_token(), algorithm, key);
        if found.map_err(|error| refused(&error))? != *expected {
            return Err(Error::Conflict("the OpenID provider gives an access token of another sign-in".into()));
        }
    }
    let mut all = value_of(claims)?;
    // Some providers tell the groups here only.
    if let Ok(request) = provider.user_info(answer.access_token().clone(), Some(claims.subject().clone())) {
        let found: Result<UserInfoClaims<Others, CoreGenderClaim>, _> = request.request_async(&http).await;
        match found {
            Ok(found) => all.extend(value_of(&found)?),
            Err(error) => tracing::warn!(error = cause(&error), "the OpenID provider tells nothing more of its user"),
        }
    }
    let settings = settings(app)?;
    let no_name = || Error::Conflict(format!("the OpenID provider does not tell {}", settings.name_claim));
    let name = all.get(&settings.name_claim).and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.filter(|name| name.len() <= 100).ok_or_else(no_name)?;
    let groups: Vec<String> = match all.get(&settings.role_claim) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => many.iter().filter_map(|own| own.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    let no_role = || Error::Conflict(format!("{name} is in no group that may use this farm"));
    let role = settings.roles.of(&groups).ok_or_else(no_role)?;
    let user = app.0.catalogue.set_external_user(name, role).await?;
    session(app, &user).await
}

/// All claims, by name.
fn value_of(claims: &impl Serialize) -> Result<serde_json::Map<String, Value>> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(all)) => Ok(all),
        _ => Err(Error::Bug("claims that are no object".into())),
    }
}

fn redirect(to: &str, cookies: &[String]) -> Result<Response> {
    let mut answer = StatusCode::SEE_OTHER.into_response();
    answer.headers_mut().insert(header::LOCATION, header_of(to)?);
    for cookie in cookies {
        answer.headers_mut().append(header::SET_COOKIE, header_of(cookie)?);
    }
    Ok(answer)
}
