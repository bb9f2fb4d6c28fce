//! The pictures of `sources.py`, each with the answer that it must have.

use std::path::Path;
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) png: Vec<u8>,
    pub(crate) rgba: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) large: Arc<Source>,
    pub(crate) small: Vec<Arc<Source>>,
}

impl Sources {
    pub(crate) fn read(directory: &Path) -> Self {
        let read = |name: &str| {
            let file = |ending: &str| {
                std::fs::read(directory.join(format!("{name}.{ending}"))).expect("a source that sources.py made")
            };
            Arc::new(Source {
                png: file("png"),
                rgba: file("rgba"),
            })
        };
        let mut small = Vec::new();
        while directory.join(format!("small-{:02}.png", small.len())).exists() {
            small.push(read(&format!("small-{:02}", small.len())));
        }
        Self {
            large: read("large"),
            small,
        }
    }
}
