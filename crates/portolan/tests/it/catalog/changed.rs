//! Rows of the configuration over those of built-in providers: what they state wins, the rest stays, and the origins tell which is which.

use super::*;

fn configured(models: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("portolan.toml"), models).unwrap();
    dir
}

#[test]
fn a_row_for_a_known_model_changes_what_it_states_and_its_origins_tell_that() {
    let row_of = |provider: &str, model: &str, columns: &str| format!("[[providers.{provider}.models]]\nid = \"{model}\"\n{columns}\n");
    let prices = "pricing = { prompt = \"0.000007\", completion = \"0.000009\" }";
    let dir = configured(
        &[
            row_of("openai", "openai/gpt-4o-mini", prices),
            row_of("anthropic", "anthropic/claude-opus-4.7-fast", prices),
            row_of("deepinfra", "openai/gpt-oss-120b", "tag = \"deepinfra/turbo\"\nmax_output = 1000"),
        ]
        .concat(),
    );
    let builtin = configured("");
    let warned = portolan(dir.path(), "config check --data-dir data", &[]);
    assert_eq!((warned.status.code(), text(&warned.stderr).as_str()), (Some(0), ""), "{}", text(&warned.stdout));
    // model, endpoint, the columns that are the configuration's
    for (model, tag, changed) in [
        ("openai/gpt-4o-mini", "openai", &["prices"][..]),
        ("anthropic/claude-opus-4.7-fast", "anthropic", &["prices"]),
        ("openai/gpt-oss-120b", "deepinfra/turbo", &["max_output"]),
    ] {
        let show = |dir: &Path| row(&run(dir, &format!("catalog show {model}")).1["endpoints"], "endpoint", tag).clone();
        let (old, new) = (show(builtin.path()), show(dir.path()));
        for (column, origin) in new["origins"].as_object().unwrap() {
            let is_changed = changed.contains(&column.as_str());
            assert_eq!(origin, if is_changed { "configuration" } else { "builtin" }, "{model} {column}");
            assert_eq!(old[column] == new[column], !is_changed, "{model} {column}: {} {}", old[column], new[column]);
        }
        assert_eq!((&old["callable"], &new["origin"]), (&new["callable"], &json!("configuration")), "{model}");
    }
    assert!(
        run(dir.path(), "catalog show anthropic/claude-opus-4.7-fast").1["endpoints"][0]["callable"].as_str().unwrap().contains("setting")
    );
}

#[test]
fn a_row_that_may_mean_several_endpoints_is_refused_at_its_line() {
    // what stands in the row, what is said
    for (columns, said) in [
        (
            "",
            "portolan.toml:2:6: providers.deepinfra.models[0].id: `openai/gpt-oss-120b` has several endpoints at deepinfra; say which one with tag, of `deepinfra/bf16`, `deepinfra/turbo`",
        ),
        (
            "tag = \"deepinfra/fp4\"",
            "portolan.toml:3:7: providers.deepinfra.models[0].tag: is `deepinfra/fp4`, which deepinfra does not have of openai/gpt-oss-120b; write one of `deepinfra/bf16`, `deepinfra/turbo`",
        ),
    ] {
        let dir = configured(&format!("[[providers.deepinfra.models]]\nid = \"openai/gpt-oss-120b\"\n{columns}\n"));
        let check = portolan(dir.path(), "config check --data-dir data", &[]);
        assert_eq!(check.status.code(), Some(3));
        assert!(text(&check.stderr).contains(said), "{}", text(&check.stderr));
    }
}
