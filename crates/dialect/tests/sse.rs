//! Framing: what counts as an event, and that no cut changes it.

use portolan_dialect::sse::{FRAME_BYTES_MAX, Parser, SseError};
use proptest::prelude::*;

type Owned = (Option<String>, String);

fn frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Owned>, SseError> {
    let mut parser = Parser::default();
    let mut found = Vec::new();
    for piece in pieces {
        parser.push(piece, &mut |frame| found.push((frame.event.map(str::to_owned), frame.data.to_owned())))?;
    }
    parser.end(&mut |frame| found.push((frame.event.map(str::to_owned), frame.data.to_owned())))?;
    Ok(found)
}

fn data(texts: &[&str]) -> Vec<Owned> {
    texts.iter().map(|text| (None, (*text).to_owned())).collect()
}

#[test]
fn events_are_found_in_all_their_spellings() {
    let named = |event: &str, text: &str| vec![(Some(event.to_owned()), text.to_owned())];
    for (stream, expected) in [
        ("data: a\n\ndata: b\n\n", data(&["a", "b"])),
        ("data: a\r\n\r\ndata: b\r\n\r\n", data(&["a", "b"])),
        ("data: a\r\rdata: b\r\r", data(&["a", "b"])),
        ("data: a\r\n\ndata: b\n\r\n", data(&["a", "b"])),
        ("data:a\n\ndata:  b \n\n", data(&["a", " b "])),
        ("\u{feff}data: a\n\n", data(&["a"])),
        (": comment\n\n:\n\ndata: a\n: another\n\n: last\n\n", data(&["a"])),
        ("event: x\ndata: a\n\n", named("x", "a")),
        ("data: a\nevent: x\n\n", named("x", "a")),
        ("event:\ndata: a\n\n", data(&["a"])),
        ("event: x\n\ndata: a\n\n", data(&["a"])),
        ("data: a\ndata: b\ndata\ndata: c\n\n", data(&["a\nb\n\nc"])),
        ("id: 1\nretry: 5\nunknown\ndatax: no\ndata: a\n\n", data(&["a"])),
        ("\n\n\ndata: a\n\n\n\n", data(&["a"])),
        ("data: a\n\ndata: b\n", data(&["a", "b"])),
        ("data: a\n\ndata: b", data(&["a", "b"])),
        ("data: a\n\ndata: b\r", data(&["a", "b"])),
        ("data: grüße 漢字 😀\n\n", data(&["grüße 漢字 😀"])),
        ("", data(&[])),
        ("data", data(&[""])),
        ("\u{feff}", data(&[])),
    ] {
        assert_eq!(frames([stream.as_bytes()]).unwrap(), expected, "{stream:?}");
        assert_eq!(frames(stream.as_bytes().chunks(1)).unwrap(), expected, "{stream:?} by bytes");
    }
}

#[test]
fn a_line_of_ten_megabytes_passes_and_one_beyond_the_bound_does_not() {
    let long = format!("data: {}\n\n", "x".repeat(10 << 20));
    let found = frames(long.as_bytes().chunks(16 << 10)).unwrap();
    assert_eq!(found[0].1.len(), 10 << 20);
    let endless = vec![b'x'; 1 << 20];
    let pieces = std::iter::once(b"data: ".as_slice()).chain(std::iter::repeat_n(endless.as_slice(), (FRAME_BYTES_MAX >> 20) + 1));
    assert_eq!(frames(pieces), Err(SseError::TooLong));
    let whole = format!("data: {}\n\n", "x".repeat(FRAME_BYTES_MAX + 1));
    assert_eq!(frames([whole.as_bytes()]), Err(SseError::TooLong));
}

#[test]
fn a_broken_stream_stays_broken() {
    let mut parser = Parser::default();
    assert_eq!(parser.push(b"data: \xff\n\n", &mut |_| {}), Err(SseError::NotUtf8));
    assert_eq!(parser.push(b"data: a\n\n", &mut |_| panic!("nothing is read any more")), Err(SseError::NotUtf8));
    assert_eq!(parser.end(&mut |_| {}), Err(SseError::NotUtf8));
}

/// The specification, word for word and line by line, on the whole text.
fn reference(stream: &str) -> Vec<Owned> {
    let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream).replace("\r\n", "\n").replace('\r', "\n");
    let (mut found, mut event, mut data) = (Vec::new(), String::new(), None::<String>);
    for line in stream.split('\n').chain([""]) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" if line.is_empty() => {
                let name = Some(std::mem::take(&mut event)).filter(|name| !name.is_empty());
                found.extend(data.take().map(|data| (name, data)));
            }
            "event" => event = value.to_owned(),
            "data" => data = Some(data.map_or_else(|| value.to_owned(), |before| before + "\n" + value)),
            _ => {}
        }
    }
    found
}

proptest! {
    #[test]
    fn any_cutting_gives_the_frames_of_the_specification(
        lines in proptest::collection::vec(("(data|event|id|:|)(:| |: |)[a-zé漢 ]{0,6}", "\n|\r\n|\r|\n\n|\r\r|\r\n\r\n"), 0..20),
        bom in any::<bool>(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
    ) {
        let text: String = lines.iter().flat_map(|(line, end)| [line.as_str(), end.as_str()]).collect();
        let stream = format!("{}{text}", if bom { "\u{feff}" } else { "" });
        let bytes = stream.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
        at.sort_unstable();
        let pieces = at.windows(2).map(|w| &bytes[w[0]..w[1]]);
        prop_assert_eq!(frames(pieces).unwrap(), reference(&stream));
        prop_assert_eq!(frames(bytes.chunks(1)).unwrap(), reference(&stream));
    }
}
