//! The path of a transform URL, taken apart into options and source.
#![no_main]

use calotype_plan::{SourceRef, TransformPath};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|text: &str| -> Corpus {
    let target = format!(
        "/cdn-cgi/image/{}",
        text.strip_prefix("/cdn-cgi/image/").unwrap_or(text)
    );
    let Some(Ok(path)) = TransformPath::parse(&target) else {
        return Corpus::Keep;
    };
    assert!(
        !path.options.contains(['/', '?']),
        "options reach into the source: {path:?}"
    );
    match &path.source {
        SourceRef::Absolute(url) => {
            let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            let rest = rest.unwrap_or_else(|| panic!("not an http URL: {url}"));
            let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
            assert!(
                !authority.is_empty() && !authority.contains('@'),
                "no plain host: {url}"
            );
            assert!(url.bytes().all(|byte| byte.is_ascii_graphic()), "unprintable: {url:?}");
        }
        SourceRef::Path(path) => {
            let plain = path.split('?').next().unwrap_or_default();
            assert!(plain.starts_with('/') && plain.len() > 1, "not a path: {path}");
            assert!(!plain.starts_with("//"), "a path that reads as a host: {path}");
            assert!(
                !plain.starts_with("/cdn-cgi/image/"),
                "a transform of a transform: {path}"
            );
            assert!(
                path.bytes().all(|byte| byte.is_ascii_graphic()),
                "unprintable: {path:?}"
            );
        }
    }
    Corpus::Keep
});
