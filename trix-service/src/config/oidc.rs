//! Settings of sign-in with an OpenID provider.

use serde::{Deserialize, Serialize};

use crate::catalogue::Role;

/// Settings of sign-in with an OpenID provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oidc {
    /// The URL of the provider, as its ID tokens name it. Empty: only passwords sign in.
    pub issuer: String,
    /// The name of this farm at the provider.
    pub client_id: String,
    /// The secret of this farm at the provider.
    pub client_secret: String,
    /// What the sign-in page calls the provider.
    pub name: String,
    /// What the provider is asked for.
    pub scopes: Vec<String>,
    /// The claim with the name of the user.
    pub name_claim: String,
    /// The claim with the groups of the user: a text, or a list of texts.
    pub role_claim: String,
    /// The groups of each role.
    pub roles: Roles,
}

/// The groups of each role.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Roles {
    /// Groups whose users look at everything.
    pub viewer: Vec<String>,
    /// Groups whose users submit and change jobs.
    pub operator: Vec<String>,
    /// Groups whose users change users, workers, profiles and the notice.
    pub administrator: Vec<String>,
}

impl Default for Oidc {
    fn default() -> Self {
        let texts = |own: &[&str]| own.iter().map(|text| (*text).to_owned()).collect();
        Oidc {
            issuer: String::new(),
            client_id: "trix".into(),
            client_secret: String::new(),
            name: "OpenID".into(),
            scopes: texts(&["openid", "profile", "groups"]),
            name_claim: "preferred_username".into(),
            role_claim: "groups".into(),
            roles: Roles::default(),
        }
    }
}

impl Roles {
    /// The highest role of a user of these groups.
    pub fn of(&self, groups: &[String]) -> Option<Role> {
        let has = |own: &[String]| own.iter().any(|group| groups.contains(group));
        let all = [
            (Role::Administrator, &self.administrator),
            (Role::Operator, &self.operator),
            (Role::Viewer, &self.viewer),
        ];
        all.into_iter().find(|(_, own)| has(own)).map(|(role, _)| role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_role_of_all_groups_counts() {
        let texts = |own: &[&str]| own.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let roles = Roles { viewer: texts(&["staff"]), operator: texts(&["ingest"]), administrator: texts(&["it"]) };
        assert_eq!(roles.of(&texts(&["staff", "ingest"])), Some(Role::Operator));
        assert_eq!(roles.of(&texts(&["it", "staff"])), Some(Role::Administrator));
        assert_eq!(roles.of(&texts(&["guests"])), None);
    }
}
