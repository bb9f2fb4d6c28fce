//! A binding call's form.
//!
//! The input is text: four lines (output format, quality, background, anim; `-` is an absent field), a line for each layer (`image`, or the JSON
//! of a text), an empty line, and the JSON of the `transforms` part.
#![no_main]

use calotype_fuzz::plans::check_plan;
use calotype_plan::{BindingForm, BindingLayer, Limits, OutputFields};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|text: &str| -> Corpus {
    let limits = Limits::default();
    let Some((head, transforms)) = text.split_once("\n\n") else {
        return Corpus::Reject;
    };
    let mut lines = head.split('\n');
    let format = lines.next().unwrap_or_default();
    let mut field = || lines.next().filter(|line| *line != "-");
    let output = OutputFields {
        format,
        quality: field(),
        background: field(),
        anim: field(),
    };
    let layers = lines
        .map(|line| match line {
            "image" => BindingLayer::Image,
            json => BindingLayer::Text(json),
        })
        .collect();
    let form = BindingForm {
        layers,
        transforms,
        output,
    };
    if let Ok(binding) = form.parse(&limits) {
        check_plan(&binding.plan, &limits);
    }
    Corpus::Keep
});
