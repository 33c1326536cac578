//! What the fold needs of an entry.

use std::sync::Arc;

use portolan_core::{AccountId, Day, GenerationId, KeyHash, Money, UnixMillis, WorkspaceId};
use portolan_ledger::{End, Entry, Generation};

use crate::JournalError;
use crate::journal::Line;

/// An entry on its way into the journal.
#[derive(Debug)]
pub(crate) enum Encoded {
    /// It opens, or goes on at another endpoint.
    Opened(Line, GenerationId),
    Closed(Box<Row>),
}

/// An entry on its way into the fold.
#[derive(Debug)]
pub(crate) enum Item {
    /// Until it closes, a restart must read the journal from here on.
    Opened(GenerationId),
    Closed(Box<Row>),
}

/// A closed generation: the columns of its row, and its line, of which the stored record is a part.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: GenerationId,
    pub(crate) at: UnixMillis,
    pub(crate) key: KeyHash,
    pub(crate) workspace: WorkspaceId,
    pub(crate) model: Arc<str>,
    pub(crate) provider: Arc<str>,
    pub(crate) end: End,
    pub(crate) simulated: bool,
    pub(crate) cost: Money,
    pub(crate) charge: Money,
    pub(crate) tokens_in: u64,
    pub(crate) tokens_out: u64,
    /// The accounts that the charge is posted to.
    pub(crate) accounts: Vec<AccountId>,
    /// The day that the charge belongs to.
    pub(crate) day: Day,
    line: Line,
}

/// When a generation ended: the moment whose UTC day its charge belongs to.
#[must_use]
pub fn ended_at(generation: &Generation) -> UnixMillis {
    UnixMillis(generation.at.0.saturating_add(i64::from(generation.latency.total_ms)))
}

impl Encoded {
    pub(crate) fn of(entry: &Entry) -> Result<Self, JournalError> {
        let line = Line::encode(entry)?;
        Ok(match entry {
            Entry::Opened(opened) | Entry::Extended(opened) => Encoded::Opened(line, opened.id.clone()),
            Entry::Closed(generation) => Encoded::Closed(Box::new(Row::of(generation, line))),
        })
    }

    pub(crate) fn line(&self) -> &Line {
        match self {
            Encoded::Opened(line, _) => line,
            Encoded::Closed(row) => &row.line,
        }
    }

    pub(crate) fn into_item(self) -> Item {
        match self {
            Encoded::Opened(_, id) => Item::Opened(id),
            Encoded::Closed(row) => Item::Closed(row),
        }
    }
}

impl Row {
    pub(crate) fn of(generation: &Generation, line: Line) -> Self {
        Self {
            id: generation.id.clone(),
            at: generation.at,
            key: generation.key,
            workspace: generation.workspace.clone(),
            model: generation.model.clone(),
            provider: generation.provider.clone(),
            end: generation.end,
            simulated: generation.simulated,
            cost: generation.cost,
            charge: generation.charge,
            tokens_in: generation.usage.prompt_tokens(),
            tokens_out: generation.usage.completion_tokens(),
            accounts: generation.held.iter().map(|(account, _)| *account).collect(),
            day: ended_at(generation).day(),
            line,
        }
    }

    /// The record as JSON.
    pub(crate) fn record(&self) -> &[u8] {
        self.line.record().map_or(&[], |range| &self.line.bytes()[range])
    }
}
