//! The simulator from outside: raw bytes over a TCP connection and over a duplex stream.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "also what only serves the tests may fail loudly")]

mod accounting;
mod anthropic;
mod checks;
mod client;
mod faults;
mod openai_chat;
mod recordings;
