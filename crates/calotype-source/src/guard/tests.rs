use std::net::IpAddr;

use url::{Host, Url};

use super::AddressGuard;

/// The address that a URL's host literal means.
fn literal(host: &str) -> IpAddr {
    let url = Url::parse(&format!("http://{host}/a.png")).expect("a URL");
    match url.host() {
        Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
        Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
        other => panic!("{host} is no address literal but {other:?}"),
    }
}

fn is_public(address: &str) -> bool {
    AddressGuard::public_only()
        .check(address.parse().expect("an address"))
        .is_ok()
}

#[test]
fn every_special_ipv4_block_is_refused_from_its_first_to_its_last_address() {
    let blocks = [
        ("0.0.0.0", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.31.196.0", "192.31.196.255"),
        ("192.52.193.0", "192.52.193.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("192.175.48.0", "192.175.48.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "239.255.255.255"),
        ("240.0.0.0", "255.255.255.255"),
    ];
    for (first, last) in blocks {
        assert!(!is_public(first), "{first}");
        assert!(!is_public(last), "{last}");
    }
}

#[test]
fn the_neighbours_of_special_ipv4_blocks_are_public() {
    for address in [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "8.8.8.8",
        "93.184.215.14",
    ] {
        assert!(is_public(address), "{address}");
    }
}

#[test]
fn every_special_ipv6_block_is_refused() {
    for address in [
        "::",
        "::1",
        "::2",
        "64:ff9b:1::808:808",
        "100::1",
        "100:0:0:1::1",
        "200::1",
        "1fff:ffff::1",
        "2001:2::1",
        "2001:3::1",
        "2001:4:112::1",
        "2001:10::1",
        "2001:20::1",
        "2001:30::1",
        "2001:1ff:ffff::1",
        "2001:db8::1",
        "2620:4f:8000::1",
        "3fff::1",
        "3fff:fff:ffff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "feff::1",
        "ff02::1",
        "ff0e::1",
    ] {
        assert!(!is_public(address), "{address}");
    }
}

#[test]
fn global_ipv6_unicast_is_public() {
    for address in [
        "2001:200::1",
        "2001:4860:4860::8888",
        "2606:4700::1111",
        "2a00:1450:4001::1",
        "3ffe::1",
        "2620:4f:8001::1",
    ] {
        assert!(is_public(address), "{address}");
    }
}

#[test]
fn an_ipv6_address_is_judged_by_the_ipv4_address_it_carries() {
    // (form with 127.0.0.1, form with 10.0.0.1, form with 8.8.8.8)
    let forms = [
        ("mapped", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8"),
        ("compatible", "::127.0.0.1", "::10.0.0.1", "::8.8.8.8"),
        (
            "translated",
            "::ffff:0:127.0.0.1",
            "::ffff:0:10.0.0.1",
            "::ffff:0:8.8.8.8",
        ),
        ("NAT64", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::808:808"),
        ("6to4", "2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1"),
        // Teredo: server 8.8.8.8, client with its bits turned over.
        (
            "Teredo client",
            "2001:0:808:808:0:0:80ff:fffe",
            "2001:0:808:808:0:0:f5ff:fffe",
            "2001:0:808:808:0:0:f7f7:f7f7",
        ),
        (
            "Teredo server",
            "2001:0:7f00:1:0:0:f7f7:f7f7",
            "2001:0:a00:1:0:0:f7f7:f7f7",
            "2001:0:808:808:0:0:f7f7:f7f7",
        ),
        (
            "ISATAP",
            "2a00:1::5efe:127.0.0.1",
            "2a00:1::5efe:10.0.0.1",
            "2a00:1::5efe:8.8.8.8",
        ),
        (
            "ISATAP, universal",
            "2a00:1::200:5efe:127.0.0.1",
            "2a00:1::200:5efe:10.0.0.1",
            "2a00:1::200:5efe:8.8.8.8",
        ),
    ];
    for (form, loopback, private, public) in forms {
        assert!(!is_public(loopback), "{form}: {loopback}");
        assert!(!is_public(private), "{form}: {private}");
        assert!(is_public(public), "{form}: {public}");
    }
    // A public address inside does not redeem a private prefix.
    assert!(!is_public("fe80::5efe:8.8.8.8"));
    assert!(!is_public("fc00::200:5efe:8.8.8.8"));
}

#[test]
fn every_spelling_of_a_private_literal_is_refused() {
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "\u{ff11}27.0.0.1",
        "0",
        "0.0.0.0",
        "0xa9.0xfe.0xa9.0xfe",
        "169.254.169.254",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
    ] {
        assert!(AddressGuard::public_only().check(literal(host)).is_err(), "{host}");
    }
}

#[test]
fn a_listed_network_passes_in_every_form_and_nothing_else_does() {
    let guard = AddressGuard::with_networks(vec![
        "10.1.0.0/16".parse().expect("a network"),
        "fd00:1::/32".parse().expect("a network"),
    ]);
    let passes = |address: &str| guard.check(address.parse().expect("an address")).is_ok();
    for address in [
        "10.1.2.3",
        "::ffff:10.1.2.3",
        "64:ff9b::a01:203",
        "fd00:1::5",
        "8.8.8.8",
    ] {
        assert!(passes(address), "{address}");
    }
    for address in ["10.2.0.1", "::ffff:10.2.0.1", "fd00:2::5", "127.0.0.1"] {
        assert!(!passes(address), "{address}");
    }
}

#[test]
fn without_the_guard_everything_passes() {
    for address in ["127.0.0.1", "::1", "169.254.169.254", "fe80::1"] {
        assert!(
            AddressGuard::off().check(address.parse().expect("an address")).is_ok(),
            "{address}"
        );
    }
}

#[test]
fn the_refusal_names_the_block_for_the_log() {
    let refusal = AddressGuard::public_only()
        .check(literal("169.254.169.254"))
        .expect_err("refused");
    assert_eq!(
        refusal.to_string(),
        "169.254.169.254 is not globally routable: link local (RFC 3927)"
    );
}
