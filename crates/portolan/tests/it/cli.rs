//! The command line from outside: exit codes, and what goes to which stream.

use crate::process::{portolan, text};

#[test]
fn help_and_version_are_data_and_wrong_arguments_are_usage_errors() {
    let dir = tempfile::tempdir().unwrap();
    for (args, code) in [
        ("--help", 0),
        ("--version", 0),
        ("keys create --help", 0),
        ("sim --help", 0),
        ("keys", 2),
        ("config", 2),
        ("unknown", 2),
        ("keys create", 2),
        ("keys create --name x --limit much", 2),
        ("logs show gen-1", 2),
        ("-o yaml keys list", 2),
    ] {
        let run = portolan(dir.path(), args, &[]);
        assert_eq!(run.status.code(), Some(code), "{args}: {}", text(&run.stderr));
        assert_eq!(run.stdout.is_empty(), code != 0, "{args}: results go to standard output, mistakes do not");
        assert_eq!(run.stderr.is_empty(), code == 0, "{args}");
    }
}

#[test]
fn a_wrong_configuration_ends_every_command_with_3_and_all_mistakes() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("portolan.toml"), "[server]\nlisten = 1\n[storage]\nurl = \"postgres://h/db\"\nreddis = \"\"\n")
        .unwrap();
    for args in ["serve", "config check", "config show", "keys list", "keys create --name x"] {
        let run = portolan(dir.path(), args, &[]);
        assert_eq!(run.status.code(), Some(3), "{args}");
        assert!(run.stdout.is_empty(), "{args}");
        let said = text(&run.stderr);
        for part in ["portolan.toml:2:10: server.listen", "portolan.toml:4:7: storage.url", "portolan.toml:5:1: storage.reddis", "`redis`"]
        {
            assert!(said.contains(part), "{args}: {part} is missing in {said}");
        }
    }
    let run = portolan(dir.path(), "config check --json", &[]);
    assert_eq!(run.status.code(), Some(3));
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((json["ok"].as_bool(), json["problems"].as_array().map(Vec::len)), (Some(false), Some(3)));
}

#[test]
fn a_configuration_file_is_found_where_it_was_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine.toml"), "[server]\nlisten = \"127.0.0.1:9\"\n").unwrap();
    let by_flag = portolan(dir.path(), "config show --origin --config mine.toml", &[]);
    assert!(text(&by_flag.stdout).contains("mine.toml:2"), "{}", text(&by_flag.stdout));
    let by_variable = portolan(dir.path(), "config check", &[("PORTOLAN_CONFIG", "mine.toml")]);
    assert_eq!((by_variable.status.code(), text(&by_variable.stdout).as_str()), (Some(0), "ok (mine.toml)\n"));
    let gone = portolan(dir.path(), "config check --config gone.toml", &[]);
    assert_eq!(gone.status.code(), Some(3));
    assert!(text(&gone.stderr).contains("gone.toml"));
}

#[test]
fn config_show_masks_secrets_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("portolan.toml"), "[providers.mine]\nbase_url = \"http://127.0.0.1:1/v1\"\ndialect = \"openai_chat\"\napi_key = \"${env:MINE}\"\n[[providers.mine.models]]\nid = \"a/b\"\npricing = { prompt = \"0\", completion = \"0\" }\n").unwrap();
    for args in ["config show", "config show --origin", "config show --json", "config show --origin -o json"] {
        let run = portolan(dir.path(), args, &[("MINE", "secret-0123456789abcdef")]);
        let shown = text(&run.stdout);
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
        assert!(shown.contains("sec...def") && !shown.contains("0123456789"), "{args}: {shown}");
    }
}
