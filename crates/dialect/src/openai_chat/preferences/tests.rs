use super::*;

fn reading(json: &str) -> Result<Preferences> {
    read(&mut Reader::new(json))
}

/// What a request states, as records write it.
fn written(json: &str) -> String {
    serde_json::to_string(&reading(json).unwrap_or_else(|e| panic!("{json}: {e}"))).unwrap()
}

#[test]
fn every_preference_is_kept_as_it_was_meant() {
    for (json, want) in [
        ("{}", "{}"),
        (
            r#"{"order":["openai","azure/eu"],"only":["openai"],"ignore":["x"]}"#,
            r#"{"order":["openai","azure/eu"],"only":["openai"],"ignore":["x"]}"#,
        ),
        (r#"{"allow_fallbacks":false,"require_parameters":true}"#, r#"{"allow_fallbacks":false,"require_parameters":true}"#),
        (r#"{"allow_fallbacks":true,"require_parameters":false,"zdr":false,"enforce_distillable_text":false}"#, "{}"),
        (r#"{"data_collection":"allow"}"#, "{}"),
        (r#"{"data_collection":"deny","zdr":true}"#, r#"{"deny_data_collection":true,"zdr":true}"#),
        (r#"{"enforce_distillable_text":true}"#, r#"{"enforce_distillable_text":true}"#),
        (
            r#"{"quantizations":["int4","int8","fp4","mxfp4","nvfp4","fp6","fp8","mxfp8","fp16","bf16","fp32","unknown","fp8"]}"#,
            r#"{"quantizations":["int4","int8","fp4","mxfp4","nvfp4","fp6","fp8","mxfp8","fp16","bf16","fp32","unknown"]}"#,
        ),
        (r#"{"quantizations":[]}"#, "{}"),
        (r#"{"sort":"price"}"#, r#"{"sort":{"by":"price","partition":"model"}}"#),
        (r#"{"sort":"exacto"}"#, r#"{"sort":{"by":"exacto","partition":"model"}}"#),
        (r#"{"sort":{"by":"throughput"}}"#, r#"{"sort":{"by":"throughput","partition":"model"}}"#),
        (r#"{"sort":{"partition":"none","by":"latency"}}"#, r#"{"sort":{"by":"latency","partition":"none"}}"#),
        (r#"{"sort":{"by":null,"partition":null}}"#, "{}"),
        (r#"{"sort":{"partition":"none"}}"#, "{}"),
        (r#"{"preferred_min_throughput":50}"#, r#"{"preferred_min_throughput":{"p50":50.0}}"#),
        (r#"{"preferred_max_latency":2.5e-1}"#, r#"{"preferred_max_latency":{"p50":0.25}}"#),
        (
            r#"{"preferred_max_latency":{"p50":1,"p75":2,"p90":3,"p99":null}}"#,
            r#"{"preferred_max_latency":{"p50":1.0,"p75":2.0,"p90":3.0}}"#,
        ),
        (
            r#"{"preferred_min_throughput":0,"preferred_max_latency":0.0}"#,
            r#"{"preferred_min_throughput":{"p50":0.0},"preferred_max_latency":{"p50":0.0}}"#,
        ),
        (r#"{"preferred_max_latency":{"p50":0,"p99":0}}"#, r#"{"preferred_max_latency":{"p50":0.0,"p99":0.0}}"#),
        (r#"{"preferred_min_throughput":{"p99":9}}"#, r#"{"preferred_min_throughput":{"p99":9.0}}"#),
        (r#"{"preferred_min_throughput":{},"preferred_max_latency":{"p50":null}}"#, "{}"),
        (r#"{"max_price":{}}"#, "{}"),
        (r#"{"options":{ }}"#, "{}"),
    ] {
        assert_eq!(written(json), want, "{json}");
    }
}

#[test]
fn ceilings_are_exact_and_what_is_finer_than_a_picodollar_is_rounded_down() {
    for (json, want) in [
        (r#"{"prompt":1,"completion":"2.5"}"#, r#"{"prompt":"0.000001","completion":"0.0000025"}"#),
        (r#"{"prompt":0,"completion":"0"}"#, r#"{"prompt":"0","completion":"0"}"#),
        (r#"{"prompt":1e-6,"completion":"1E-6"}"#, r#"{"prompt":"0.000000000001","completion":"0.000000000001"}"#),
        (r#"{"prompt":0.0000019,"completion":1e-7}"#, r#"{"prompt":"0.000000000001","completion":"0"}"#),
        // No float holds it: 0.1 + 0.2.
        (r#"{"prompt":0.3,"completion":0.30000000000000004}"#, r#"{"prompt":"0.0000003","completion":"0.0000003"}"#),
        (r#"{"request":0.01,"image":"4e-2","audio":1}"#, r#"{"request":"0.01","image":"0.04","audio":"1"}"#),
        (r#"{"prompt":null,"audio":"\u0031"}"#, r#"{"audio":"1"}"#),
    ] {
        assert_eq!(written(&format!("{{\"max_price\":{json}}}")), format!("{{\"max_price\":{want}}}"), "{json}");
    }
}

#[test]
fn null_is_absent_everywhere() {
    for name in KEYS {
        assert_eq!(written(&format!("{{\"{name}\":null}}")), "{}", "{name}");
    }
}

#[test]
fn a_wrong_value_is_refused_by_its_path_and_with_its_remedy() {
    for (json, want) in [
        ("[]", "provider: must be an object, not an array"),
        (r#"{"order":"openai"}"#, "provider.order: must be an array, not a string"),
        (r#"{"only":["openai",7]}"#, "provider.only[1]: must be a string, not a number"),
        (r#"{"ignore":[null]}"#, "provider.ignore[0]: must be a string, not null"),
        (r#"{"order":[""]}"#, "provider.order[0]: is empty; name a provider, or leave the entry out"),
        (r#"{"only":["openai"," \t"]}"#, "provider.only[1]: is empty; name a provider, or leave the entry out"),
        (r#"{"ignore":["x","","y"]}"#, "provider.ignore[1]: is empty; name a provider, or leave the entry out"),
        (r#"{"allow_fallbacks":"no"}"#, "provider.allow_fallbacks: must be a boolean, not a string"),
        (r#"{"require_parameters":1}"#, "provider.require_parameters: must be a boolean, not a number"),
        (r#"{"zdr":"true"}"#, "provider.zdr: must be a boolean, not a string"),
        (r#"{"zdr":true,"zdr":false}"#, "provider.zdr: stands twice"),
        (r#"{"enforce_distillable_text":{}}"#, "provider.enforce_distillable_text: must be a boolean, not an object"),
        (r#"{"data_collection":"Deny"}"#, "provider.data_collection: must be allow or deny"),
        (r#"{"data_collection":false}"#, "provider.data_collection: must be a string, not a boolean"),
        (
            r#"{"quantizations":["fp8","q4"]}"#,
            "provider.quantizations[1]: must be one of int4, int8, fp4, mxfp4, nvfp4, fp6, fp8, mxfp8, fp16, bf16, fp32, unknown",
        ),
        (r#"{"quantizations":"fp8"}"#, "provider.quantizations: must be an array, not a string"),
        (r#"{"sort":"speed"}"#, "provider.sort: must be price, throughput, latency or exacto"),
        (r#"{"sort":1}"#, "provider.sort: must be price, throughput, latency or exacto, or an object with by and partition"),
        (r#"{"sort":{"by":"speed"}}"#, "provider.sort.by: must be price, throughput, latency or exacto"),
        (r#"{"sort":{"by":"price","partition":"all"}}"#, "provider.sort.partition: must be model or none"),
        (r#"{"preferred_min_throughput":-0.1}"#, "provider.preferred_min_throughput: must be a number from 0 that is not out of range"),
        (r#"{"preferred_max_latency":-1}"#, "provider.preferred_max_latency: must be a number from 0 that is not out of range"),
        (
            r#"{"preferred_min_throughput":{"p75":-1}}"#,
            "provider.preferred_min_throughput.p75: must be a number from 0 that is not out of range",
        ),
        (
            r#"{"preferred_max_latency":{"p90":1e999}}"#,
            "provider.preferred_max_latency.p90: must be a number from 0 that is not out of range",
        ),
        (r#"{"preferred_max_latency":{"p75":"1"}}"#, "provider.preferred_max_latency.p75: must be a number, not a string"),
        (r#"{"preferred_max_latency":"1"}"#, "provider.preferred_max_latency: must be a number or an object of p50, p75, p90 and p99"),
        (r#"{"max_price":1}"#, "provider.max_price: must be an object, not a number"),
        (r#"{"max_price":{"prompt":-1}}"#, "provider.max_price.prompt: must not be negative"),
        (
            r#"{"max_price":{"completion":"1 USD"}}"#,
            r#"provider.max_price.completion: must be a number of US dollars, such as 0.5 or "0.5""#,
        ),
        (r#"{"max_price":{"request":true}}"#, r#"provider.max_price.request: must be a number of US dollars, such as 0.5 or "0.5""#),
        (r#"{"max_price":{"image":1e30}}"#, "provider.max_price.image: is too large; leave it out to set no bound"),
        (r#"{"max_price":{"prompt":1,"prompt":2}}"#, "provider.max_price.prompt: stands twice"),
    ] {
        let error = reading(json).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.rule()), (want, "invalid_request"), "{json}");
    }
}

#[test]
fn what_nobody_knows_may_restrict_and_is_refused_with_the_nearest_known_name() {
    for (json, want) in [
        (r#"{"zrd":true}"#, "provider.zrd: is not known; did you mean zdr?"),
        (r#"{"allow_fallback":false}"#, "provider.allow_fallback: is not known; did you mean allow_fallbacks?"),
        (
            r#"{"regions":["eu"]}"#,
            "provider.regions: is not known; leave it out, or use one of order, only, ignore, allow_fallbacks, require_parameters, \
             data_collection, zdr, enforce_distillable_text, quantizations, sort, preferred_min_throughput, preferred_max_latency, \
             max_price, options",
        ),
        (r#"{"options":{"openai":{}}}"#, "provider.options: only {} is supported here"),
        (r#"{"options":[]}"#, "provider.options: only {} is supported here"),
        (r#"{"max_price":{"completions":1}}"#, "provider.max_price.completions: is not known; did you mean completion?"),
        (
            r#"{"preferred_max_latency":{"max":1}}"#,
            "provider.preferred_max_latency.max: is not known; leave it out, or use one of p50, p75, p90, p99",
        ),
        (r#"{"sort":{"By":"price"}}"#, "provider.sort.By: is not known; did you mean by?"),
    ] {
        let error = reading(json).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.rule()), (want, "not_supported"), "{json}");
    }
}
