//! Ids of images (spec 4.2, 4.3).

use std::fmt;

use crate::{Result, StoreError, secret};

const CUSTOM_CHARS_MAX: usize = 1_024;
/// Names below `images/v1/` that are no ids (D14).
const RESERVED: [&str; 6] = ["keys", "stats", "variants", "config", "batch_token", "direct_upload"];
/// The last byte of an id that the server made: what it takes to see the image.
const FLAG_PUBLIC: u8 = 0;
const FLAG_PRIVATE: u8 = 1;

/// The id of an image: made by the server, or chosen by its user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageId(String);

impl ImageId {
    /// A new id: 15 random bytes, and a byte that tells the access (D22).
    #[must_use]
    pub fn generate(is_private: bool) -> Self {
        let mut bytes = [0; 16];
        bytes[..15].copy_from_slice(&secret::random::<15>());
        bytes[15] = flag(is_private);
        let hex = secret::hex(&bytes);
        let part = |range| hex.get(range).unwrap_or_default();
        let parts = [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)];
        Self(parts.join("-"))
    }

    /// An id that a user chose.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] says which rule it breaks.
    pub fn custom(text: &str) -> Result<Self> {
        let refuse = |why: &str| Err(StoreError::Invalid(format!("Invalid image id: it {why}")));
        if text.is_empty() {
            return refuse("is empty");
        }
        if text.chars().count() > CUSTOM_CHARS_MAX {
            return refuse("has more than 1,024 characters");
        }
        if is_uuid(text) {
            return refuse("looks like a UUID; those are made by the server");
        }
        if text.chars().any(|c| c <= '\u{1f}' || c == '\u{7f}') {
            return refuse("holds control characters");
        }
        if text.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return refuse("has an empty segment, or one that is `.` or `..`; it may not begin or end with a slash");
        }
        let is_reserved = RESERVED.contains(&text) || text.starts_with("keys/") || text.starts_with("variants/");
        if is_reserved {
            return refuse("is a word of the API; choose another");
        }
        Ok(Self(text.to_owned()))
    }

    /// An id that an image has had elsewhere: one that a user chose, or one of the form that servers make.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] says which rule it breaks.
    pub fn imported(text: &str) -> Result<Self> {
        if is_uuid(text) {
            return Ok(Self(text.to_owned()));
        }
        Self::custom(text)
    }

    /// An id out of the database, where only valid ones are.
    pub(crate) const fn stored(text: String) -> Self {
        Self(text)
    }

    /// Whether a user chose it.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        !is_uuid(&self.0)
    }

    /// The same image with this access. A custom id has none that could change.
    #[must_use]
    pub fn with_access(&self, is_private: bool) -> Self {
        if self.is_custom() {
            return self.clone();
        }
        let mut text = self.0.clone();
        text.truncate(text.len() - 2);
        text.push_str(&secret::hex(&[flag(is_private)]));
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const fn flag(is_private: bool) -> u8 {
    if is_private { FLAG_PRIVATE } else { FLAG_PUBLIC }
}

/// 8-4-4-4-12 hex digits in any case (D23).
fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_ids_tell_their_access_and_keep_their_random_bytes() {
        let public = ImageId::generate(false);
        assert!(public.as_str().ends_with("00") && public.as_str().len() == 36 && !public.is_custom());
        let private = public.with_access(true);
        assert!(private.as_str().ends_with("01"));
        assert_eq!(private.as_str().get(..34), public.as_str().get(..34));
        assert_eq!(private.with_access(false), public);
        assert!(ImageId::generate(true).as_str().ends_with("01"));
    }

    #[test]
    fn custom_ids_keep_the_rules() {
        let long = "é".repeat(1_024);
        for id in [
            "a",
            "catalog/2026/50% off.png",
            "ü/😀",
            "stats2",
            "a/keys",
            "..a",
            long.as_str(),
        ] {
            assert_eq!(ImageId::custom(id).unwrap().as_str(), id);
        }
        let too_long = "é".repeat(1_025);
        for id in [
            "",
            "/a",
            "a/",
            "a//b",
            ".",
            "a/../b",
            "a\nb",
            "a\u{7f}",
            "a\0",
            "stats",
            "direct_upload",
            "keys/a",
            "variants/a/b",
            "5B0F6A1E-93c7-4d28-b1e4-7a60cc21d900",
            too_long.as_str(),
        ] {
            assert!(ImageId::custom(id).is_err(), "{id:?}");
        }
    }
}
