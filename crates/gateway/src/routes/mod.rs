//! One file per resource.

pub(crate) mod chat;
pub(crate) mod endpoints;
pub(crate) mod explain;
pub(crate) mod generation;
pub(crate) mod health;
pub(crate) mod key;
mod listing;
pub(crate) mod media;
pub(crate) mod models;
pub(crate) mod pages;
pub(crate) mod providers;
