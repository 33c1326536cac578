//! The behaviour of a store, on every engine; and what only files can show: torn writes, crashes, `kill -9`.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod behaviour;
mod crash;
mod fixture;
mod gather;
mod killed;

store_suite!(sqlite, crate::fixture::sqlite);
