//! The planner over the catalog that the program carries, whatever is in it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use portolan_catalog::Catalog;
use portolan_core::Preferences;
use portolan_routing::{Ask, Bind, Bindings, NoFailures, plan};

#[test]
fn every_callable_endpoint_is_found_by_its_tag() {
    let catalog = Catalog::builtin();
    let bindings = Bindings::new(&catalog, |_, _| Bind::Real);
    let mut found = 0;
    for endpoint in catalog.endpoints.iter().filter(|endpoint| endpoint.callable.is_ok()) {
        let models = [catalog.model_at(endpoint.model).slug.clone()];
        let preferences = Preferences { only: vec![endpoint.tag.clone()], ..Preferences::default() };
        let ask = Ask { task: endpoint.task, ..Ask::new(&models, &preferences) };
        let made = plan(&catalog, &bindings, &ask, &NoFailures);
        let made = made.unwrap_or_else(|none| panic!("{} at {}: {}", models[0], endpoint.tag, none.message(&catalog, &ask)));
        assert!(made.attempts.iter().any(|choice| choice.endpoint == endpoint.ix), "{} at {}", models[0], endpoint.tag);
        assert!(made.attempts.iter().all(|choice| catalog.endpoint(choice.endpoint).provider == endpoint.provider));
        found += 1;
    }
    assert!(found > 50, "{found} callable endpoints");
}
