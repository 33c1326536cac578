//! The command line: what is asked for, by whom it is done, how the result is printed.
//!
//! Standard output carries data, standard error messages. Commands about a running server speak HTTP
//! over its admin socket; without a server the same requests run in process, on what [`Host`] opens.
//! This module knows no store and no engine.

mod admin;
mod args;
mod banner;
mod catalog;
mod config;
mod exit;
mod explain;
mod first_run;
mod host;
mod json;
mod keys;
mod logs;
mod output;
mod run;
mod sheet;
mod verify;

pub(crate) use banner::{Banner, BannerProvider, curl};
pub(crate) use exit::{CliError, ExitCode};
pub(crate) use first_run::{FirstRun, write_first_run};
pub(crate) use host::{Host, Start};
pub(crate) use output::say;
pub(crate) use run::main;
