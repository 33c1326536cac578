//! Holds what `ARCHITECTURE.md` and `docs/` say: the edges between crates, who may use what, and that the pages list what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use portolan_core::{Auth, Capability, Dialect, Quirk};
use portolan_ledger::End;

use crate::process::{portolan, text};

/// Every crate, its layer, and the crates that it may depend on. `None`: beside the layers.
const CRATES: &[(&str, Option<u8>, &[&str])] = &[
    ("core", Some(0), &[]),
    ("dialect", Some(1), &["core"]),
    ("catalog", Some(1), &["core"]),
    ("routing", Some(1), &["core", "catalog"]),
    ("tenancy", Some(1), &["core"]),
    ("ledger", Some(1), &["core"]),
    ("store", Some(2), &["core", "tenancy", "ledger"]),
    ("upstream", Some(2), &["core"]),
    ("engine", Some(3), &["core", "dialect", "catalog", "routing", "tenancy", "ledger", "store", "upstream"]),
    ("gateway", Some(4), &["core", "dialect", "catalog", "tenancy", "ledger", "store", "engine"]),
    ("control", Some(4), &["core", "tenancy", "ledger", "store"]),
    ("portolan", Some(5), &["core", "catalog", "tenancy", "ledger", "store", "upstream", "engine", "gateway", "control", "sim"]),
    ("sim", None, &[]),
    ("testkit", None, &["sim"]),
];

/// The only edges within a layer.
const SAME_LAYER: &[(&str, &str)] = &[("routing", "catalog"), ("routing", "tenancy"), ("ledger", "catalog"), ("guard", "dialect")];

/// What a test of a crate may use beyond the crate's own edges.
const TESTS_ONLY: &[(&str, &str)] = &[("portolan", "testkit")];

/// Packages, and the crates that may depend on them (their tests may use more).
const FENCES: &[(&str, &[&str])] = &[
    ("tokio", &["store", "upstream", "engine", "gateway", "portolan", "sim", "testkit"]),
    ("tokio-util", &["engine", "gateway", "portolan"]),
    ("axum", &["gateway", "control", "portolan"]),
    ("tower", &["upstream", "gateway", "portolan"]),
    ("hyper", &["upstream", "engine", "gateway", "portolan", "sim", "testkit"]),
    ("hyper-util", &["upstream", "gateway", "portolan", "sim", "testkit"]),
    ("rustls", &["upstream"]),
    ("tokio-rustls", &["upstream"]),
    ("rustls-native-certs", &["upstream"]),
    ("webpki-roots", &["upstream"]),
    ("ipnet", &["upstream"]),
    ("rusqlite", &["store"]),
    ("clap", &["portolan"]),
    ("prometheus-client", &["portolan"]),
    ("tracing-subscriber", &["portolan"]),
    ("mimalloc", &["portolan"]),
    // Chosen against; see docs/DEPENDENCIES.md.
    ("reqwest", &[]),
    ("sqlx", &[]),
    ("redis", &[]),
    ("openssl", &[]),
    ("native-tls", &[]),
    ("async-trait", &[]),
];

/// Texts of production code, and the files (or folders) that may hold them.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("std::env::var", &["portolan/src/config/environment.rs"]),
    ("env::vars_os", &["portolan/src/config/environment.rs"]),
    ("TcpStream::connect(", &["upstream/src/connector.rs", "testkit/src/"]),
    ("hyper_util::client", &["upstream/src/", "testkit/src/"]),
    ("hyper::client", &["portolan/src/cli/admin.rs", "testkit/src/"]),
    ("rusqlite::", &["store/src/"]),
    ("axum::", &["gateway/src/", "control/src/", "portolan/src/"]),
    // The simulator has dialects of its own, on purpose: it shares no codec with the gateway.
    ("Dialect::Anthropic =>", &["dialect/src/registry.rs", "sim/src/dialect/mod.rs"]),
    ("Dialect::OpenAiChat =>", &["dialect/src/registry.rs", "sim/src/dialect/mod.rs"]),
    // Sending needs a hold, and only the ledger makes one.
    ("Held {", &["ledger/src/hold.rs"]),
    // The simulator's answers carry the time as a provider's do.
    ("SystemTime::now(", &["core/src/time.rs", "sim/src/serve/exchange.rs"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn page(name: &str) -> String {
    read(&root().join(name))
}

/// The manifests of all crates, by the name of their folder.
fn manifests() -> BTreeMap<String, toml::Table> {
    let folders = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: PathBuf| (path.file_name().unwrap().to_string_lossy().into_owned(), page_of_manifest(&path));
    folders.filter(|path| path.join("Cargo.toml").is_file()).map(named).collect()
}

fn page_of_manifest(folder: &Path) -> toml::Table {
    read(&folder.join("Cargo.toml")).parse().unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
}

/// The names in the tables of a manifest: `dependencies`, `build-dependencies`, `dev-dependencies`, for every target.
fn dependencies(manifest: &toml::Table, kinds: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (key, value) in manifest {
        match value.as_table() {
            Some(table) if kinds.contains(&key.as_str()) => found.extend(table.keys().cloned()),
            Some(table) if key == "target" => {
                found.extend(table.values().filter_map(toml::Value::as_table).flat_map(|t| dependencies(t, kinds)))
            }
            _ => {}
        }
    }
    found
}

const BUILT: &[&str] = &["dependencies", "build-dependencies"];

/// The crates of the workspace among the dependencies.
fn edges(manifest: &toml::Table, kinds: &[&str]) -> BTreeSet<String> {
    dependencies(manifest, kinds).iter().filter_map(|name| name.strip_prefix("portolan-")).map(str::to_owned).collect()
}

/// All files of a folder with this ending, at any depth.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { files(&path, ending) } else { vec![path] };
    let mut found: Vec<_> = paths.flat_map(below).filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    found.sort();
    found
}

/// The production code of all crates: `(path below crates/, text without its tests)`.
fn sources() -> Vec<(String, String)> {
    let crates = root().join("crates");
    let mut found = Vec::new();
    for folder in manifests().keys() {
        for path in files(&crates.join(folder).join("src"), ".rs") {
            let name = path.strip_prefix(&crates).unwrap().to_string_lossy().into_owned();
            if name.ends_with("/tests.rs") || name.contains("/tests/") {
                continue;
            }
            let whole = read(&path);
            let production = whole.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code = production.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
            found.push((name, code));
        }
    }
    assert!(found.len() > 100, "the sources were not found");
    found
}

/// The texts between `before` and `after`, wherever they stand.
fn between<'t>(whole: &'t str, before: &str, after: &str) -> Vec<&'t str> {
    whole.split(before).skip(1).filter_map(|rest| rest.split_once(after).map(|(inside, _)| inside)).collect()
}

fn assert_lists(name: &str, wanted: impl IntoIterator<Item = impl AsRef<str>>) {
    let whole = page(name);
    let missing: Vec<String> = wanted.into_iter().map(|w| w.as_ref().to_owned()).filter(|w| !whole.contains(w)).collect();
    assert!(missing.is_empty(), "{name} does not mention {missing:?}");
}

fn quoted(word: &str) -> String {
    format!("`{word}`")
}

#[test]
fn crates_depend_on_each_other_only_along_the_listed_edges() {
    let manifests = manifests();
    let listed: BTreeSet<&str> = CRATES.iter().map(|(name, _, _)| *name).collect();
    assert_eq!(manifests.keys().map(String::as_str).collect::<BTreeSet<_>>(), listed, "list a new crate here and in ARCHITECTURE.md");
    for (name, _, allowed) in CRATES {
        let found = edges(&manifests[*name], BUILT);
        let allowed: BTreeSet<String> = allowed.iter().map(|edge| (*edge).to_owned()).collect();
        assert_eq!(found, allowed, "the edges of {name}");
        for edge in edges(&manifests[*name], &["dev-dependencies"]).difference(&allowed) {
            assert!(TESTS_ONLY.contains(&(*name, edge.as_str())), "the tests of {name} use {edge}");
        }
    }
}

#[test]
fn every_edge_points_down_or_is_one_of_the_few_within_a_layer() {
    let layer = |name: &str| CRATES.iter().find(|(other, _, _)| *other == name).and_then(|(_, layer, _)| *layer);
    for (name, own, edges) in CRATES {
        for edge in *edges {
            let right = match (own, layer(edge)) {
                (Some(own), Some(below)) => below < *own || SAME_LAYER.contains(&(name, edge)),
                // The simulator serves the binary and the tests; nothing else knows it.
                (Some(own), None) => *own == 5 && *edge == "sim",
                (None, below) => below.is_none_or(|below| below == 0),
            };
            assert!(right, "{name} -> {edge}");
        }
    }
}

#[test]
fn the_architecture_page_shows_the_same_edges() {
    let whole = page("ARCHITECTURE.md");
    for (name, layer, edges) in CRATES {
        let layer = layer.map_or("side".to_owned(), |layer| format!("L{layer}"));
        let edges = if edges.is_empty() { "nothing".to_owned() } else { edges.iter().map(|e| quoted(e)).collect::<Vec<_>>().join(" ") };
        let row = format!("| {layer} | `{name}` | {edges} |");
        assert!(whole.contains(&row), "ARCHITECTURE.md lacks the row {row}");
    }
}

#[test]
fn packages_are_used_behind_their_fences_only() {
    for (name, manifest) in manifests() {
        let used = dependencies(&manifest, BUILT);
        for (package, allowed) in FENCES {
            assert!(!used.contains(*package) || allowed.contains(&name.as_str()), "{name} depends on {package}; allowed: {allowed:?}");
        }
        let pure = CRATES.iter().any(|(other, layer, _)| *other == name && layer.is_some_and(|layer| layer <= 1));
        let waits = ["tokio", "axum", "hyper", "http", "tower", "rusqlite", "tracing", "futures"];
        assert!(!pure || waits.iter().all(|package| !used.contains(*package)), "{name} is a pure crate: none of {waits:?}");
    }
}

#[test]
fn the_environment_the_network_the_database_and_the_dialects_are_each_touched_in_one_place() {
    for (name, code) in sources() {
        for (needle, places) in ONLY_IN {
            let allowed = places.iter().any(|place| name.starts_with(place));
            assert!(allowed || !code.contains(needle), "crates/{name} holds `{needle}`, which belongs to {places:?}");
        }
    }
}

#[test]
fn every_list_of_places_names_places_that_are_there() {
    let sources = sources();
    for (needle, places) in ONLY_IN {
        let used = |place: &&str| sources.iter().any(|(name, code)| name.starts_with(place) && code.contains(needle));
        assert!(places.iter().any(&used), "nothing holds `{needle}` any more");
    }
}

#[test]
fn no_code_asks_for_the_name_of_a_provider() {
    let rows = files(&root().join("crates/catalog/data/providers"), ".toml");
    // The simulator is ours: `simulator` is also a setting. `seed` is a provider and a parameter of requests.
    let is_a_name_only = |slug: &String| slug != portolan_catalog::SIMULATOR && slug != "seed";
    let slugs = rows.iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).filter(is_a_name_only);
    let slugs: Vec<String> = slugs.collect();
    assert!(slugs.iter().any(|slug| slug == "openai"), "{slugs:?}");
    for (name, code) in sources().iter().filter(|(name, _)| !name.starts_with("sim/")) {
        for slug in &slugs {
            for form in [
                format!("== \"{slug}\""),
                format!("!= \"{slug}\""),
                format!("\"{slug}\" =="),
                format!("\"{slug}\" =>"),
                format!("\"{slug}\" |"),
            ] {
                assert!(!code.contains(&form), "crates/{name} holds `{form}`: a provider is a row, not a branch");
            }
        }
    }
}

#[test]
fn every_dependency_has_its_line_and_every_line_its_dependency() {
    let manifest = page_of_manifest(&root());
    let table = manifest["workspace"]["dependencies"].as_table().expect("a table");
    let outside: BTreeSet<&str> = table.keys().map(String::as_str).filter(|name| !name.starts_with("portolan-")).collect();
    let whole = page("docs/DEPENDENCIES.md");
    let lines: BTreeSet<&str> = whole.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(name, _)| name).collect();
    assert_eq!(lines, outside, "left: docs/DEPENDENCIES.md, right: [workspace.dependencies]");
}

#[test]
fn every_dependency_is_one_that_some_crate_uses() {
    let manifest = page_of_manifest(&root());
    let table = manifest["workspace"]["dependencies"].as_table().expect("a table");
    let used: BTreeSet<String> =
        manifests().values().flat_map(|m| dependencies(m, &["dependencies", "build-dependencies", "dev-dependencies"])).collect();
    let idle: Vec<&String> = table.keys().filter(|name| !used.contains(*name)).collect();
    assert!(idle.is_empty(), "[workspace.dependencies] lists what no crate uses: {idle:?}");
}

/// The pages that are held.
fn pages() -> Vec<PathBuf> {
    let root = root();
    let mut all: Vec<_> = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].iter().map(|name| root.join(name)).collect();
    all.extend(files(&root.join("docs"), ".md"));
    all
}

/// A heading as it stands in a link: lowercase, dashes for spaces, no punctuation (GitHub's rule).
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(whole: &str) -> BTreeSet<String> {
    whole.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn every_relative_link_of_the_pages_resolves() {
    let mut links = 0;
    for path in pages() {
        let whole = read(&path);
        for link in between(&whole, "](", ")").into_iter().filter(|link| !link.contains("://")) {
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().expect("a page lies in a folder").join(file) };
            assert!(target.exists(), "{}: {link} leads nowhere", path.display());
            let known = fragment.is_empty() || !target.to_string_lossy().ends_with(".md") || anchors(&read(&target)).contains(fragment);
            assert!(known, "{}: {link} names no heading", path.display());
            links += 1;
        }
    }
    assert!(links > 50, "{links} links");
}

/// `path/file.rs::name` in a page: the file holds an item of that name.
#[test]
fn every_item_that_the_architecture_page_names_is_in_its_file() {
    let whole = page("ARCHITECTURE.md");
    let items = between(&whole, "[`", ")");
    let named: Vec<_> = items.iter().filter_map(|link| link.split_once("`](")).filter(|(_, path)| path.ends_with(".rs")).collect();
    assert!(named.len() > 20, "{named:?}");
    for (item, path) in named {
        let name = item.trim_end_matches("()").rsplit("::").next().unwrap_or(item);
        let code = page(path);
        let said =
            ["fn ", "struct ", "enum ", "trait ", "const ", "static ", "type "].iter().any(|word| code.contains(&format!("{word}{name}")));
        // `Rule { ...`: within a macro that defines it.
        assert!(said || path.ends_with(name) || code.contains(&format!(" {name} {{")), "{path} defines no {name}");
    }
}

#[test]
fn the_pages_list_every_end_rule_quirk_and_blocker() {
    assert_lists("docs/money.md", End::ALL.iter().map(|end| quoted(end.as_str())));
    let crates = root().join("crates");
    let refusals = read(&crates.join("engine/src/refusal.rs"));
    let rules: Vec<_> = refusals
        .lines()
        .filter_map(|l| l.trim().strip_prefix("Rule::")?.split_once(" => \""))
        .map(|(_, r)| quoted(r.trim_end_matches("\",")))
        .collect();
    assert!(rules.len() > 8, "{rules:?}");
    assert_lists("docs/api.md", rules);
    let routing = read(&crates.join("routing/src/rule.rs"));
    let rules: Vec<_> = between(&routing, " = \"", "\",").into_iter().map(quoted).collect();
    assert!(rules.len() > 15, "{rules:?}");
    assert_lists("docs/explain.md", rules);
    let peek = read(&crates.join("dialect/src/openai_chat/peek/mod.rs"));
    let blockers: Vec<_> = between(&peek, " = \"", "\",").into_iter().map(quoted).collect();
    assert!(blockers.len() > 5, "{blockers:?}");
    assert_lists("docs/dialects.md", blockers);
    assert_lists("docs/providers.md", Quirk::ALL.iter().map(|quirk| quoted(quirk.as_str())));
}

#[test]
fn the_pages_list_every_metric_and_route() {
    let crates = root().join("crates");
    let metrics = read(&crates.join("portolan/src/serve/metrics.rs"));
    let names: Vec<_> = between(&metrics, "r.register(\"", "\"").into_iter().map(|name| format!("`portolan_{name}")).collect();
    assert!(names.len() > 8, "{names:?}");
    assert_lists("docs/operations.md", names);
    let gateway = read(&crates.join("gateway/src/router.rs"));
    let control = read(&crates.join("control/src/lib.rs"));
    let routes: Vec<_> = [&gateway, &control].iter().flat_map(|code| between(code, ".route(\"", "\"")).collect();
    assert!(routes.len() > 10, "{routes:?}");
    let below_base = |route: &&str| route.trim_start_matches("/api").trim_start_matches("/v1").to_owned();
    assert_lists("docs/api.md", routes.iter().map(below_base));
}

#[test]
fn the_pages_list_every_setting_and_the_words_that_it_takes() {
    let dir = tempfile::tempdir().unwrap();
    let shown = portolan(dir.path(), "config show --json", &[]);
    let shown: serde_json::Value = serde_json::from_str(&text(&shown.stdout)).expect("JSON");
    let keys: Vec<String> = find_keys(&shown);
    assert!(keys.len() > 15, "{keys:?}");
    assert_lists("docs/configuration.md", keys.iter().map(|key| quoted(key)));
    assert_lists("docs/configuration.md", Dialect::ALL.iter().map(|one| quoted(one.as_str())));
    assert_lists("docs/configuration.md", Auth::ALL.iter().map(|one| quoted(one.as_str())));
    assert_lists("docs/configuration.md", Capability::ALL.iter().map(|one| quoted(one.as_str())));
}

/// Every `key` of the entries, however they are wrapped.
fn find_keys(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::Array(items) => items.iter().flat_map(find_keys).collect(),
        serde_json::Value::Object(fields) => {
            let own = fields.get("key").and_then(serde_json::Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(find_keys)).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn the_licence_is_the_one_that_the_manifest_names() {
    let licence = page("LICENSE");
    assert!(
        licence.contains("Apache License")
            && licence.contains("Version 2.0, January 2004")
            && licence.contains("END OF TERMS AND CONDITIONS")
    );
    assert_eq!(page_of_manifest(&root())["workspace"]["package"]["license"].as_str(), Some("Apache-2.0"));
}
