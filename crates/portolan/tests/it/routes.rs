//! Invariant 1, at the door: every route of the gateway is known here, and those that are not public ask for a key.

use std::path::Path;

use portolan_testkit::{Config, Request, TestApp};

use crate::BINARY;

/// What anyone may see: the catalog, and whether the process is well. Everything else needs a key.
/// With it what it answers to anyone: the model that is asked for here makes no images.
const PUBLIC: &[(&str, u16)] = &[
    ("/models", 200),
    ("/models/count", 200),
    ("/models/{model}", 200),
    ("/models/{author}/{slug}/endpoints", 200),
    ("/model/{author}/{slug}", 200),
    ("/endpoints/zdr", 200),
    ("/embeddings/models", 200),
    ("/images/models", 200),
    ("/images/models/{author}/{slug}/endpoints", 404),
    ("/videos/models", 200),
    ("/providers", 200),
    ("/healthz", 200),
    ("/readyz", 200),
];

/// Where the router nests the API.
const PREFIXES: &[&str] = &["/api/v1", "/v1"];

struct Route {
    path: String,
    methods: Vec<String>,
}

/// The routes as the source of the router lists them: a route that is added there is tested here.
fn routes() -> Vec<Route> {
    let source = std::fs::read_to_string(gateway().join("router.rs")).unwrap();
    let listed: Vec<Route> = source.lines().filter_map(|line| line.trim().split_once(".route(\"").map(|(_, rest)| route(rest))).collect();
    assert_eq!(listed.len(), source.matches(".route(").count(), "a route is not on a line of its own");
    listed
}

fn route(rest: &str) -> Route {
    let (path, handlers) = rest.split_once('"').expect("the path ends");
    let known = ["get", "post", "put", "patch", "delete"];
    let methods: Vec<_> = known.iter().filter(|m| handlers.contains(&format!("{m}("))).map(|m| m.to_uppercase()).collect();
    assert!(!methods.is_empty(), "{rest}: no method that this test knows");
    Route { path: path.to_owned(), methods }
}

fn gateway() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/src")
}

#[test]
fn routes_are_made_in_one_file_and_in_one_way() {
    let mut folders = vec![gateway()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            let is_router = path.ends_with("router.rs");
            for what in [".route(", ".nest(", ".merge(", "Router::new()"] {
                assert!(is_router || !source.contains(what), "{what} in {}: this test cannot see it", path.display());
            }
            for what in [".route_service(", ".nest_service(", ".fallback_service(", "routing::any"] {
                assert!(!source.contains(what), "{what} in {}: this test cannot see it", path.display());
            }
        }
    }
}

/// A path that stands in the router and in no `.route(` is a way past this file.
#[test]
fn every_path_in_the_router_is_that_of_a_route() {
    let source = std::fs::read_to_string(gateway().join("router.rs")).unwrap();
    let routes = routes();
    let named: Vec<&str> = source.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/')).collect();
    assert!(named.len() >= routes.len());
    for path in named {
        assert!(PREFIXES.contains(&path) || routes.iter().any(|r| r.path == path), "{path} is in router.rs and no route");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_is_not_public_asks_for_a_key_before_anything_else() {
    let app = TestApp::start(BINARY.as_ref(), &Config::new());
    let routes = routes();
    for (public, _) in PUBLIC {
        assert!(routes.iter().any(|r| r.path == *public), "{public} is public and no route");
    }
    let mut asked = 0;
    for route in &routes {
        let path = route
            .path
            .replace("{author}", "openai")
            .replace("{slug}", "gpt-4o-mini")
            .replace("{model}", "openai%2Fgpt-4o-mini")
            .replace("{id}", "gen-1760000000-abcdefghij0123456789");
        assert!(!path.contains('{'), "{path}: this test does not know that parameter");
        let is_whole =
            ["/healthz", "/readyz"].contains(&path.as_str()) || PREFIXES.iter().any(|prefix| path.starts_with(&format!("{prefix}/")));
        for prefix in if is_whole { &[""] } else { PREFIXES } {
            for method in &route.methods {
                let plain = Request::new(app.address, method, &format!("{prefix}{path}"));
                // Neither a body that is wrong nor one that is too large may be looked at first.
                for request in [plain.clone(), plain.clone().body("{"), plain.bearer(&format!("sk-or-v1-{}", "00".repeat(32)))] {
                    let answer = request.send().await.unwrap();
                    if let Some((_, status)) = PUBLIC.iter().find(|(public, _)| *public == route.path) {
                        assert_eq!(answer.status, *status, "{method} {prefix}{path}: {}", answer.text());
                    } else {
                        assert_eq!(answer.status, 401, "{method} {prefix}{path}: {}", answer.text());
                        asked += 1;
                    }
                }
            }
        }
    }
    assert!(asked >= 7 * 3, "{asked} requests without a key were tried");
    assert!(!app.metrics().contains("portolan_generations_total{"), "something was generated without a key");
}
