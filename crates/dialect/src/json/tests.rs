use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;

fn read(bytes: &[u8]) -> Result<(), JsonError> {
    let mut reader = Reader::new(utf8(bytes)?);
    reader.skip()?;
    reader.end()
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[\\x00-\\x7f]{0,150}".prop_map(Value::from),
        "\\PC{0,60}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec(("[\\x20-\\x7f]{0,90}", inner), 0..8).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_writes_is_accepted_however_it_is_spaced(value in json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        prop_assert_eq!(read(text.as_bytes()), Ok(()), "{}", text);
    }

    #[test]
    fn a_text_with_one_byte_changed_is_judged_as_serde_judges_it(value in json(), at: prop::sample::Index, byte: u8, cut: bool) {
        let mut bytes = serde_json::to_vec(&value).unwrap();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] = byte;
        }
        let serde = serde_json::from_slice::<&RawValue>(&bytes);
        prop_assert_eq!(read(&bytes).is_ok(), serde.is_ok(), "{:?} {:?}", read(&bytes), serde);
    }

    #[test]
    fn a_string_ends_where_serde_says_wherever_the_blocks_of_64_fall(
        pad in 0..70usize,
        units in prop::collection::vec(prop::sample::select(vec!["\\\\", "\\\"", "\\", "\"", "a", "\\u00e9", "\\u12", "é", "\\n", "\n", "0123456789abcdef"]), 0..80),
    ) {
        let text = format!("[\"{}{}\"]", "x".repeat(pad), units.concat());
        let serde = serde_json::from_str::<&RawValue>(&text);
        prop_assert_eq!(read(text.as_bytes()).is_ok(), serde.is_ok(), "{}", text);
        if let Ok(all) = serde_json::from_str::<Vec<String>>(&text) {
            let mut strings = Vec::new();
            let mut reader = Reader::new(&text);
            reader.array::<JsonError>(|reader, _| {
                strings.push(reader.string()?.decode().into_owned());
                Ok(())
            }).unwrap();
            // The spare bytes are those of the escapes: never more than there are.
            prop_assert!(all.iter().map(String::len).sum::<usize>() + reader.spare() + 2 + 2 * strings.len() <= text.len() + 1);
            prop_assert_eq!(strings, all);
        }
    }
}

#[test]
fn spans_are_those_of_the_values() {
    let text = "{ \"a\" : [1, {\"b\":\"c\"}] , \"d\":-1.5e3 }";
    let mut reader = Reader::new(text);
    let mut seen = Vec::new();
    let whole = reader
        .object::<JsonError>(|reader, key| {
            let span = reader.skip()?;
            seen.push((key.decode().into_owned(), key.at, &text[span]));
            Ok(())
        })
        .unwrap();
    assert_eq!(&text[whole], text);
    assert_eq!(seen, [("a".to_owned(), 2, "[1, {\"b\":\"c\"}]"), ("d".to_owned(), 25, "-1.5e3")]);
}

#[test]
fn depth_is_counted_from_the_outermost_container() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(read(nested(128).as_bytes()).is_ok());
    assert_eq!(read(nested(129).as_bytes()).unwrap_err().at, 128);
    let mut reader = Reader::new("[[[]]]");
    reader.array::<JsonError>(|reader, _| reader.skip().map(drop)).unwrap();
    let text = nested(129);
    let mut reader = Reader::new(&text);
    assert!(reader.array::<JsonError>(|reader, _| reader.skip().map(drop)).is_err());
}
