//! The named boundary around libraries that read fonts.
//!
//! They are written to refuse what is wrong, without `unsafe` on their readers' paths, but they index and count in places that a hostile font may reach. A panic
//! there is a damaged font, not our own failure, and must not end what renders it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::TextError;

/// What `read` gives; a panic in it is a damaged font. What `read` was changing when it panicked must not be used again.
pub(crate) fn contained<T>(read: impl FnOnce() -> Result<T, TextError>) -> Result<T, TextError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(TextError::Broken("its tables contradict each other")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_damaged_font() {
        let none: Option<u8> = None;
        assert_eq!(contained(|| Ok(3)), Ok(3));
        assert!(matches!(contained(|| Ok(none.unwrap())), Err(TextError::Broken(_))));
    }
}
