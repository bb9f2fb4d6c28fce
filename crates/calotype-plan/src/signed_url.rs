//! Signatures on URLs of private images (hosted images spec, section 8): HMAC-SHA-256 over path and query, in the query's last parameter.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;
const SIGNATURE_CHARS: usize = 64;

/// What is signed: the path as it is sent, percent-encoded, and the query without its signature.
#[must_use]
pub fn signed_message(path: &str, query: &str) -> String {
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// The signature of a message: 64 lower-case hex digits. The key is the text of the secret as it is, and not what it may encode.
#[must_use]
pub fn signature(secret: &str, message: &str) -> String {
    hmac_sha_256(secret.as_bytes(), message.as_bytes()).iter().fold(
        String::with_capacity(SIGNATURE_CHARS),
        |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        },
    )
}

/// Path and query with their signature at the end. `expires_s` is the last second, since 1970, at which the URL is good.
#[must_use]
pub fn sign_url(secret: &str, path: &str, query: &str, expires_s: Option<u64>) -> String {
    let mut query = query.to_owned();
    if let Some(expires_s) = expires_s {
        let and = if query.is_empty() { "" } else { "&" };
        let _ = write!(query, "{and}exp={expires_s}");
    }
    let message = signed_message(path, &query);
    let mark = if query.is_empty() { '?' } else { '&' };
    format!("{message}{mark}sig={}", signature(secret, &message))
}

/// Why a URL does not open a private image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureFault {
    /// It has no signature.
    Missing,
    /// It has a signature that is not right, or more than one.
    Invalid,
    /// It was good until a time that is over.
    Expired,
}

/// A URL that opens a private image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// The last second, since 1970, at which it is good; `None`: it always is.
    pub expires_s: Option<u64>,
}

/// Checks the signature of a raw query over one of these paths with any of these secrets, at a time in seconds since 1970.
///
/// All paths and secrets are tried whatever the first ones give, and digits are compared in constant time.
pub fn verify_url(paths: &[&str], raw_query: &str, secrets: &[&str], now_s: u64) -> Result<Signed, SignatureFault> {
    let is_signature = |parameter: &&str| *parameter == "sig" || parameter.starts_with("sig=");
    let mut signatures = raw_query.split('&').filter(is_signature);
    let given = match (signatures.next(), signatures.next()) {
        (None, _) => return Err(SignatureFault::Missing),
        (Some(_), Some(_)) => return Err(SignatureFault::Invalid),
        (Some(one), None) => one.strip_prefix("sig=").unwrap_or_default().to_ascii_lowercase(),
    };
    let is_hex = given.len() == SIGNATURE_CHARS && given.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex {
        return Err(SignatureFault::Invalid);
    }
    let rest: Vec<&str> = raw_query
        .split('&')
        .filter(|parameter| !is_signature(parameter))
        .collect();
    let query = rest.join("&");
    let mut is_right = subtle::Choice::from(0);
    for path in paths {
        let message = signed_message(path, &query);
        for secret in secrets {
            is_right |= signature(secret, &message).as_bytes().ct_eq(given.as_bytes());
        }
    }
    if !bool::from(is_right) {
        return Err(SignatureFault::Invalid);
    }
    let expires_s = expiry(&rest)?;
    if expires_s.is_some_and(|last| now_s > last) {
        return Err(SignatureFault::Expired);
    }
    Ok(Signed { expires_s })
}

/// `exp`: decimal seconds, once.
fn expiry(parameters: &[&str]) -> Result<Option<u64>, SignatureFault> {
    let mut expiries = parameters.iter().filter_map(|parameter| {
        (*parameter == "exp")
            .then_some("")
            .or_else(|| parameter.strip_prefix("exp="))
    });
    match (expiries.next(), expiries.next()) {
        (None, _) => Ok(None),
        (Some(digits), None) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            // More seconds than a number holds never come.
            Ok(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => Err(SignatureFault::Invalid),
    }
}

/// RFC 2104 over SHA-256.
fn hmac_sha_256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x36))
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "this is a secret";
    const KEY: &str = "k3yRq0vT8mZ1xW5nB7uD2sF9hJ4pL6aC";
    const PATH: &str = "/qT7mVb2XLr0yJk4ZpN8sEw/5b0f6a1e-93c7-4d28-b1e4-7a60cc21d901/thumb";

    /// Spec 8.3; the first is published by the reference.
    const VECTORS: [(&str, &str, &str, &str); 7] = [
        (
            SECRET,
            "/hello/world",
            "",
            "6293f9144b4e9adc83416d1b059abcac750bf05b2c5c99ea72fd47cc9c2ace34",
        ),
        (
            SECRET,
            "/hello/world",
            "exp=1893456000",
            "8e57764399ec9fb89c95baa1f50ccc0808fdbb168e98ed4538309f9a6b6711a0",
        ),
        (
            SECRET,
            "/hello/world",
            "a=b&exp=1893456000",
            "3dcca513352443fe1eeacb79f2f298c5fc55109024abcf717c171ebb06f19dbb",
        ),
        (
            KEY,
            PATH,
            "",
            "821c2ed3f3a66069a1d8c3f44175d79bd83b7faf432f668017d1c412b64f2d0f",
        ),
        (
            KEY,
            PATH,
            "exp=1893456000",
            "b943c2b1e9c717d92748e7ad3602e20f93bc488423d8352371197836dae0b610",
        ),
        (
            KEY,
            PATH,
            "v=2&exp=1893456000",
            "5707dec48fed93131a08989ea14fb272e661487e1bc8fc6ce2e79e3ae8e6c61f",
        ),
        (
            KEY,
            PATH,
            "exp=946684800",
            "210b6709bae38f5e8e59c02365de2247d90c785177fa8cf9c4d2a1af1eb71159",
        ),
    ];

    fn with(query: &str, signature: &str) -> String {
        let and = if query.is_empty() { "" } else { "&" };
        format!("{query}{and}sig={signature}")
    }

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        let hex = |key: &[u8], message: &[u8]| -> String {
            hmac_sha_256(key, message)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        };
        // Test cases 2 and 6.
        assert_eq!(
            hex(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn signatures_are_those_of_the_specification() {
        for (secret, path, query, want) in VECTORS {
            assert_eq!(signature(secret, &signed_message(path, query)), want, "{path}?{query}");
            let now = 1_800_000_000;
            let expected = match query {
                "exp=946684800" => Err(SignatureFault::Expired),
                query if query.contains("exp") => Ok(Signed {
                    expires_s: Some(1_893_456_000),
                }),
                _ => Ok(Signed { expires_s: None }),
            };
            assert_eq!(verify_url(&[path], &with(query, want), &[secret], now), expected);
            // First instead of last, and in capitals, is as good.
            let first = format!("sig={}&{query}", want.to_uppercase());
            assert_eq!(
                verify_url(&[path], first.trim_end_matches('&'), &[secret], now),
                expected
            );
        }
    }

    #[test]
    fn what_is_signed_is_what_is_checked() {
        assert_eq!(
            sign_url(KEY, PATH, "v=2", Some(1_893_456_000)),
            format!("{PATH}?v=2&exp=1893456000&sig={}", VECTORS[5].3)
        );
        assert_eq!(sign_url(KEY, PATH, "", None), format!("{PATH}?sig={}", VECTORS[3].3));
    }

    #[test]
    fn any_key_and_either_path_opens_and_nothing_else_does() {
        let good = with("exp=1893456000", VECTORS[4].3);
        let check = |paths: &[&str], query: &str, secrets: &[&str]| verify_url(paths, query, secrets, 1_800_000_000);
        assert!(check(&[PATH], &good, &["other", KEY]).is_ok());
        assert!(check(&["/cdn-cgi/imagedelivery/x", PATH], &good, &[KEY]).is_ok());
        let full = "/cdn-cgi/imagedelivery/x";
        for (paths, query, secrets, fault) in [
            (
                &[PATH][..],
                "exp=1893456000".to_owned(),
                &[KEY][..],
                SignatureFault::Missing,
            ),
            (&[PATH], String::new(), &[KEY], SignatureFault::Missing),
            (&[full], good.clone(), &[KEY], SignatureFault::Invalid),
            (&[PATH], good.clone(), &["other"], SignatureFault::Invalid),
            (&[PATH], good.clone(), &[], SignatureFault::Invalid),
            (
                &[PATH],
                good.replace("1893456000", "1893456001"),
                &[KEY],
                SignatureFault::Invalid,
            ),
            (
                &[PATH],
                format!("{good}&sig={}", VECTORS[4].3),
                &[KEY],
                SignatureFault::Invalid,
            ),
            (&[PATH], format!("{good}&v=1"), &[KEY], SignatureFault::Invalid),
            (
                &[PATH],
                good.trim_end_matches(|c| c != 'g').to_owned(),
                &[KEY],
                SignatureFault::Invalid,
            ),
            (&[PATH], "sig=".to_owned(), &[KEY], SignatureFault::Invalid),
            (&[PATH], "sig".to_owned(), &[KEY], SignatureFault::Invalid),
        ] {
            assert_eq!(check(paths, &query, secrets), Err(fault), "{query}");
        }
    }

    #[test]
    fn an_expiry_is_good_to_its_last_second_and_must_be_one_number() {
        let query = with("exp=1893456000", VECTORS[4].3);
        assert!(verify_url(&[PATH], &query, &[KEY], 1_893_456_000).is_ok());
        assert_eq!(
            verify_url(&[PATH], &query, &[KEY], 1_893_456_001),
            Err(SignatureFault::Expired)
        );
        for exp in [
            "exp=",
            "exp",
            "exp=soon",
            "exp=-1",
            "exp=1.5",
            "exp=1893456000&exp=1893456000",
        ] {
            let signed = with(exp, &signature(KEY, &signed_message(PATH, exp)));
            assert_eq!(
                verify_url(&[PATH], &signed, &[KEY], 0),
                Err(SignatureFault::Invalid),
                "{exp}"
            );
        }
    }
}
