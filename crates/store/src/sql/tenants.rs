//! The organization and its default workspace.

use portolan_core::{OrgId, Random, UnixMillis, WorkspaceId};
use portolan_tenancy::KeyScope;
use rusqlite::{Connection, OptionalExtension};

use crate::StoreError;

/// The organization and its default workspace, made where they are absent: both or none, whenever the process is killed.
pub(crate) fn ensure_tenants(
    connection: &mut Connection,
    name: &str,
    random: &dyn Random,
    now: UnixMillis,
) -> Result<KeyScope, StoreError> {
    let change = connection.transaction()?;
    let sql = "SELECT organization_id, id FROM workspaces WHERE is_default = 1 ORDER BY created_at LIMIT 1";
    let found = change.query_row(sql, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).optional()?;
    if let Some((org, workspace)) = found {
        return Ok(KeyScope { org: OrgId::from_saved(&org), workspace: WorkspaceId::from_saved(&workspace) });
    }
    let scope = KeyScope { org: OrgId::new(random), workspace: WorkspaceId::new(random) };
    let sql = "INSERT INTO organizations (id, name, created_at) VALUES ($1, $2, $3)";
    change.execute(sql, (scope.org.as_str(), name, now.0))?;
    let sql = "INSERT INTO workspaces (id, organization_id, name, is_default, created_at) VALUES ($1, $2, 'default', 1, $3)";
    change.execute(sql, (scope.workspace.as_str(), scope.org.as_str(), now.0))?;
    change.commit()?;
    Ok(scope)
}
