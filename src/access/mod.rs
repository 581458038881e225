//! Who may do what.

/// Users, roles, keys and sessions.
#[derive(Debug)]
pub struct Access;

/// Signs links that act once.
#[derive(Debug)]
pub struct Links;

/// What a caller may do; a later one may do all that an earlier one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Viewer,
    Operator,
    Admin,
}
