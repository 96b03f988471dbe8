//! The fields of an account, as types that cannot be wrong; address and name
//! are in `stoa-domain`.

use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};
use serde_json::Value;
use stoa_kit::form::{self, Errors, wrong_type};
use stoa_kit::{Field, Role};

/// Whether mail to the address is known to reach the owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Verified(pub(crate) bool);

impl Field for Verified {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        bool::read(value, errors).map(Self)
    }
}

/// What somebody may do: each role once, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Roles {
    customer: bool,
    admin: bool,
}

impl Roles {
    /// `None` for no role at all.
    pub(crate) fn new(roles: &[Role]) -> Option<Self> {
        (!roles.is_empty()).then(|| Self {
            customer: roles.contains(&Role::Customer),
            admin: roles.contains(&Role::Admin),
        })
    }

    pub(crate) fn has(self, role: Role) -> bool {
        match role {
            Role::Customer => self.customer,
            Role::Admin => self.admin,
        }
    }

    /// Whether the others have every one of these.
    pub(crate) fn are_all_in(self, others: Self) -> bool {
        Role::ALL
            .iter()
            .all(|role| !self.has(*role) || others.has(*role))
    }

    /// These and one more, where it is not one of them.
    pub(crate) fn and(self, role: Role) -> Self {
        Self {
            customer: self.customer || role == Role::Customer,
            admin: self.admin || role == Role::Admin,
        }
    }

    pub(crate) fn list(self) -> Vec<Role> {
        Role::ALL
            .into_iter()
            .filter(|role| self.has(*role))
            .collect()
    }
}

impl Default for Roles {
    fn default() -> Self {
        Self {
            customer: true,
            admin: false,
        }
    }
}

impl Serialize for Roles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let roles = self.list();
        let mut array = serializer.serialize_seq(Some(roles.len()))?;
        for role in roles {
            array.serialize_element(role.name())?;
        }
        array.end()
    }
}

/// One of the roles in a body.
struct Named(Role);

impl Field for Named {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let Value::String(name) = value else {
            return wrong_type(value, "a string", errors);
        };
        match Role::parse(name) {
            Some(role) => Some(Self(role)),
            None => errors.refuse("value", "must be customer or admin"),
        }
    }
}

impl Field for Roles {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let named: Vec<Named> = form::list(value, Role::ALL.len(), errors)?;
        let roles: Vec<_> = named.into_iter().map(|named| named.0).collect();
        let Some(read) = Self::new(&roles) else {
            return errors.refuse("length", "must have at least one role");
        };
        if read.list().len() < roles.len() {
            return errors.refuse("repeated", "must have each role once");
        }
        Some(read)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stoa_fixtures::field_code as code;

    use super::*;

    #[test]
    fn verified_is_yes_or_no() {
        assert_eq!(code::<Verified>(&json!(true)), "ok");
        assert_eq!(code::<Verified>(&json!("true")), "type");
        assert_eq!(json!(Verified(true)), json!(true));
    }

    #[test]
    fn roles_are_a_set_of_at_least_one() {
        assert_eq!(code::<Roles>(&json!(["customer"])), "ok");
        assert_eq!(code::<Roles>(&json!(["admin", "customer"])), "ok");
        assert_eq!(code::<Roles>(&json!([])), "length");
        assert_eq!(code::<Roles>(&json!(["admin", "admin"])), "repeated");
        assert_eq!(
            code::<Roles>(&json!(["admin", "customer", "admin"])),
            "length"
        );
        assert_eq!(code::<Roles>(&json!(["root"])), "value");
        assert_eq!(code::<Roles>(&json!(["Admin"])), "value");
        assert_eq!(code::<Roles>(&json!([1])), "type");
        assert_eq!(code::<Roles>(&json!("admin")), "type");
    }

    #[test]
    fn roles_are_shown_in_one_order() {
        let read = |roles: Value| Roles::read(&roles, &mut Errors::default()).unwrap();
        let both = read(json!(["customer", "admin"]));
        assert_eq!(json!(both), json!(["admin", "customer"]));
        assert_eq!(both, read(json!(["admin", "customer"])));
        assert_eq!(both, Roles::default().and(Role::Admin));
        assert_eq!(json!(Roles::default()), json!(["customer"]));
        assert_eq!(json!(read(json!(["admin"]))), json!(["admin"]));
        assert_eq!(Roles::new(&[]), None);
    }
}
