//! A stored catalog that cannot be used: the last good one stays in force, also after a restart, for it has a copy; where that is
//! damaged too, the built-in one stands in. Both are told everywhere, and the next sync mends the files.

use std::path::PathBuf;

use portolan_catalog::sync::Synced;

use super::*;

fn file(app: &TestApp) -> PathBuf {
    app.dir().join("data/catalog/synced.txt")
}

fn copy(app: &TestApp) -> PathBuf {
    app.dir().join("data/catalog/last-good.txt")
}

/// Where a text first stands, as people count lines.
fn line_of(whole: &str, part: &str) -> usize {
    1 + whole.lines().position(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part} in {whole}"))
}

/// Lays one more model over the catalog and waits until that is in force.
async fn reload_with(app: &TestApp, model: &str) {
    let table =
        format!("[[providers.openai.models]]\nid = \"{model}\"\npricing = {{ prompt = \"0.000001\", completion = \"0.000001\" }}\n");
    app.edit_config(|text| format!("{text}\n{table}"));
    app.signal("HUP");
    for _ in 0..600 {
        if listed(app).await.contains(model) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{model} never came: {}", app.output());
}

async fn listed(app: &TestApp) -> String {
    app.get("/api/v1/models").await.unwrap().1.to_string()
}

/// What the three places say: whether the source's rows are in force, and what is wrong, which all of them tell.
async fn told(app: &TestApp, kind: &str) -> (bool, String) {
    let (code, ready) = app.get("/readyz").await.unwrap();
    assert_eq!((code, &ready["ready"]), (200, &json!(true)), "a warning keeps nobody from serving: {ready}");
    let warning = ready["warnings"]["catalog"].as_str().unwrap_or_default().to_owned();
    let status = beside(app, "catalog status").1;
    let problem = status["problem"].as_str().unwrap_or_default();
    assert_eq!((&status["synced"], problem.is_empty()), (&json!(kind), warning.is_empty()), "{status}");
    assert!(warning.ends_with(problem), "{warning} {status}");
    let is_synced = status["in_force"] == "synced";
    let which = if is_synced { "the last good synced catalog" } else { "the built-in catalog" };
    assert!(warning.is_empty() || warning.starts_with(&format!("{which} is in force: catalog/synced.txt: ")), "{warning}");
    let metrics = app.metrics();
    let stands = |name: &str, value: &str| metrics.contains(&format!("{name} {value}\n"));
    assert!(stands("portolan_catalog_sync_success", if warning.is_empty() { "1" } else { "0" }), "{metrics}");
    assert_eq!(stands("portolan_catalog_synced_timestamp_seconds", "0"), !is_synced, "{metrics}");
    assert_eq!(listed(app).await.contains("acme/m1"), is_synced);
    let human = text(&portolan(app.dir(), "catalog status --data-dir data --config portolan.toml", &[]).stdout);
    assert!(human.contains(problem) && human.contains(if is_synced { "synced" } else { "builtin" }), "{human}");
    (is_synced, warning)
}

/// Asks a model that only the source has.
async fn calls(app: &TestApp) -> u16 {
    let body = json!({ "model": "acme/m1", "max_tokens": 5, "messages": [{ "role": "user", "content": "Hello" }] });
    app.chat(&body).send().await.unwrap().status
}

type Damage = fn(&str) -> (Vec<u8>, String);

/// Each makes of a good file a damaged one, and says what is to be told of it.
const DAMAGES: [(&str, Damage); 5] = [
    ("unreadable", |good| {
        let cut = good[..good.find("acme/m3").unwrap()].to_owned();
        let line = format!("at line {} ", cut.lines().count());
        (cut.into(), line)
    }),
    ("unreadable", |good| {
        let row = "\"slug\":\"acme/m4\"";
        (good.replacen(row, "\"slug\":7", 1).into(), format!("at line {} ", line_of(good, row)))
    }),
    ("unreadable", |good| (good.replacen("acme/m5", "acme/m0", 1).into(), "line 1: its checksum does not match".to_owned())),
    ("unreadable", |good| {
        let mut bytes = good.as_bytes().to_vec();
        bytes[good.find("acme/m6").unwrap()] = 0xff;
        (bytes, format!("line {}: this is not UTF-8", line_of(good, "acme/m6")))
    }),
    ("left_out", |good| {
        let mut synced = Synced::from_text(good).unwrap();
        synced.providers[0].name = Some(String::new());
        (synced.to_text().unwrap().into(), "its rows do not go with the configuration: ".to_owned())
    }),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_leaves_the_last_good_catalog_in_force_until_a_sync_mends_it_and_the_built_in_one_where_its_copy_is_damaged() {
    let source = tokio::task::spawn_blocking(Source::start).await.unwrap();
    let mut app = TestApp::start(BINARY.as_ref(), &Config::new());
    let sync = format!("catalog sync --url {}", source.url());
    assert_eq!(beside(&app, &sync).0, 0);
    for (i, (kind, damage)) in DAMAGES.into_iter().enumerate() {
        let good = std::fs::read_to_string(file(&app)).unwrap();
        let (damaged, said) = damage(&good);
        std::fs::write(file(&app), &damaged).unwrap();
        reload_with(&app, &format!("mine/m{i}")).await;
        let (is_synced, warning) = told(&app, kind).await;
        assert!(is_synced && warning.contains(&said), "{said}: {warning}");
        assert_eq!((priced(&app).await, calls(&app).await), (json!("0.0000002"), 200));
        app.says(&said);
        assert_eq!(beside(&app, "catalog show acme/m1").1["origin"], "synced");

        // The source has nothing newer, or is asked as a rehearsal, or has.
        assert_eq!(beside(&app, &format!("{sync} --dry-run")).0, 0);
        assert_eq!(std::fs::read(file(&app)).unwrap(), damaged, "a rehearsal mends nothing");
        if i == 0 {
            source.newer();
        }
        let (code, synced) = beside(&app, &sync);
        assert_eq!((code, &synced["applied"], &synced["changed"]), (0, &json!(i == 0), &json!(i == 0)), "{synced}");
        assert_eq!(told(&app, "fresh").await, (true, String::new()), "mended");
        let mended = std::fs::read_to_string(file(&app)).unwrap();
        assert!(Synced::from_text(&mended).is_ok() && (i == 0 || mended == good), "{mended}");

        // A restart takes long, and what cannot be read is all the same then.
        if !(i == 0 || kind == "left_out") {
            continue;
        }
        std::fs::write(file(&app), damage(&mended).0).unwrap();
        app.restart(BINARY.as_ref());
        let (is_synced, warning) = told(&app, kind).await;
        assert!(is_synced && warning.contains(&said) && !warning.contains("last-good.txt"), "{said}: {warning}");
        assert_eq!((priced(&app).await, calls(&app).await), (json!("0.0000002"), 200), "the copy is in force");
        assert!(listed(&app).await.contains(&format!("mine/m{i}")), "the configuration is in force");
        assert_eq!(beside(&app, &sync).0, 0);
        assert_eq!(told(&app, "fresh").await, (true, String::new()));
        assert_eq!(std::fs::read_to_string(file(&app)).unwrap(), mended, "the copy mends the file");

        for path in [file(&app), copy(&app)] {
            std::fs::write(path, damage(&mended).0).unwrap();
        }
        app.restart(BINARY.as_ref());
        let (is_synced, warning) = told(&app, kind).await;
        assert!(!is_synced && warning.contains(&said), "{said}: {warning}");
        let (of_file, of_copy) = warning.split_once("; catalog/last-good.txt: ").unwrap_or_else(|| panic!("{warning}"));
        assert!(of_file.ends_with(of_copy), "both have the same damage: {warning}");
        assert_eq!((priced(&app).await, calls(&app).await), (json!("0.00000015"), 400), "nothing is left of the source");
        assert!(listed(&app).await.contains(&format!("mine/m{i}")), "the configuration is in force");
        assert_eq!(beside(&app, &sync).0, 0);
        assert_eq!(told(&app, "fresh").await, (true, String::new()));
        for path in [file(&app), copy(&app)] {
            assert_eq!(std::fs::read_to_string(&path).map(|text| Synced::from_text(&text).is_ok()).ok(), Some(true), "{}", path.display());
        }
    }
    tokio::task::spawn_blocking(move || drop(source)).await.unwrap();
}

/// The stored provider has no name but that of the configuration.
#[tokio::test(flavor = "multi_thread")]
async fn a_synced_catalog_that_does_not_go_with_the_configuration_is_told_as_not_in_force() {
    let source = tokio::task::spawn_blocking(Source::start).await.unwrap();
    let mut app = TestApp::start(BINARY.as_ref(), &Config::new());
    assert_eq!(beside(&app, &format!("catalog sync --url {}", source.url())).0, 0);
    let mut synced = Synced::from_text(&std::fs::read_to_string(file(&app)).unwrap()).unwrap();
    synced.providers[0].name = Some(String::new());
    for path in [file(&app), copy(&app)] {
        std::fs::write(path, synced.to_text().unwrap()).unwrap();
    }
    let own = "[providers.acme]\nname = \"Acme\"\nbase_url = \"https://acme.example/v1\"\ndialect = \"openai_chat\"\n\
        [[providers.acme.models]]\nid = \"acme/own\"\npricing = { prompt = \"0.000001\", completion = \"0.000001\" }\n";
    app.edit_config(|text| format!("{text}\n{own}"));
    reload_with(&app, "mine/first").await;
    assert_eq!(told(&app, "fresh").await, (true, String::new()));

    app.edit_config(|text| text.replace(own, ""));
    reload_with(&app, "mine/second").await;
    let (is_synced, warning) = told(&app, "left_out").await;
    assert!(!is_synced && warning.contains("its rows do not go with the configuration: "), "{warning}");
    app.restart(BINARY.as_ref());
    assert_eq!(told(&app, "left_out").await, (false, warning));

    app.edit_config(|text| format!("{text}\n{own}"));
    reload_with(&app, "mine/third").await;
    assert_eq!(told(&app, "fresh").await, (true, String::new()), "without a sync");
    tokio::task::spawn_blocking(move || drop(source)).await.unwrap();
}

/// What is stored is a file and a copy of it, not two names of one file, and nothing but the owner may read either.
#[test]
fn a_sync_stores_a_copy_that_is_a_file_of_its_own() {
    use std::os::unix::fs::MetadataExt;
    let (source, dir) = (Source::start(), tempfile::tempdir().unwrap());
    let sync = format!("catalog sync --url {}", source.url());
    let paths = ["synced.txt", "last-good.txt"].map(|name| dir.path().join("data/catalog").join(name));
    let texts = || paths.each_ref().map(|path| std::fs::read_to_string(path).unwrap());
    assert_eq!(run(dir.path(), &sync).0, 0);
    let [first, copy] = texts();
    assert_eq!(first, copy);
    source.serves(12, "0.0000003");
    assert_eq!(run(dir.path(), &sync).0, 0);
    let [second, copy] = texts();
    assert!(second == copy && second != first, "each sync stores both");
    let of = paths.each_ref().map(|path| path.metadata().unwrap());
    assert_ne!(of[0].ino(), of[1].ino());
    assert!(of.iter().all(|file| file.nlink() == 1 && file.mode() & 0o777 == 0o600));
    // A copy that is gone or damaged changes nothing, and comes back with the next sync, also where nothing is newer.
    for damage in [None, Some("damaged")] {
        match damage {
            None => std::fs::remove_file(&paths[1]).unwrap(),
            Some(text) => std::fs::write(&paths[1], text).unwrap(),
        }
        assert_eq!(run(dir.path(), "catalog status").1["synced"], "fresh", "{damage:?}");
        assert_eq!(run(dir.path(), &sync).1["changed"], false, "{damage:?}");
        assert_eq!(texts(), [second.clone(), second.clone()], "{damage:?}");
    }
    // A file that is gone is no damage: somebody took it away.
    std::fs::remove_file(&paths[0]).unwrap();
    let status = run(dir.path(), "catalog status").1;
    assert_eq!((&status["synced"], &status["in_force"]), (&json!("none"), &json!("builtin")));
}
