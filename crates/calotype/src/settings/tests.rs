//! Every layer, every name, every message.

use calotype_plan::Limits;

use super::*;

fn load(arguments: &ServeArguments) -> Result<Settings, String> {
    Settings::load(arguments).map_err(|failure| failure.to_string())
}

fn set(changes: &[&str]) -> Result<Settings, String> {
    load(&ServeArguments {
        set: changes.iter().map(|c| (*c).to_owned()).collect(),
        ..ServeArguments::default()
    })
}

#[test]
fn nothing_need_be_set() {
    let settings = load(&ServeArguments::default()).unwrap();
    assert_eq!(settings.limits.limits(), Limits::default());
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
}

#[test]
fn every_setting_is_in_the_manual() {
    let manual = include_str!("../../../../docs/settings.md");
    let settings = serde_json::to_value(Settings::default()).unwrap();
    for (key, value) in settings.as_object().unwrap() {
        let names: Vec<String> = match value.as_object() {
            Some(members) => members.keys().map(|member| format!("`{key}.{member}`")).collect(),
            None => vec![format!("`{key}`")],
        };
        for name in names {
            assert!(manual.contains(&name), "{name} is missing in docs/settings.md");
        }
    }
}

#[test]
fn every_limit_is_changed_by_its_own_name() {
    let changes = [
        "source_bytes=1",
        "source_area_mp=2",
        "side=3",
        "animation_area_mp=4",
        "animation_area_refused_mp=5",
        "frames=6",
        "scans=7",
        "scan_area_mp=8",
        "container_items=9",
        "svg_bytes=10",
        "svg_elements=11",
        "svg_depth=12",
        "metadata_bytes=13",
        "avif_side=14",
        "avif_explicit_side=15",
        "draws=16",
        "text_chars=17",
        "options_bytes=18",
        "job_memory=19",
        "font_bytes=20",
        "webp_source_side=21",
    ];
    let all = serde_json::to_value(LimitSettings::default()).unwrap();
    assert_eq!(changes.len(), all.as_object().unwrap().len());
    let limits = LimitSettings::with(&changes.map(str::to_owned)).unwrap().limits();
    let expected = Limits {
        source_bytes_max: 1,
        source_area_px_max: 2_000_000,
        side_px_max: 3,
        animation_area_px_max: 4_000_000,
        animation_area_px_refused: 5_000_000,
        frames_max: 6,
        scans_max: 7,
        scan_area_px_max: 8_000_000,
        container_items_max: 9,
        svg_bytes_max: 10,
        svg_elements_max: 11,
        svg_depth_max: 12,
        metadata_bytes_max: 13,
        avif_side_px_max: 14,
        avif_explicit_side_px_max: 15,
        draws_max: 16,
        text_chars_max: 17,
        options_bytes_max: 18,
        job_memory_bytes_max: 19,
        font_bytes_max: 20,
        webp_source_side_px_max: 21,
        ..Limits::default()
    };
    assert_eq!(limits, expected);
}

#[test]
fn single_settings_are_changed_by_name() {
    let settings = set(&[
        "limits.side=65535",
        "limits.source_bytes=1GiB",
        "job_timeout=90s",
        "download_timeout=5",
        "allow_networks=[10.0.0.0/8]",
        "binding_socket_mode=0660",
        "binding_listen=192.0.2.1:9",
        "binding_public=true",
    ])
    .unwrap();
    assert_eq!(settings.limits.limits().side_px_max, 65_535);
    assert_eq!(settings.limits.limits().source_bytes_max, 1 << 30);
    assert_eq!(settings.job_timeout.0, Duration::from_secs(90));
    assert_eq!(settings.download_timeout.0, Duration::from_secs(5));
    assert_eq!(settings.allow_networks.len(), 1);
    assert_eq!(settings.binding_socket_mode, Mode(0o660));
    assert_eq!(settings.binding_listen.map(|address| address.port()), Some(9));
}

#[test]
fn a_wrong_setting_is_named_with_its_place_and_what_would_be_right() {
    for (change, parts) in [
        ("limits.side=wide", &["limits.side", "--set", "wide"][..]),
        ("job_timeout=soon", &["job_timeout", "30s"]),
        ("listen=here", &["listen", "0.0.0.0:8080"]),
        ("memory=lots", &["memory", "512MiB"]),
        ("colour=red", &["colour"]),
        ("allow_origin=this-zone,b.com", &["allow_origin"]),
        ("origin=ftp://a.b", &["origin", "https://"]),
        ("root=/does/not/exist", &["root", "directory"]),
        ("binding_listen=everywhere", &["binding_listen", "127.0.0.1:8081"]),
        (
            "binding_listen=0.0.0.0:9",
            &["credentials", "127.0.0.1:9", "--binding-public"],
        ),
        ("binding_socket_mode=rw", &["binding_socket_mode", "0660"]),
        ("binding_socket_mode=1777", &["binding_socket_mode", "0660"]),
        ("queue=0", &["queue"]),
        ("limits.svg_bytes=big", &["limits.svg_bytes", "512MiB"]),
        ("limits.frames=many", &["limits.frames", "whole number"]),
        ("limits.svg_depth=257", &["limits.svg_depth", "256"]),
        ("nothing", &["key=value"]),
    ] {
        let message = set(&[change]).unwrap_err();
        for part in parts {
            assert!(message.contains(part), "{change}: {message}");
        }
    }
}

#[test]
fn the_file_is_read_and_the_command_line_wins() {
    let file = std::env::temp_dir().join(format!("calotype-settings-{}.toml", std::process::id()));
    std::fs::write(
        &file,
        "listen = \"0.0.0.0:1\"\nzones = [\"example.com\"]\n[limits]\nside = 5\n",
    )
    .unwrap();
    let arguments = ServeArguments {
        config: Some(file.clone()),
        listen: Some("0.0.0.0:2".parse().unwrap()),
        ..ServeArguments::default()
    };
    let settings = load(&arguments).unwrap();
    std::fs::write(&file, "[limits]\nside = \"five\"\n").unwrap();
    let message = load(&arguments).unwrap_err();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(settings.listen.port(), 2);
    assert_eq!(settings.limits.side, 5);
    assert_eq!(settings.zones, ["example.com"]);
    assert!(
        message.contains("limits.side") && message.contains("calotype-settings"),
        "{message}"
    );
}
