//! An options object (`cf.image`, a variant, one node of the binding) as JSON text, at every door that takes one.
#![no_main]

use calotype_fuzz::plans::check_options;
use calotype_plan::{Door, Limits, Options};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let limits = Limits::default();
    for door in [Door::Object, Door::Variant, Door::Binding] {
        if let Ok(options) = Options::parse_json(text, door, &limits) {
            check_options(&options, &limits);
        }
    }
});
