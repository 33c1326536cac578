//! Parts of a message's content.

use super::{Result, keep};
use crate::ir::{Cache, Part, Request, Source};
use crate::json::{Kind, Reader};
use crate::openai_chat::peek::read::{Path, array, object, skip, string, text};

/// Reads content: a string is one text.
pub(super) fn read(request: &mut Request, reader: &mut Reader<'_>, path: Path<'_>) -> Result<Vec<Part>> {
    if reader.kind()? == Kind::String {
        return Ok(vec![Part::Text { text: reader.string()?.decode().into_owned(), cache: None }]);
    }
    let mut parts = Vec::new();
    array(reader, path, |reader, i| {
        parts.push(part(request, reader, path.at(i))?);
        Ok(())
    })?;
    Ok(parts)
}

fn part(request: &mut Request, reader: &mut Reader<'_>, path: Path<'_>) -> Result<Part> {
    let (mut part, mut cache) = (None, None);
    object(reader, path, &[], |reader, key| {
        let here = path.key(key);
        match key {
            "type" => skip(reader)?,
            "text" => part = Some(Part::Text { text: text(reader, here)?.decode().into_owned(), cache: None }),
            "refusal" => part = Some(Part::Refusal(text(reader, here)?.decode().into_owned())),
            "image_url" => part = Some(image(reader, here)?),
            "input_audio" => part = Some(audio(reader, here)?),
            "file" => part = Some(file(reader, here)?),
            "cache_control" => cache = Some(mark(reader, here)?),
            // OpenAI's own mark says the same, without a time.
            "prompt_cache_breakpoint" => {
                reader.skip()?;
                cache = cache.or(Some(Cache::Minutes5));
            }
            other => {
                let raw = reader.raw()?;
                keep(request, &format!("messages[].content[].{other}"), raw);
            }
        }
        Ok(())
    })?;
    let mut part = part.ok_or_else(|| path.invalid("is empty"))?;
    set_mark(&mut part, cache);
    Ok(part)
}

/// Sets a mark, where the part can carry one and has none.
pub(super) fn set_mark(part: &mut Part, mark: Option<Cache>) {
    match part {
        Part::Text { cache, .. }
        | Part::Image { cache, .. }
        | Part::File { cache, .. }
        | Part::ToolCall { cache, .. }
        | Part::ToolResult { cache, .. } => *cache = cache.or(mark),
        Part::Audio { .. } | Part::Reasoning(_) | Part::Refusal(_) | Part::Opaque { .. } => {}
    }
}

/// A cache mark: five minutes, unless it says an hour.
pub(super) fn mark(reader: &mut Reader<'_>, path: Path<'_>) -> Result<Cache> {
    let mut cache = Cache::Minutes5;
    object(reader, path, &[], |reader, key| {
        if key == "ttl" && string(reader, path.key(key), 32)? == "1h" {
            cache = Cache::Hour1;
        } else if key != "ttl" {
            reader.skip()?;
        }
        Ok(())
    })?;
    Ok(cache)
}

fn image(reader: &mut Reader<'_>, path: Path<'_>) -> Result<Part> {
    let (mut url, mut detail) = (String::new(), None);
    if reader.kind()? == Kind::String {
        url = reader.string()?.decode().into_owned();
    } else {
        object(reader, path, &[], |reader, key| {
            match key {
                "url" => url = text(reader, path.key(key))?.decode().into_owned(),
                "detail" => detail = Some(text(reader, path.key(key))?.decode().into_owned()),
                _ => skip(reader)?,
            }
            Ok(())
        })?;
    }
    Ok(Part::Image { source: source(url, path.key("url"))?, detail, cache: None })
}

fn audio(reader: &mut Reader<'_>, path: Path<'_>) -> Result<Part> {
    let (mut data, mut format) = (String::new(), String::new());
    object(reader, path, &[], |reader, key| {
        match key {
            "data" => data = text(reader, path.key(key))?.decode().into_owned(),
            "format" => format = text(reader, path.key(key))?.decode().into_owned(),
            _ => skip(reader)?,
        }
        Ok(())
    })?;
    Ok(Part::Audio { data, format })
}

fn file(reader: &mut Reader<'_>, path: Path<'_>) -> Result<Part> {
    let (mut data, mut name) = (String::new(), None);
    object(reader, path, &[], |reader, key| {
        match key {
            "file_data" => data = text(reader, path.key(key))?.decode().into_owned(),
            "filename" => name = Some(text(reader, path.key(key))?.decode().into_owned()),
            _ => skip(reader)?,
        }
        Ok(())
    })?;
    Ok(Part::File { source: source(data, path.key("file_data"))?, name, cache: None })
}

/// A `data:` URL, or an address that the provider fetches.
fn source(url: String, path: Path<'_>) -> Result<Source> {
    let Some(rest) = url.strip_prefix("data:") else {
        return if url.contains("://") { Ok(Source::Url(url)) } else { Err(path.invalid("must be an address or a data: URL")) };
    };
    let (head, data) = rest.split_once(',').ok_or_else(|| path.invalid("is no data: URL: the comma is missing"))?;
    let media_type = head.strip_suffix(";base64").ok_or_else(|| path.invalid("must hold base64: data:<type>;base64,<data>"))?;
    // Parameters of the type (`;charset=...`) mean nothing to whoever takes base64.
    let media_type = media_type.split(';').next().unwrap_or_default().to_owned();
    Ok(Source::Base64 { media_type, data: data.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_address_or_base64() {
        let source = |url: &str| source(url.to_owned(), Path::Top("url"));
        assert_eq!(source("https://x/y.png"), Ok(Source::Url("https://x/y.png".into())));
        let png = Source::Base64 { media_type: "image/png".into(), data: "AAAA".into() };
        assert_eq!(source("data:image/png;base64,AAAA").as_ref(), Ok(&png));
        assert_eq!(source("data:image/png;name=a.png;base64,AAAA").as_ref(), Ok(&png));
        for wrong in ["", "AAAA", "data:image/png;base64", "data:text/plain,hello"] {
            assert!(source(wrong).is_err(), "{wrong}");
        }
    }
}
