//! All SQL: one text for SQLite and PostgreSQL (`$1`, `ON CONFLICT`, `RETURNING`; integers, texts, blobs).

mod accounts;
mod connection;
mod fold;
mod generations;
mod keys;
mod meta;
mod migrate;
mod tenants;

pub(crate) use accounts::{spend, spends};
pub(crate) use connection::{open_reader, open_writer};
pub(crate) use fold::{Cursor, cursor, fold_rows};
pub(crate) use generations::{generation, generations};
pub(crate) use keys::{first_key, insert_key, key, key_page, keys, put_key, save_key, workspace_of};
pub(crate) use meta::{meta, set_meta};
pub(crate) use migrate::{is_current, migrate};
pub(crate) use tenants::ensure_tenants;
