//! What a restart does: fold what is not folded, and close what a crash left open.

use std::collections::HashMap;

use portolan_core::{GenerationId, Money, Preferences, Usage, WorkspaceId};
use portolan_ledger::{App, Attempt, End, Entry, Flags, Generation, Latency, Opened, charge};

use super::Worker;
use super::worker::parse;
use crate::journal::{Line, Position, Segments, Tail, read, segment_path, segments};
use crate::sql::workspace_of;
use crate::{Options, StoreError};

/// Folds the journal to its end and charges the orphans. Answers the journal, open for writing, and the orphans.
pub(crate) fn recover(worker: &mut Worker, options: &Options) -> Result<(Segments, Vec<Generation>), StoreError> {
    let mut open = HashMap::new();
    let end = replay(worker, &mut open)?;
    let end = beyond_loss(worker, end);
    let mut segments = Segments::open(worker.journal(), end, options.segment_bytes_max, options.durability)?;
    worker.skip_to(end);
    worker.commit()?;
    let orphans = close(worker, &mut segments, open)?;
    worker.retire()?;
    Ok((segments, orphans))
}

/// Every attempt of the generations that are open at the end of the journal.
type Open = HashMap<GenerationId, Vec<Opened>>;

fn replay(worker: &mut Worker, open: &mut Open) -> Result<Position, StoreError> {
    let cursor = worker.cursor();
    let journal = worker.journal().to_owned();
    let there = segments(&journal)?;
    if there.is_empty() && cursor.folded == Position::START {
        return Ok(Position::START);
    }
    if there.binary_search(&cursor.folded.segment).is_err() {
        let path = segment_path(&journal, cursor.folded.segment);
        return Err(StoreError::Corrupt { path, offset: 0, problem: "the file is missing".to_owned() });
    }
    read(&journal, cursor.oldest, Tail::Repair, |from, end, line| {
        let entry = parse(&journal, from, &line)?;
        match &entry {
            Entry::Opened(attempt) | Entry::Extended(attempt) => open.entry(attempt.id.clone()).or_default().push(attempt.clone()),
            Entry::Closed(generation) => drop(open.remove(&generation.id)),
        }
        if from < cursor.folded {
            worker.track(&entry, from);
            return Ok(());
        }
        worker.replay(entry, line, from, end)
    })
}

/// After a power loss the database may know more of the journal than the disk kept. What is folded stays
/// folded, and the journal goes on in a new segment, for no position may ever mean two things.
fn beyond_loss(worker: &Worker, end: Position) -> Position {
    let folded = worker.cursor().folded;
    if end >= folded {
        return end;
    }
    tracing::warn!(journal.folded = ?folded, journal.end = ?end, "the end of the journal was lost after it was folded; it goes on in a new segment");
    Position { segment: folded.segment.max(end.segment) + 1, offset: 0 }
}

fn close(worker: &mut Worker, segments: &mut Segments, open: Open) -> Result<Vec<Generation>, StoreError> {
    let mut open: Vec<_> = open.into_iter().collect();
    open.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let mut orphans = Vec::with_capacity(open.len());
    for (id, attempts) in open {
        let Some(last) = attempts.last() else { continue };
        let workspace = workspace_of(worker.connection(), &last.key)?.unwrap_or_else(|| WorkspaceId::from_saved(""));
        let entry = Entry::Closed(Box::new(orphan(id, workspace, &attempts, last)));
        let line = Line::encode(&entry)?;
        let from = segments
            .write(line.bytes())
            .map_err(|e| StoreError::file("write", &segment_path(worker.journal(), segments.end().segment), e))?;
        let Entry::Closed(generation) = &entry else { continue };
        tracing::warn!(generation.id = %generation.id, generation.charge = %generation.charge, "a generation was open when the process ended: its hold is charged");
        orphans.push((**generation).clone());
        worker.replay(entry, line, from, segments.end())?;
    }
    worker.commit()?;
    Ok(orphans)
}

/// The record of a generation that a crash left open: charged what was held, for the provider may have served it all.
fn orphan(id: GenerationId, workspace: WorkspaceId, attempts: &[Opened], last: &Opened) -> Generation {
    // Accounts that are kept strictly hold more than others; a generation has one charge, and it must cover the worst.
    let held = last.held.iter().map(|(_, amount)| *amount).max().unwrap_or(Money::ZERO);
    let charge = charge(End::Orphaned, Money::ZERO, held);
    Generation {
        id,
        at: last.at,
        key: last.key,
        workspace,
        requested: attempts.iter().take(1).map(|a| a.model.to_string()).collect(),
        model: last.model.clone(),
        provider: last.provider.clone(),
        endpoint: last.endpoint.clone(),
        stream: false,
        simulated: last.simulated,
        end: End::Orphaned,
        status: 499,
        finish: None,
        native_finish: None,
        attempts: attempts.iter().map(attempt).collect(),
        needs: Default::default(),
        preferences: Preferences::default(),
        candidates: Vec::new(),
        epoch: 0,
        seed: 0,
        usage: Usage::default(),
        cost: charge,
        charge,
        price_version: last.price_version,
        held: last.held.clone(),
        flags: Flags { estimated: true, orphaned: true, ..Flags::default() },
        latency: Latency::default(),
        max_tokens: None,
        trace_id: None,
        app: App::default(),
        user: None,
        session: None,
        routed: Vec::new(),
        sticky: None,
        tags: Vec::new(),
    }
}

fn attempt(opened: &Opened) -> Attempt {
    Attempt {
        model: opened.model.clone(),
        provider: opened.provider.clone(),
        endpoint: opened.endpoint.clone(),
        lane: "unknown".into(),
        lane_reason: "orphaned".into(),
        dropped: Vec::new(),
        upstream_id: None,
        served_model: None,
        served_provider: None,
        status: None,
        fault: None,
        started_ms: 0,
        took_ms: 0,
        usage: Usage::default(),
        cost: Money::ZERO,
        price_version: opened.price_version,
    }
}
