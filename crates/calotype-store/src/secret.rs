//! Random values, hashes of secrets that are only checked, and seals on secrets that are used again.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest, Sha256};

use crate::{Result, StoreError};

/// Bytes of the key that seals.
const KEY_BYTES: usize = 32;

/// A secret in the clear. It shows itself only to whoever asks for it by name.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Random bytes of the operating system.
///
/// # Panics
/// When the system has none: nothing that needs a secret may go on then.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "no secret may be made without random bytes")]
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

/// So many random bytes, as URL-safe base64.
pub(crate) fn random_text<const N: usize>() -> String {
    URL_SAFE_NO_PAD.encode(random::<N>())
}

/// So many random characters of `A-Z`, `a-z`, `0-9`.
pub(crate) fn random_alphanumeric(length: usize) -> String {
    const SET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(length);
    while text.len() < length {
        // Bytes above the largest multiple of 62 would prefer the first letters.
        let [byte] = random::<1>();
        if byte < 248 {
            text.extend(SET.get(usize::from(byte % 62)).map(|byte| char::from(*byte)));
        }
    }
    text
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The hash that a token is found by.
///
/// One round of SHA-256 without salt is right for these, as it would be wrong for passwords: a token has 256 random bits, so there is nothing to guess
/// and nothing that two of them share. The look-up compares hashes, and whoever cannot choose a hash learns nothing from how long a comparison takes.
pub(crate) fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// Seals what has to be used again, so that a copy of the database alone gives no signing key away.
pub(crate) struct Sealer(LessSafeKey);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

impl Sealer {
    pub(crate) fn new(key: &[u8; KEY_BYTES]) -> Result<Self> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| StoreError::damaged("the key that seals"))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// The key of a file of 64 hex digits, which is made, for its owner alone, if it is not there.
    pub(crate) fn from_file(path: &Path) -> Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_key(path)?;
                fs::read_to_string(path)?
            }
            read => read?,
        };
        Self::new(&key_of(text.trim())?)
    }

    /// The key of 64 hex digits.
    pub(crate) fn from_hex(text: &str) -> Result<Self> {
        Self::new(&key_of(text)?)
    }

    /// Seals a text for one place: what is moved to another does not open.
    pub(crate) fn seal(&self, text: &str, place: &str) -> Result<String> {
        let nonce = random::<NONCE_LEN>();
        let mut bytes = text.as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut bytes,
            )
            .map_err(|_| StoreError::damaged("a secret could not be sealed"))?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &bytes].concat()))
    }

    /// Opens what was sealed for this place.
    pub(crate) fn open(&self, sealed: &str, place: &str) -> Result<Secret> {
        let wrong = || StoreError::damaged("a secret does not open with this key");
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| wrong())?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(wrong)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
        let opened = self
            .0
            .open_in_place(nonce, Aad::from(place.as_bytes()), sealed)
            .map_err(|_| wrong())?;
        String::from_utf8(opened.to_vec()).map(Secret::new).map_err(|_| wrong())
    }
}

/// A new key, which has its name only when it is on the disk whole. Of several processes at once the first one's stays.
fn make_key(path: &Path) -> Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    // Such a file is its owner's alone.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(hex(&random::<KEY_BYTES>()).as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => return Err(error.error.into()),
        _ => {}
    }
    Ok(fs::File::open(directory)?.sync_all()?)
}

fn key_of(text: &str) -> Result<[u8; KEY_BYTES]> {
    let wrong = || StoreError::Invalid("the key that seals secrets must be 64 hex digits".to_owned());
    if text.len() != KEY_BYTES * 2 || !text.is_ascii() {
        return Err(wrong());
    }
    let mut key = [0; KEY_BYTES];
    for (index, byte) in key.iter_mut().enumerate() {
        let digits = text.get(index * 2..index * 2 + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_by_sha_256() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            hash("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_sealed_secret_opens_in_its_own_place_with_its_own_key_alone() {
        let sealer = Sealer::new(&[1; 32]).unwrap();
        let sealed = sealer.seal("value", "1/default").unwrap();
        assert!(!sealed.contains("value"));
        assert_eq!(sealer.open(&sealed, "1/default").unwrap().reveal(), "value");
        assert!(sealer.open(&sealed, "1/other").is_err());
        assert!(Sealer::new(&[2; 32]).unwrap().open(&sealed, "1/default").is_err());
        assert!(sealer.open("", "1/default").is_err());
        assert_ne!(
            sealed,
            sealer.seal("value", "1/default").unwrap(),
            "no seal is like another"
        );
    }

    #[test]
    fn the_key_file_is_made_once_and_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let sealed = Sealer::from_file(&path).unwrap().seal("value", "p").unwrap();
        assert_eq!(
            Sealer::from_file(&path).unwrap().open(&sealed, "p").unwrap().reveal(),
            "value"
        );
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let left = fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(left, 1, "nothing is beside it");
        for text in ["", "00", &"0".repeat(63), &"g".repeat(64), &"é".repeat(32)] {
            assert!(Sealer::from_hex(text).is_err(), "{text}");
        }
    }

    #[test]
    fn secrets_do_not_print_themselves() {
        assert_eq!(format!("{:?}", Secret::new("hidden".to_owned())), "Secret(…)");
        assert_eq!(random_alphanumeric(32).len(), 32);
    }
}
