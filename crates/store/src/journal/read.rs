//! Reading the journal back.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::line::LINE_BYTES_MAX;
use super::segment::{list, path};
use super::{Line, Position};
use crate::StoreError;

/// How to take a line that is damaged and that no good line follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// A write that a crash cut short: it was never acknowledged. Cut it off.
    Repair,
    /// Everything up to this position was written whole: any damage is an error.
    Whole(Position),
}

/// Visits the lines from `from` on, each with the position where it begins and where it ends; answers the end of the journal.
pub(crate) fn read(
    dir: &Path,
    from: Position,
    tail: Tail,
    mut visit: impl FnMut(Position, Position, Line) -> Result<(), StoreError>,
) -> Result<Position, StoreError> {
    let segments = list(dir)?;
    let last = segments.last().copied().unwrap_or(from.segment);
    let mut at = from;
    for segment in from.segment..=last {
        let offset = if segment == from.segment { from.offset } else { 0 };
        at = Position { segment, offset };
        if let Tail::Whole(end) = tail
            && at >= end
        {
            return Ok(end);
        }
        if segments.binary_search(&segment).is_err() {
            let problem = "the file is missing".to_owned();
            return Err(StoreError::Corrupt { path: path(dir, segment), offset, problem });
        }
        at = read_segment(dir, at, tail, segment == last, &mut visit)?;
    }
    Ok(at)
}

fn read_segment(
    dir: &Path,
    from: Position,
    tail: Tail,
    is_last: bool,
    visit: &mut impl FnMut(Position, Position, Line) -> Result<(), StoreError>,
) -> Result<Position, StoreError> {
    let path = path(dir, from.segment);
    let failed = |e| StoreError::file("read", &path, e);
    let mut file = BufReader::with_capacity(1 << 18, File::open(&path).map_err(failed)?);
    file.seek(SeekFrom::Start(from.offset)).map_err(failed)?;
    let mut at = from;
    loop {
        if let Tail::Whole(end) = tail
            && at >= end
        {
            return Ok(at);
        }
        let bytes = next_line(&mut file).map_err(failed)?;
        if bytes.is_empty() {
            return Ok(at);
        }
        let end = Position { offset: at.offset + bytes.len() as u64, ..at };
        match Line::check(bytes) {
            Ok(line) => visit(at, end, line)?,
            Err(problem) => {
                let torn = tail == Tail::Repair && is_last && !good_line_follows(&mut file).map_err(failed)?;
                if !torn {
                    return Err(StoreError::Corrupt { path, offset: at.offset, problem: problem.to_owned() });
                }
                cut(&path, at.offset).map_err(|e| StoreError::file("cut the torn end off", &path, e))?;
                return Ok(at);
            }
        }
        at = end;
    }
}

fn next_line(file: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut bytes)?;
    Ok(bytes)
}

fn good_line_follows(file: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = next_line(file)?;
        if bytes.is_empty() {
            return Ok(false);
        }
        if Line::check(bytes).is_ok() {
            return Ok(true);
        }
    }
}

fn cut(path: &Path, offset: u64) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    let torn = file.metadata()?.len() - offset;
    tracing::warn!(journal.file = %path.display(), journal.offset = offset, journal.torn_bytes = torn, "cut a torn write off the end of the journal");
    file.set_len(offset)?;
    file.sync_all()
}
