//! One file per resource.

pub(crate) mod chat;
pub(crate) mod endpoints;
pub(crate) mod explain;
pub(crate) mod generation;
pub(crate) mod health;
pub(crate) mod key;
pub(crate) mod models;
pub(crate) mod providers;
