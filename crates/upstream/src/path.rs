//! Paths and queries, escaped so that nothing in them changes where a request goes.

/// Appends a path to a URL that has none or one without a trailing slash.
///
/// What is unsafe in a segment (`?`, `#`, space, quotes, non-ASCII ...) is percent-encoded; a valid `%XX` stays.
/// Refused: empty and dot segments, also encoded ones, backslashes and control characters.
pub(crate) fn push_path(url: &mut String, path: &str) -> Result<(), &'static str> {
    let segments = path.strip_prefix('/').ok_or("a path begins with a slash")?;
    for segment in segments.split('/') {
        check_segment(segment)?;
        url.push('/');
        push_escaped(url, segment, b":@!$&'()*+,;=");
    }
    Ok(())
}

/// Appends `?` and a query.
pub(crate) fn push_query(url: &mut String, query: &str) -> Result<(), &'static str> {
    if query.bytes().any(|byte| byte.is_ascii_control()) {
        return Err("a query holds no control characters");
    }
    url.push('?');
    push_escaped(url, query, b":@!$&'()*+,;=/?");
    Ok(())
}

fn check_segment(segment: &str) -> Result<(), &'static str> {
    if segment.is_empty() {
        return Err("a path has no empty segments");
    }
    let decoded = decode(segment.as_bytes());
    if decoded.iter().any(|byte| byte.is_ascii_control() || *byte == b'\\') {
        return Err("a path holds no control characters and no backslashes");
    }
    // An encoded slash is part of a model's id; a dot segment behind it would still climb at a careless server.
    if decoded.split(|byte| *byte == b'/').any(|part| part == b"." || part == b"..") {
        return Err("a path has no dot segments");
    }
    Ok(())
}

fn escape_at(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
    (bytes.get(at) == Some(&b'%')).then(|| Some(digit(at + 1)? << 4 | digit(at + 2)?)).flatten()
}

fn decode(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = escape_at(bytes, at);
        decoded.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}

fn push_escaped(url: &mut String, text: &str, safe: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for (at, byte) in text.bytes().enumerate() {
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if unreserved || safe.contains(&byte) || escape_at(text.as_bytes(), at).is_some() {
            url.push(char::from(byte));
        } else {
            url.push('%');
            url.push(char::from(HEX[usize::from(byte >> 4)]));
            url.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}
