//! Wire dialects: our canonical form, one folder per dialect, framing. Pure and synchronous.
//!
//! Bytes come in as slices and go out into buffers; nothing here waits, opens a connection or knows
//! which provider it talks to. 2N codecs around one form ([`ir`]), never a translator per pair.
//! `registry` is the only file that matches on a [`portolan_core::Dialect`].

pub mod anthropic;
pub mod classify;
pub mod decoder;
pub mod ir;
pub mod json;
pub mod openai_chat;
pub mod registry;
pub mod relay;
pub mod sse;
pub mod target;
