//! The names of roles, in bodies, queries and tokens.

use crate::Role;

impl Role {
    /// Every role, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::Admin, Self::Customer];

    /// The role's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Admin => "admin",
        }
    }

    /// The role with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_known_by_its_name_alone() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
        }
        for other in ["", "Admin", "ADMIN", "root"] {
            assert_eq!(Role::parse(other), None, "{other}");
        }
    }
}
