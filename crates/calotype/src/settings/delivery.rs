//! Hosts and paths of hosted images (hosted images specification, D64).

use std::collections::BTreeMap;

use url::Host;

use crate::failure::Failure;

/// Paths that belong to the server: nothing may stand for them.
const RESERVED: [&str; 5] = ["/cdn-cgi/", "/client/", "/upload/", "/-/", "/health/"];

/// Each key has to be a host as it stands in a URL, without port, and each value an account's hash.
pub(super) fn check_hosts(hosts: &BTreeMap<String, String>) -> Result<(), Failure> {
    for (host, hash) in hosts {
        let is_host = Host::parse(host).is_ok_and(|parsed| parsed.to_string() == *host);
        if !is_host {
            return Err(Failure::Usage(format!(
                "delivery_hosts: `{host}` is no host; write it in lower case and without port, for example \"shop.example.com\" = \"{}\"",
                example(hash)
            )));
        }
        check_hash("delivery_hosts", host, hash)?;
    }
    Ok(())
}

/// Each key has to be a path that begins and ends with a slash and is nobody else's, and each value an account's hash.
pub(super) fn check_aliases(aliases: &BTreeMap<String, String>) -> Result<(), Failure> {
    for (prefix, hash) in aliases {
        let is_path = prefix.len() > 2
            && prefix.starts_with('/')
            && prefix.ends_with('/')
            && !prefix.contains("//")
            && prefix
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte));
        if !is_path {
            return Err(Failure::Usage(format!(
                "delivery_aliases: `{prefix}` is no prefix of paths; write it with a slash at both ends, for example \"/images/\" = \"{}\"",
                example(hash)
            )));
        }
        if let Some(reserved) = RESERVED.iter().find(|reserved| prefix.starts_with(*reserved)) {
            return Err(Failure::Usage(format!(
                "delivery_aliases: paths below {reserved} are the server's own; choose another prefix than `{prefix}`"
            )));
        }
        check_hash("delivery_aliases", prefix, hash)?;
    }
    Ok(())
}

fn check_hash(setting: &str, key: &str, hash: &str) -> Result<(), Failure> {
    if is_hash(hash) {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{setting}: `{hash}` ({key}) is no account hash; it has 22 letters, digits, - and _, and `calotype account list` shows it"
    )))
}

fn is_hash(hash: &str) -> bool {
    hash.len() == 22
        && hash
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// What was written, if it can stand as an example.
fn example(hash: &str) -> &str {
    if is_hash(hash) { hash } else { "qT7mVb2XLr0yJk4ZpN8sEw" }
}
