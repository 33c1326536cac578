//! `portolan logs show`: the record of one generation.

use http::Method;
use portolan_core::GenerationId;

use super::admin::Admin;
use super::exit::{CliError, ExitCode};
use super::output::Output;
use super::sheet::sheet;

pub(super) async fn show(id: &GenerationId, admin: &Admin, output: Output) -> Result<ExitCode, CliError> {
    let answer = admin.call(Method::GET, &format!("/generations/{id}"), None).await?;
    let record = if answer.value["data"].is_object() { &answer.value["data"] } else { &answer.value };
    output.data(&if output.json { answer.text.clone() } else { sheet(record) })?;
    Ok(ExitCode::Ok)
}
