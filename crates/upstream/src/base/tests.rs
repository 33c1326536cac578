use std::sync::Arc;

use super::*;
use crate::Target;

#[test]
fn base_urls_are_normalised() {
    let cases = [
        ("https://api.openai.com/v1", "https://api.openai.com/v1", "api.openai.com"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1", "api.openai.com"),
        ("HTTPS://API.OpenAI.com:443/v1", "https://api.openai.com/v1", "api.openai.com"),
        ("http://10.0.0.5:8000/v1", "http://10.0.0.5:8000/v1", "10.0.0.5:8000"),
        ("http://127.0.0.1:80", "http://127.0.0.1", "127.0.0.1"),
        ("http://[FD00:0::5]:8000/", "http://[fd00::5]:8000", "[fd00::5]:8000"),
        ("http://[::1]", "http://[::1]", "[::1]"),
        ("https://host.example./v1", "https://host.example/v1", "host.example"),
        ("http://my_vllm:8000", "http://my_vllm:8000", "my_vllm:8000"),
        ("https://h.example/a b".trim_end_matches(" b"), "https://h.example/a", "h.example"),
        ("https://h.example/x@y", "https://h.example/x@y", "h.example"),
    ];
    for (text, url, host) in cases {
        let base = Base::parse(text).expect(text);
        assert_eq!((base.as_str(), base.host_header().to_str().expect("ascii")), (url, host));
    }
}

#[test]
fn what_two_parsers_may_read_in_two_ways_is_refused() {
    for text in [
        "",
        "example.com",
        "//example.com",
        "http:/example.com",
        "http:example.com",
        "http://",
        "http:///v1",
        "https://:443/",
        "ftp://example.com",
        "file:///etc/passwd",
        "gopher://example.com",
        "data:text/plain,x",
        "unix:///run/x",
        "javascript:alert(1)",
        "http://good@127.0.0.1",
        "http://user:password@example.com",
        "http://good\\@127.0.0.1",
        "http://good\\.example/",
        "http://a/\\b",
        "http://2130706433",
        "http://0x7f.1",
        "http://0x7f000001",
        "http://0177.0.0.1",
        "http://127.1",
        "http://127.0.0.01",
        "http://127.0.0.1.",
        "http://example.0x1",
        "http://1.2.3.4.5",
        "http://①②⑦.⓪.⓪.①",
        "http://127。0。0。1",
        "http://exämple.com",
        "http://%31%32%37.0.0.1",
        "http://a..b",
        "http://.a",
        "http://a..",
        "http://.",
        "http://[::1",
        "http://::1",
        "http://[fe80::1%25eth0]",
        "http://[127.0.0.1]",
        "http://[v1.x]",
        "http://[::1]x",
        "http://h:0",
        "http://h:65536",
        "http://h:80x",
        "http://h:+80",
        "http://h:",
        "http://h:80:80",
        "http://h?x=1",
        "http://h/#",
        "http://h/ v1",
        "http://h/\nv1",
        "http://h\t/",
        " http://h",
        "http://h/\u{a0}",
        "http://h/../v1",
        "http://h/./v1",
        "http://h/%2e%2e/v1",
        "http://h/a//b",
        "http://h//",
        "http://h/a%5cb",
        "http://h/%0d%0a",
    ] {
        assert!(Base::parse(text).is_err(), "{text:?} must be refused, is {:?}", Base::parse(text));
    }
}

#[test]
fn an_error_about_a_base_url_shows_no_password() {
    let error = Base::parse("https://me:hunter2@example.com").expect_err("userinfo").to_string();
    assert!(!error.contains("hunter2") && error.contains("api_key"), "{error}");
}

#[test]
fn a_path_stays_under_its_base() {
    let base = Arc::new(Base::parse("https://h.example/v1").expect("base"));
    let cases = [
        ("/chat/completions", "/v1/chat/completions"),
        ("/models/gemini-2.5-pro:generateContent", "/v1/models/gemini-2.5-pro:generateContent"),
        ("/model/a#b?c=d/converse", "/v1/model/a%23b%3Fc=d/converse"),
        ("/model/a%2Fb", "/v1/model/a%2Fb"),
        ("/model/a%b ü\"", "/v1/model/a%25b%20%C3%BC%22"),
        ("/@evil.example/x", "/v1/@evil.example/x"),
        ("/...", "/v1/..."),
    ];
    for (path, expected) in cases {
        let target = Target::new(&base, path).expect(path);
        assert_eq!((target.uri().host(), target.uri().path(), target.uri().query()), (Some("h.example"), expected, None));
    }
    for path in
        ["", "x", "//evil.example", "/..", "/a/../b", "/%2e%2E/b", "/.%2e", "/a%2f../b", "/a\\b", "/a%5Cb", "/a\r\nb", "/a%00", "/a/"]
    {
        assert!(Target::new(&base, path).is_err(), "{path:?} must be refused");
    }
    let target = Target::with_query(&base, "/m:stream", "alt=sse&x=ü#").expect("query");
    assert_eq!(target.uri().to_string(), "https://h.example/v1/m:stream?alt=sse&x=%C3%BC%23");
}

#[test]
fn no_text_parses_to_the_origin_of_an_in_process_service() {
    let inside = Base::in_process("simulator.internal", "/v1").expect("a name");
    let outside = Base::parse("http://simulator.internal/v1").expect("a name");
    assert_eq!(inside.as_str(), outside.as_str());
    assert_ne!(inside.origin(), outside.origin());
}
