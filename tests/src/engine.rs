//! The engine: calls between components, and components that are replaced
//! while they are in use.

pub(crate) mod calls;
pub(crate) mod hosts;
pub(crate) mod load;
pub(crate) mod swaps;
