//! The canonical print, which comes back from caches and from `calotype explain`.
#![no_main]

use calotype_fuzz::plans::check_plan;
use calotype_plan::{Limits, Plan};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let limits = Limits::default();
    if let Ok(plan) = Plan::from_canonical(text, &limits) {
        check_plan(&plan, &limits);
    }
});
