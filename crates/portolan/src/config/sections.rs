//! The sections of the configuration and their defaults, one function each.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use portolan_catalog::Attestation;
use portolan_core::{Clock, SystemClock};

use super::choices::{JournalSync, LiveSource, LogFormat, StorageUrl};
use super::problem::Origin;
use super::reader::Section;
use super::setting::quoted;
use super::settings::Entry;
use super::settings::{Admin, Egress, Journal, LiveCatalog, Logging, Region, Routing, Server, Timeouts, callable_url};
use super::values::{ByteSize, Date, HttpUrl, LogLevel};

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

pub(super) fn server(s: &mut Section<'_, '_>) -> Server {
    let listen = s.or("listen", loopback(4747));
    let public_url = s.optional::<HttpUrl>("public_url").map(|url| url.0);
    if public_url.is_none() {
        let entry = Entry { key: s.key("public_url"), value: quoted(&callable_url(listen)), origin: Origin::Default };
        s.reader.entries.push(entry);
    }
    let body_bytes_max = s.or("body_bytes_max", ByteSize(50 << 20)).0;
    let drain_timeout = s.or("drain_timeout", Duration::from_secs(60));
    Server { listen, public_url, body_bytes_max, drain_timeout }
}

pub(super) fn admin(s: &mut Section<'_, '_>) -> Admin {
    Admin { listen: s.or("listen", loopback(4748)) }
}

/// Only SQLite is built: the section is read for its mistakes.
pub(super) fn storage(s: &mut Section<'_, '_>) {
    let postgres = |url: &StorageUrl| (*url == StorageUrl::Postgres).then(|| "PostgreSQL is not built yet".to_owned());
    s.or_built("url", StorageUrl::Sqlite, postgres);
    redis(s);
}

/// An empty `redis` is the default and says "none".
fn redis(s: &mut Section<'_, '_>) {
    s.or_built("redis", RedisUrl(false), |url| url.0.then(|| "coordination by Redis is not built yet".to_owned()));
}

/// Whether a URL is set. It may hold a password, and nothing reads it yet.
struct RedisUrl(bool);

impl super::setting::Setting for RedisUrl {
    const SECRET: bool = true;

    fn expects() -> String {
        "\"\" (or \"redis://...\")".into()
    }

    fn read(node: &super::tree::Node) -> Result<Self, super::setting::Wrong> {
        node.text().map(|text| Self(!text.is_empty()))
    }

    fn show(&self) -> String {
        quoted(if self.0 { "redis://***" } else { "" })
    }
}

pub(super) fn journal(s: &mut Section<'_, '_>) -> Journal {
    Journal { sync: s.or("sync", JournalSync::Process) }
}

pub(super) fn catalog(s: &mut Section<'_, '_>) -> LiveCatalog {
    LiveCatalog {
        sync: s.or("sync", LiveSource::Off),
        interval: s.or("interval", Duration::from_hours(6)),
        url: s.optional::<HttpUrl>("url").map(|url| url.0),
    }
}

pub(super) fn egress(s: &mut Section<'_, '_>) -> Egress {
    Egress { allow: s.or("allow", Vec::new()) }
}

pub(super) fn timeouts(s: &mut Section<'_, '_>) -> Timeouts {
    Timeouts {
        connect: s.or("connect", Duration::from_secs(2)),
        first_token: s.or("first_token", Duration::from_secs(30)),
        idle: s.or("idle", Duration::from_secs(60)),
        total: s.or("total", Duration::from_mins(10)),
    }
}

pub(super) fn routing(s: &mut Section<'_, '_>) -> Routing {
    Routing { sticky_idle: s.or("sticky_idle", Duration::from_mins(5)), probe_interval: s.or("probe_interval", Duration::ZERO) }
}

pub(super) fn region(s: &mut Section<'_, '_>) -> Region {
    let region = Region { here: s.optional("here"), confine: s.optional("confine") };
    if let (Some(here), Some(confine)) = (region.here, region.confine)
        && here != confine
    {
        s.problem("confine", format!("is not where this instance stands (here = \"{}\"): it would serve nothing", here.as_str()));
    }
    region
}

/// An `[[attestations]]` table.
pub(super) fn attestation(s: &mut Section<'_, '_>) -> Option<Attestation> {
    let endpoints = s.required("endpoints", "write a provider's slug, or the tag of an endpoint such as \"azure/eu\"");
    let says_something = s.has("area") || s.has("zdr");
    let (area, zdr) = (s.optional("area"), s.optional("zdr"));
    if zdr == Some(false) {
        s.problem("zdr", "vouches for nothing: write true, or remove this setting");
    }
    let by = s.required("by", "write who vouches for it");
    let on = s.required::<Date>("on", "write since when, such as \"2026-11-20\"");
    let today = today();
    // Where the day begins earlier than in UTC, tomorrow is today already.
    if on.as_ref().zip(today.tomorrow().ok()).is_some_and(|(Date(on), tomorrow)| *on > tomorrow) {
        s.problem(
            "on",
            format!("lies in the future (today is {today}), and nobody vouches from then on; write the day on which it was vouched for"),
        );
    }
    // An unknown key is what was meant to say something, as a rule.
    if !says_something && !s.has_more() {
        s.problem("", "vouches for nothing: write area = \"eu\" (or \"us\"), zdr = true, or both");
    }
    Some(Attestation { endpoints: endpoints?, area, zdr: zdr.unwrap_or(false), by: by?, on: on?.0.to_string() })
}

/// The day of the machine's clock, in UTC.
fn today() -> jiff::civil::Date {
    let now = jiff::Timestamp::from_second(SystemClock.now().seconds()).unwrap_or(jiff::Timestamp::MAX);
    jiff::tz::Offset::UTC.to_datetime(now).date()
}

pub(super) fn logging(s: &mut Section<'_, '_>) -> Logging {
    Logging { level: s.or("level", LogLevel("info".to_owned())).0, format: s.or("format", LogFormat::Text) }
}
