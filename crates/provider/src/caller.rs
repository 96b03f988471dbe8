//! Who calls a provider. What a link says counts for these calls, and no
//! others.

use wasmcloud_provider_sdk::Context;

/// Who calls: a component, by the name of its link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// The component's id.
    pub component: String,
    /// The link's name, `default` where it has none of its own.
    pub link: String,
}

impl Caller {
    /// A component by its link's name.
    pub fn new(component: impl Into<String>, link: impl Into<String>) -> Self {
        Self {
            component: component.into(),
            link: link.into(),
        }
    }

    /// The one whose call came with this context.
    #[must_use]
    pub fn of(context: Option<&Context>) -> Self {
        let component = context.and_then(|context| context.component.as_deref());
        Self::new(
            component.unwrap_or("<unknown>"),
            context.map_or("default", Context::link_name),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_without_a_link_is_by_the_default_one() {
        assert_eq!(Caller::of(None), Caller::new("<unknown>", "default"));
        let mut context = Context {
            component: Some("email".to_owned()),
            ..Context::default()
        };
        let caller = Caller::of(Some(&context));
        assert_eq!(caller, Caller::new("email", "default"));
        let link = ("link-name".to_owned(), "second".to_owned());
        context.tracing.extend([link]);
        let caller = Caller::of(Some(&context));
        assert_eq!(caller, Caller::new("email", "second"));
    }
}
