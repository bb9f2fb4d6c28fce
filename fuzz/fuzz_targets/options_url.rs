//! The option segment of a URL: parsed, planned, printed, read back and laid out.
#![no_main]

use calotype_fuzz::plans::check_options;
use calotype_plan::{Limits, Options};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|segment: &str| {
    let limits = Limits::default();
    if let Ok(options) = Options::parse_url(segment, &limits) {
        check_options(&options, &limits);
    }
});
