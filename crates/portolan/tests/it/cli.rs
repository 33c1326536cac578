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

/// Runs lines of a shell in a folder.
fn shell(dir: &std::path::Path, lines: &str) -> std::process::Output {
    let own = std::path::Path::new(env!("CARGO_BIN_EXE_portolan")).parent().unwrap();
    let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", lines]).current_dir(dir).env_clear().env("HOME", dir).env("PATH", path).output().expect("there is a shell")
}

#[test]
fn the_examples_of_the_help_texts_work_as_they_are_written() {
    let body = r#"{"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}"#;
    for (command, count) in [("", 3), ("keys create", 2), ("explain", 2)] {
        // An example may rest on those before it in the same text, and on the key that the first start makes.
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("body.json"), body).unwrap();
        assert!(portolan(dir.path(), "keys create --name first", &[]).status.success());
        let help = text(&portolan(dir.path(), &format!("{command} --help"), &[]).stdout);
        let (_, after) = help.split_once("Example").expect("there are examples");
        let lines = after.lines().skip(1).take_while(|line| line.starts_with("  "));
        // What is done, without what it is for. The one serves until it is stopped, the other has a place for an id.
        let lines = lines.map(|line| line.trim().split("  ").next().unwrap());
        let lines: Vec<&str> = lines.filter(|line| *line != "portolan" && !line.contains("GEN_ID")).collect();
        assert_eq!(lines.len(), count, "{help}");
        assert!(lines.iter().all(|line| !line.ends_with("portolan")), "a line is broken: {help}");
        let run = shell(dir.path(), &format!("set -e\n{}", lines.join("\n")));
        assert!(run.status.success() && !run.stdout.is_empty(), "{help}: {}{}", text(&run.stdout), text(&run.stderr));
    }
}

#[test]
fn an_explanation_shows_its_notes() {
    let dir = tempfile::tempdir().unwrap();
    assert!(portolan(dir.path(), "keys create --name first", &[]).status.success());
    let provider = r#""provider": {"ignore": ["foo"], "order": ["azure/swedncentral"]}"#;
    let body = format!(r#"{{"model": "openai/gpt-4o-mini", "messages": [{{"role": "user", "content": "Hi"}}], {provider}}}"#);
    std::fs::write(dir.path().join("body.json"), body).unwrap();
    let run = portolan(dir.path(), "explain body.json", &[]);
    let told = text(&run.stdout);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let notes: Vec<&str> = told.lines().filter(|line| line.starts_with("note: ")).collect();
    assert_eq!(notes.len(), 2, "{told}");
    assert!(notes.contains(&"note: provider.ignore: no provider is called foo"), "{told}");
    assert!(notes.iter().any(|note| note.starts_with("note: provider.order: ") && note.contains("azure/swedncentral")), "{told}");
    assert!(told.rfind(" eligible ").is_some_and(|row| told.find("note: ") > Some(row)), "they stand below the table: {told}");
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

/// A provider of one's own, up to its columns that a case adds; a model of it, up to its columns.
const OWN: &str = "[providers.mine]\ndialect = \"openai_chat\"\n";
const MODEL: &str = "[[providers.mine.models]]\n";
const URL: &str = "base_url = \"http://127.0.0.1:1/v1\"\n";
const PRICED: &str = "pricing = { prompt = \"0\", completion = \"0\" }\n";

fn attests(endpoints: &str, what: &str) -> String {
    format!("[[attestations]]\nendpoints = \"{endpoints}\"\n{what}\nby = \"Jane Doe\"\non = \"2024-11-20\"\n")
}

fn own_model(columns: &str) -> String {
    format!("{OWN}{URL}{MODEL}{columns}{PRICED}")
}

/// Broken files, and each line that is told of them.
fn broken() -> Vec<(String, Vec<&'static str>)> {
    let one = |toml: String, line: &'static str| (toml, vec![line]);
    vec![
        one(
            attests("mistrall", "zdr = true"),
            "2:13: attestations[0].endpoints: `mistrall` is no provider and no tag of the catalog (did you mean `mistral`?); write one that `portolan catalog show MODEL` lists",
        ),
        one(
            attests("azure/ue", "zdr = true"),
            "2:13: attestations[0].endpoints: `azure/ue` is no provider and no tag of the catalog (did you mean `azure/eu`?); write one that `portolan catalog show MODEL` lists",
        ),
        one(
            attests("azure/eu", "area = \"us\""),
            "3:8: attestations[0].area: `azure/eu` stands in eu, so nobody can attest us; write area = \"eu\", or name other endpoints",
        ),
        (
            attests("groq", "area = \"us\"") + &attests("groq", "area = \"eu\"") + &attests("nobody-at-all", "zdr = true"),
            vec![
                "8:8: attestations[1].area: attestations[0] says that `groq` stands in us; remove one of the two",
                "12:13: attestations[2].endpoints: `nobody-at-all` is no provider and no tag of the catalog; write one that `portolan catalog show MODEL` lists",
            ],
        ),
        one(attests("groq", "zdr = false"), "3:7: attestations[0].zdr: vouches for nothing: write true, or remove this setting"),
        one(
            attests("groq", "area = \"us\"\nzdr = false"),
            "4:7: attestations[0].zdr: vouches for nothing: write true, or remove this setting",
        ),
        one(
            attests("groq", "area = \"ue\""),
            "3:8: attestations[0].area: expected one of \"eu\", \"us\", found `ue`; did you mean \"eu\"?",
        ),
        one(attests("groq", "aera = \"us\""), "3:1: attestations[0].aera: unknown key; did you mean `area`?"),
        one(attests("groq", ""), "1:1: attestations[0]: vouches for nothing: write area = \"eu\" (or \"us\"), zdr = true, or both"),
        one(
            "[region]\nhere = \"eu\"\nconfine = \"us\"\n".to_owned(),
            "3:11: region.confine: is not where this instance stands (here = \"eu\"): it would serve nothing",
        ),
        one(
            format!("{OWN}{URL}data_policy = {{ retains_prompts = false, retention_days = 30 }}\n{MODEL}id = \"a/b\"\n{PRICED}"),
            "4:59: providers.mine.data_policy.retention_days: is above 0 where retains_prompts = false; remove one of the two",
        ),
        one(
            format!("{OWN}{URL}data_policy = {{ trains = false }}\n{MODEL}id = \"a/b\"\n{PRICED}"),
            "4:17: providers.mine.data_policy.trains: unknown key; known here: training, retains_prompts, retention_days, can_publish",
        ),
        one(
            own_model("id = \"openrouter/auto\"\n"),
            "5:6: providers.mine.models[0].id: `openrouter/auto` is a router, which chooses among models and is served by nobody; choose another name",
        ),
        one(
            own_model("id = \"portolan/auto\"\n"),
            "5:6: providers.mine.models[0].id: `portolan/auto` is a router, which chooses among models and is served by nobody; choose another name",
        ),
        one(
            own_model("id = \"portolan/free\"\n"),
            "5:6: providers.mine.models[0].id: `portolan/free` is a router, which chooses among models and is served by nobody; choose another name",
        ),
        one(
            own_model("id = \"~anthropic/claude-haiku-latest\"\n"),
            "5:6: providers.mine.models[0].id: `~anthropic/claude-haiku-latest` is another name of `anthropic/claude-haiku-4.5`; write id = \"anthropic/claude-haiku-4.5\", or choose another name",
        ),
        one(
            own_model("id = \"simulator/mine\"\n"),
            "5:6: providers.mine.models[0].id: is a name of the simulator; choose one that does not begin with `simulator/`",
        ),
        one(
            own_model("id = \"a/b:nitro\"\n"),
            "5:6: providers.mine.models[0].id: `a/b:nitro` cannot be the name of a model: it names a variant that belongs to requests; choose another name, such as `a/b`",
        ),
        one(
            own_model("id = \"a/b:floor\"\n"),
            "5:6: providers.mine.models[0].id: `a/b:floor` cannot be the name of a model: it names a variant that belongs to requests; choose another name, such as `a/b`",
        ),
        one(
            own_model("id = \"a/b:exacto\"\n"),
            "5:6: providers.mine.models[0].id: `a/b:exacto` cannot be the name of a model: it names a variant that belongs to requests; choose another name, such as `a/b`",
        ),
        one(
            own_model("id = \"a/b:online\"\n"),
            "5:6: providers.mine.models[0].id: `a/b:online` cannot be the name of a model: it names a variant that belongs to requests; choose another name, such as `a/b`",
        ),
        one(
            own_model("id = \"a/b:batch\"\n"),
            "5:6: providers.mine.models[0].id: `a/b:batch` cannot be the name of a model: it names a variant that belongs to requests; choose another name, such as `a/b`",
        ),
        one(
            own_model("id = \"a/b:Nitro\"\n"),
            "5:6: providers.mine.models[0].id: `a/b:Nitro` cannot be the name of a model: it names a variant that belongs to requests; choose another name, such as `a/b`",
        ),
        one(
            own_model("id = \"a/b:free:nitro\"\n"),
            "5:6: providers.mine.models[0].id: `a/b:free:nitro` cannot be the name of a model: it names a variant that belongs to requests; choose another name, such as `a/b`",
        ),
        one(
            own_model("id = \"a/b:free:thinking\"\n"),
            "5:6: providers.mine.models[0].id: `a/b:free:thinking` cannot be the name of a model: it names two variants; choose another name, such as `a/b`",
        ),
        one(own_model("id = \"a/b\"\n") + MODEL + "id = \"a/b\"\n" + PRICED, "8:6: providers.mine.models[1].id: `a/b` is listed twice"),
        one(
            own_model("id = \"a/b\"\ncontext_length = 8\nmax_output = 9\n"),
            "7:14: providers.mine.models[0].max_output: is larger than context_length (8)",
        ),
        one(
            format!("{OWN}{URL}{MODEL}id = \"a/b\"\npricing = {{ prompt = \"-1\", completion = \"0\" }}\n"),
            "6:22: providers.mine.models[0].pricing.prompt: expected US dollars per unit as decimal text in quotes, such as \"0.0000002\", found `-1`",
        ),
        one(
            format!("{OWN}{URL}auth = \"none\"\napi_key = \"k\"\n{MODEL}id = \"a/b\"\n{PRICED}"),
            "5:11: providers.mine.api_key: is set, but `auth = \"none\"` never sends it; remove one of the two",
        ),
        one(
            format!("{OWN}base_url = \"http://127.0.0.1:0/v1\"\n{MODEL}id = \"a/b\"\n{PRICED}"),
            "3:12: providers.mine.base_url: cannot be called: the port is no number from 1 to 65535",
        ),
        one(
            format!("{OWN}base_url = \"http://127.0.0.1/a@b\"\n{MODEL}id = \"a/b\"\n{PRICED}"),
            "3:12: providers.mine.base_url: must not hold an @ in its path; write %40",
        ),
        one(
            own_model("id = \"a/b\"\n").replace("mine", "simulator"),
            "1:1: providers.simulator: is the name of the simulator, which has no columns; choose another name",
        ),
        one(
            "[logging]\nlevel = \"infoo\"\n".to_owned(),
            "2:9: logging.level: expected a level (\"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\") or levels by target such as \"info,portolan_engine=debug\", found `infoo`",
        ),
        one("[timeouts]\nidle = \"0s\"\n".to_owned(), "2:8: timeouts.idle: must be longer than zero"),
    ]
}

/// The exit code of a command, and each mistake that it told, without the name of the file.
fn told(dir: &std::path::Path, args: &str, env: &[(&str, &str)]) -> (Option<i32>, Vec<String>) {
    let run = portolan(dir, &format!("{args} --config portolan.toml --data-dir data"), env);
    let said = text(&run.stderr);
    let lines = said.lines().filter(|line| *line != "error:").map(|line| line.trim_start_matches("error: "));
    (run.status.code(), lines.map(|line| line.trim_start_matches("portolan.toml:").to_owned()).collect())
}

#[test]
fn config_check_and_serve_find_the_same_mistakes_and_name_their_lines() {
    // Whatever comes as far as listening fails at that: no server is left running.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let env = [("PORTOLAN_SERVER__LISTEN", address.as_str())];
    let dir = tempfile::tempdir().unwrap();
    let told = |args: &str| told(dir.path(), args, &env);
    std::fs::write(dir.path().join("portolan.toml"), own_model("id = \"a/b\"\n") + &attests("mine", "zdr = true")).unwrap();
    assert_eq!(told("config check"), (Some(0), vec![]));
    assert_eq!(told("serve").0, Some(1), "this one may be served");
    for (toml, lines) in broken() {
        std::fs::write(dir.path().join("portolan.toml"), &toml).unwrap();
        let expected = (Some(3), lines.into_iter().map(str::to_owned).collect());
        assert_eq!(told("config check"), expected, "{toml}");
        assert_eq!(told("serve"), expected, "{toml}");
    }
    assert!(!dir.path().join("data").exists(), "a mistake leaves nothing behind");
}

#[test]
fn a_data_directory_whose_name_is_too_long_for_its_socket_is_a_mistake_of_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let long = "d".repeat(120);
    for args in ["serve", "config check"] {
        let run = portolan(dir.path(), &format!("{args} --data-dir {long}"), &[]);
        assert_eq!(run.status.code(), Some(3), "{args}");
        assert!(
            text(&run.stderr).contains("flag --data-dir: data_dir: is too long: admin.sock in it is a path of 131 bytes"),
            "{}",
            text(&run.stderr)
        );
    }
}
