use std::io::Write;
use std::time::Duration;

use tempfile::TempDir;

use super::*;

/// A directory with a few files, and one secret beside it.
struct Fixture {
    outer: TempDir,
    root: LocalRoot,
    memory: SourceMemory,
}

fn fixture() -> Fixture {
    let outer = tempfile::tempdir().expect("a directory");
    let inside = outer.path().join("root");
    fs::create_dir_all(inside.join("dir/.hidden")).expect("a directory");
    for (path, bytes) in [
        ("root/a.png", "picture"),
        ("root/dir/ä b.png", "umlaut"),
        ("root/dir/.hidden/x.png", "hidden"),
        ("root/.env", "hidden"),
        ("root/empty.png", ""),
        ("secret.txt", "secret"),
    ] {
        fs::write(outer.path().join(path), bytes).expect("a file");
    }
    let memory = SourceMemory::new(1 << 20);
    let root = LocalRoot::new(&inside, 1000, memory.clone()).expect("a root");
    Fixture { outer, root, memory }
}

async fn code(root: &LocalRoot, path: &str) -> Result<Bytes, (u16, u16)> {
    root.read(path)
        .await
        .map(|file| file.bytes)
        .map_err(|fault| (fault.code(), fault.status()))
}

#[tokio::test]
async fn files_are_read_by_url_path() {
    let Fixture {
        root,
        memory,
        outer: _outer,
    } = fixture();
    assert_eq!(code(&root, "/a.png").await.as_deref(), Ok(&b"picture"[..]));
    assert_eq!(code(&root, "//a.png").await.as_deref(), Ok(&b"picture"[..]));
    assert_eq!(code(&root, "/%61.png").await.as_deref(), Ok(&b"picture"[..]));
    assert_eq!(code(&root, "/dir/%C3%A4%20b.png").await.as_deref(), Ok(&b"umlaut"[..]));
    assert_eq!(memory.bytes_in_use(), 0);
}

#[tokio::test]
async fn whatever_is_not_a_visible_file_below_the_root_is_9404() {
    let Fixture { root, outer, .. } = fixture();
    let absolute = outer.path().join("secret.txt");
    for path in [
        "/",
        "",
        "/nothing.png",
        "/dir",
        "/dir/",
        "/.env",
        "/%2eenv",
        "/dir/.hidden/x.png",
        "/../secret.txt",
        "/dir/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/dir%2fa.png",
        "/./a.png",
        "/..\\secret.txt",
        "/a.png%00",
        "/a.png/x",
        "/%ff.png",
        absolute.to_str().expect("an ASCII path"),
        "/~/secret.txt",
        "/a.png/..",
    ] {
        assert_eq!(code(&root, path).await, Err((9404, 404)), "{path}");
    }
}

#[tokio::test]
async fn refusals_do_not_tell_where_the_root_is() {
    let Fixture { root, outer, .. } = fixture();
    let fault = root.read("/../secret.txt").await.expect_err("refused");
    assert!(
        !fault
            .to_string()
            .contains(outer.path().to_str().expect("an ASCII path")),
        "{fault}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn links_may_lead_within_the_root_but_not_out_of_it_nor_to_hidden_files() {
    use std::os::unix::fs::symlink;
    let Fixture { root, outer, .. } = fixture();
    let inside = outer.path().join("root");
    for (target, link) in [
        ("a.png", "within.png"),
        ("../secret.txt", "relative.png"),
        (".env", "hidden.png"),
        ("..", "up"),
        ("dir", "down"),
        ("loop", "loop"),
    ] {
        symlink(target, inside.join(link)).expect("a link");
    }
    symlink(outer.path().join("secret.txt"), inside.join("absolute.png")).expect("a link");
    assert_eq!(code(&root, "/within.png").await.as_deref(), Ok(&b"picture"[..]));
    assert_eq!(code(&root, "/down/%C3%A4 b.png").await.as_deref(), Ok(&b"umlaut"[..]));
    for path in [
        "/relative.png",
        "/absolute.png",
        "/hidden.png",
        "/up/secret.txt",
        "/up/root/a.png/../../secret.txt",
        "/loop",
    ] {
        assert_eq!(code(&root, path).await, Err((9404, 404)), "{path}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_sibling_whose_name_begins_like_the_root_is_outside() {
    use std::os::unix::fs::symlink;
    let Fixture { root, outer, .. } = fixture();
    fs::create_dir(outer.path().join("root2")).expect("a directory");
    fs::write(outer.path().join("root2/a.png"), "secret").expect("a file");
    symlink("../root2/a.png", outer.path().join("root/sibling.png")).expect("a link");
    assert_eq!(code(&root, "/sibling.png").await, Err((9404, 404)));
}

#[cfg(unix)]
#[tokio::test]
async fn things_that_are_no_files_are_not_opened() {
    let Fixture { root, outer, .. } = fixture();
    // Opening a socket fails and opening a pipe waits; neither is tried.
    let _listener = std::os::unix::net::UnixListener::bind(outer.path().join("root/socket.png")).expect("a socket");
    assert_eq!(code(&root, "/socket.png").await, Err((9404, 404)));
}

#[tokio::test]
async fn a_file_over_the_cap_is_413_and_an_empty_one_is_415() {
    let Fixture { root, outer, .. } = fixture();
    for (length, expected) in [(1000, Ok(())), (1001, Err((9402, 413)))] {
        fs::write(outer.path().join("root/big.png"), vec![1; length]).expect("a file");
        assert_eq!(code(&root, "/big.png").await.map(drop), expected, "{length}");
    }
    assert_eq!(code(&root, "/empty.png").await, Err((9412, 415)));
}

#[tokio::test]
async fn the_etag_is_strong_and_changes_with_length_and_with_nanoseconds() {
    let Fixture { root, outer, .. } = fixture();
    let path = outer.path().join("root/a.png");
    let second = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let mut etags = Vec::new();
    for (text, modified) in [
        ("one", second),
        ("two", second + Duration::from_nanos(1000)),
        ("three", second),
    ] {
        let mut file = File::create(&path).expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        file.set_modified(modified).expect("a time");
        let headers = root.read("/a.png").await.expect("read").headers;
        assert_eq!(headers.text("last-modified"), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
        etags.push(headers.text("etag").expect("an ETag").to_owned());
    }
    assert_eq!(etags.first().map(String::as_str), Some("\"3-17979cfe362a0000\""));
    etags.sort();
    etags.dedup();
    assert_eq!(etags.len(), 3);
}

#[tokio::test]
async fn an_open_file_is_at_its_beginning_with_its_length() {
    let Fixture {
        root, outer: _outer, ..
    } = fixture();
    let mut open = root.open("/a.png").await.expect("open");
    let mut text = String::new();
    open.file.read_to_string(&mut text).expect("read");
    assert_eq!((text.as_str(), open.length_bytes), ("picture", 7));
    assert!(root.open("/../secret.txt").await.is_err());
}

#[tokio::test]
async fn bytes_read_are_charged_while_they_live() {
    let Fixture {
        root,
        memory,
        outer: _outer,
    } = fixture();
    let file = root.read("/a.png").await.expect("read");
    assert_eq!(memory.bytes_in_use(), 7);
    drop(file);
    assert_eq!(memory.bytes_in_use(), 0);
}

#[test]
fn a_root_that_is_no_directory_is_refused_at_once() {
    let Fixture { outer, memory, .. } = fixture();
    for path in ["secret.txt", "nothing"] {
        assert!(
            LocalRoot::new(&outer.path().join(path), 1000, memory.clone()).is_err(),
            "{path}"
        );
    }
}
