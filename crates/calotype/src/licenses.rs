//! `calotype licenses`: the licence of what is embedded beside code.

use std::io::Write;

use crate::failure::Failure;

/// Prints the licence of the built-in font.
pub(crate) fn run() -> Result<(), Failure> {
    let text = if calotype_text::has_builtin_font() {
        format!("The built-in font is Noto Sans.\n\n{}", calotype_text::license())
    } else {
        "This program was built without a font.\n".to_owned()
    };
    std::io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::Other(error.to_string()))
}
