//! Everything is done and everything is logged; no secret may be in what was logged or answered.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use serde_json::{Value, json};

use crate::client::{Answer, Client, Form, path_of};
use crate::kills::assert_no_panic;
use crate::pictures::picture;
use crate::program::Place;

const URL_PASSWORD: &str = "urlPa55wordOfTheOrigin";
const REDIRECT_PASSWORD: &str = "redirectPa55word";
const DATABASE_PASSWORD: &str = "databasePa55word";
const ORIGIN_PASSWORD: &str = "originPa55word";
const SEALING_KEY: &str = "5ea1ed5ea1ed5ea1ed5ea1ed5ea1ed5ea1ed5ea1ed5ea1ed5ea1ed5ea1ed5ea1";

/// What must not be seen anywhere.
#[derive(Default)]
struct Secrets {
    values: Vec<(String, String)>,
    /// Bodies of all refusals.
    refusals: String,
}

impl Secrets {
    fn add(&mut self, name: &str, value: &str) {
        assert!(value.len() >= 12, "{name} is too short to be looked for: {value}");
        self.values.push((name.to_owned(), value.to_owned()));
    }

    /// Remembers a refusal.
    #[track_caller]
    fn refused(&mut self, answer: Option<Answer>) {
        let answer = answer.unwrap();
        assert!(answer.status >= 400, "{answer:?}");
        self.refusals.push_str(&answer.head);
        self.refusals.push_str(&String::from_utf8_lossy(&answer.body));
    }

    #[track_caller]
    fn assert_not_in(&self, place: &str, text: &str) {
        let mut found = Vec::new();
        for line in text.lines() {
            let seen = self.values.iter().filter(|(_, value)| line.contains(value.as_str()));
            found.extend(seen.map(|(name, _)| format!("{name} is in {place}: {line}")));
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

/// An origin that gives a picture to whoever has the password, and redirects from `/moved`.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
            let (status, extra, body) = if head.starts_with("get /moved") {
                let location = format!("Location: http://user:{REDIRECT_PASSWORD}@{address}/missing\r\n");
                ("302 Found", location, Vec::new())
            } else if head.starts_with("get /picture") && head.contains("authorization: basic") {
                ("200 OK", String::new(), picture(7))
            } else if head.starts_with("get /page") {
                ("200 OK", String::new(), b"<html>no picture</html>".to_vec())
            } else {
                ("404 Not Found", String::new(), Vec::new())
            };
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\n{extra}Content-Length: {length}\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    address
}

/// Does everything once, well and badly.
fn everything(client: &Client, place: &Place, secrets: &mut Secrets) {
    let origin = origin();
    let record = client
        .send_form("v1", Form::default().file(&picture(1)))
        .unwrap()
        .result();
    let id = record["id"].as_str().unwrap();
    // Credentials.
    for (name, value) in [
        ("Authorization", format!("Bearer {}x", client.token)),
        ("Authorization", format!("Basic {}", client.token)),
        ("Authorization", client.token.clone()),
        ("Authorization", format!("Bearer {} {}", client.token, client.token)),
        ("X-Auth-Key", client.token.clone()),
        ("X-Auth-User-Service-Key", format!("v1.0-{}", client.token)),
    ] {
        secrets.refused(client.send("GET", &client.path("v1/stats"), &[(name, &value)], b""));
    }
    let as_key = [("X-Auth-Email", "a@b.example"), ("X-Auth-Key", client.token.as_str())];
    client
        .send("GET", &client.path("v1/stats"), &as_key, b"")
        .unwrap()
        .result();
    secrets.refused(client.send("GET", &client.path("v1/nosuch"), &as_key, b""));
    let other = Client {
        account: "0".repeat(32),
        ..client.clone()
    };
    secrets.refused(other.ask("GET", "v1/stats"));
    let verify = [("Authorization", &*format!("Bearer {}", client.token))];
    client
        .send("GET", "/client/v4/user/tokens/verify", &verify, b"")
        .unwrap()
        .result();
    let reader = place.command(&["token", "create", "reader", "--read", "--account", &place.account]);
    let reader = reader.lines().last().unwrap();
    secrets.add("a token that reads", reader);
    let reading = Client {
        token: reader.to_owned(),
        ..client.clone()
    };
    reading.ask("GET", "v2").unwrap().result();
    secrets.refused(reading.ask("DELETE", &format!("v1/{id}")));
    let batch = client.ask("GET", "v1/batch_token").unwrap().result();
    let batch = batch["token"].as_str().unwrap();
    secrets.add("a batch token", batch);
    let batch = [("Authorization", &*format!("Bearer {batch}"))];
    client.send("GET", "/images/v2", &batch, b"").unwrap();
    secrets.refused(client.send("GET", "/images/v1/keys", &batch, b""));
    secrets.refused(client.send("GET", &client.path("v1/stats"), &batch, b""));
    // Signing keys and what they sign.
    client.ask("PUT", "v1/keys/autumn").unwrap().result();
    let keys = client.ask("GET", "v1/keys").unwrap().result();
    for key in keys["keys"].as_array().unwrap() {
        secrets.add("a signing key", key["value"].as_str().unwrap());
    }
    secrets.refused(client.ask("PUT", "v1/keys/third"));
    secrets.refused(client.ask("DELETE", "v1/keys/nosuch"));
    let private = Form::default().text("requireSignedURLs", "true").file(&picture(2));
    let private = client.send_form("v1", private).unwrap().result();
    let url = path_of(private["variants"][0].as_str().unwrap());
    let signed = place.command(&["sign", "--account", &place.account, "--expires", "1h", &url]);
    let signed = signed.trim();
    let (_, signature) = signed.rsplit_once("sig=").unwrap();
    secrets.add("a signature", signature);
    assert_eq!(client.send("GET", signed, &[], b"").unwrap().status, 200);
    secrets.refused(client.send("GET", &format!("{signed}&v=2"), &[], b""));
    secrets.refused(client.send("GET", &format!("{signed}&sig={signature}"), &[], b""));
    secrets.refused(client.send("GET", &signed.replace("/public?", "/nosuch?"), &[], b""));
    secrets.refused(client.send("POST", signed, &[], b""));
    // URLs that take one upload.
    for custom in [None, Some("people/me")] {
        let form = custom.map_or_else(Form::default, |id| Form::default().text("id", id));
        let promise = client.send_form("v2/direct_upload", form).unwrap().result();
        let upload = path_of(promise["uploadURL"].as_str().unwrap());
        secrets.add("an upload URL", upload.rsplit('/').next().unwrap());
        // A draft's id is its secret: whoever looks after it must not write it into the log.
        let segment = crate::client::segment(promise["id"].as_str().unwrap());
        client.ask("GET", &format!("v1/{segment}")).unwrap().result();
        client
            .ask_json("PATCH", &format!("v1/{segment}"), &json!({"creator": "c"}))
            .unwrap()
            .result();
        if custom.is_none() {
            secrets.refused(client.ask("GET", &format!("v1/{segment}/blob")));
            let early = format!("/cdn-cgi/imagedelivery/{}/{segment}/public", place.hash);
            secrets.refused(client.send("GET", &early, &[], b""));
            let private = client.ask_json("PATCH", &format!("v1/{segment}"), &json!({"requireSignedURLs": true}));
            secrets.refused(private);
        }
        secrets.refused(client.send_form_to(&upload, Form::default().file(b"no picture")));
        secrets.refused(client.send("GET", &upload, &[], b""));
        secrets.refused(client.send("POST", &upload, &[("Content-Type", "image/png")], b"x"));
        secrets.refused(client.send_form_to(&format!("{upload}x"), Form::default().file(&picture(3))));
        assert_eq!(client.send("OPTIONS", &upload, &[], b"").unwrap().status, 204);
    }
    // Uploads by URL.
    secrets.add("the password of a URL", URL_PASSWORD);
    secrets.add("the password of a redirect", REDIRECT_PASSWORD);
    let basic = base64_of(&format!("user:{URL_PASSWORD}"));
    secrets.add("the credentials of a URL", &basic);
    let by_url = |url: &str| client.send_form("v1", Form::default().text("url", url));
    let good = format!("http://user:{URL_PASSWORD}@{origin}/picture.png");
    by_url(&good).unwrap().result();
    for path in ["missing", "moved", "page"] {
        secrets.refused(by_url(&format!("http://user:{URL_PASSWORD}@{origin}/{path}")));
    }
    for url in [
        format!("http://user:{URL_PASSWORD}@127.0.0.1:1/nobody"),
        format!("http://user:{URL_PASSWORD}@nosuch.invalid/nobody"),
        format!("https://user:{URL_PASSWORD}@{origin}/no-tls"),
        format!("ftp://user:{URL_PASSWORD}@{origin}/file"),
        format!("http://user:{URL_PASSWORD}@/nowhere"),
        format!("http://user:{URL_PASSWORD}@[::bad]/"),
        format!("user:{URL_PASSWORD}@{origin}"),
    ] {
        secrets.refused(by_url(&url));
    }
    let transform = format!("/cdn-cgi/image/w=10/http://user:{URL_PASSWORD}@{origin}/missing");
    secrets.refused(client.send("GET", &transform, &[], b""));
    // Bad bodies.
    for body in [json!({"metadata": "x"}), json!({"creator": 1}), json!([1])] {
        secrets.refused(client.ask_json("PATCH", &format!("v1/{id}"), &body));
    }
    secrets.refused(client.ask("GET", "v2?meta.a%5B%0Aforged%5D=1"));
    secrets.refused(client.ask("GET", "v2?continuation_token=nosuch"));
    client.ask("DELETE", &format!("v1/{id}")).unwrap().result();
    client.ask("DELETE", "v1/keys/autumn").unwrap().result();
}

/// RFC 4648, section 4, for texts of a length that needs no padding of two.
fn base64_of(text: &str) -> String {
    const SET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for three in text.as_bytes().chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for digit in 0..=three.len() {
            encoded.push(char::from(SET[(bits >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    encoded
}

fn nothing_tells(log_format: &str, database: Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let mut place = Place::new(&folder.path().join("data"), database);
    place.environment = vec![("CALOTYPE_SEALING_KEY".to_owned(), SEALING_KEY.to_owned())];
    // The key that seals is another one from now on: the account's keys are made again with it.
    let account = place.command(&["account", "create", "second"]);
    let mut words = account.split_whitespace();
    place.account = words.next().unwrap().to_owned();
    place.hash = words.next().unwrap().to_owned();
    let token = place.command(&["token", "create", "test", "--account", &place.account]);
    place.token = token.lines().last().unwrap().to_owned();
    let mut secrets = Secrets::default();
    secrets.add("the token", &place.token);
    secrets.add("the key that seals", SEALING_KEY);
    secrets.add("the password of the database", DATABASE_PASSWORD);
    let log = folder.path().join("log");
    let socket = folder.path().join("binding.sock");
    let format = format!("log_format={log_format}");
    let mut arguments = vec!["--set", "log=trace", "--set", &format, "--allow-private"];
    arguments.extend(["--binding-socket", socket.to_str().unwrap()]);
    let server = place.serve(&log, &arguments);
    everything(&server.client.clone(), &place, &mut secrets);
    on_the_socket(&socket, &place.account);
    let announced = server.stop();
    let text = std::fs::read_to_string(&log).unwrap();
    println!("{} bytes of log, {} of refusals", text.len(), secrets.refusals.len());
    assert!(
        text.contains("TRACE") && text.contains("calotype::access"),
        "everything is logged"
    );
    assert_no_panic(&log);
    assert!(
        !text.lines().any(|line| line.starts_with("forged")),
        "no client writes lines of the log"
    );
    if log_format == "json" {
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(value.is_object());
            assert!(line.matches("\"message\":").count() < 2, "one member of a name: {line}");
        }
    }
    secrets.assert_not_in("the log", &text);
    secrets.assert_not_in("what is printed", &announced);
    secrets.assert_not_in("an answer that refuses", &secrets.refusals.clone());
    assert!(!text.contains("sig="), "no signature is logged");
}

/// The same API without tokens.
fn on_the_socket(path: &Path, account: &str) {
    for (target, body) in [
        (format!("/client/v4/accounts/{account}/images/v1/keys"), ""),
        (
            "/binding/signed-url".to_owned(),
            r#"{"id":"nosuch","variant":"public"}"#,
        ),
    ] {
        let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
        let method = if body.is_empty() { "GET" } else { "POST" };
        let length = body.len();
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    }
}

#[test]
fn no_secret_is_in_what_is_logged_or_refused() {
    nothing_tells("text", None);
}

#[test]
fn nor_in_lines_of_json_nor_with_postgresql() {
    let with_password = |url: String| url.replace("calotype@", &format!("calotype:{DATABASE_PASSWORD}@"));
    nothing_tells("json", crate::postgres::database().map(with_password));
}

#[test]
fn settings_that_are_wrong_are_said_without_their_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder.path().join("data"), None);
    let data = place.data.to_str().unwrap();
    let mut secrets = Secrets::default();
    secrets.add("the password of the database", DATABASE_PASSWORD);
    secrets.add("the password of the origin", ORIGIN_PASSWORD);
    secrets.add("the key that seals", SEALING_KEY);
    let digits = "123456789012345678";
    secrets.add("a key of digits", digits);
    for setting in [
        format!("database=postgres://me:{DATABASE_PASSWORD}@127.0.0.1:1/nobody"),
        format!("database=postgres://me:{DATABASE_PASSWORD}@[::bad/nobody"),
        format!("database=mysql://me:{DATABASE_PASSWORD}@127.0.0.1/nobody"),
        format!("database=[\"{DATABASE_PASSWORD}\"]"),
        format!("sealing_key={SEALING_KEY}00"),
        format!("sealing_key={digits}"),
        format!("sealing_key=[\"{SEALING_KEY}\"]"),
        format!("origin=http://me:{ORIGIN_PASSWORD}@127.0.0.1/"),
        format!("origin=ftp://me:{ORIGIN_PASSWORD}@127.0.0.1/"),
    ] {
        let output = place.run(&["serve", "--data", data, "--set", &setting, "--set", "log=trace"]);
        assert!(!output.status.success(), "{setting}");
        let text = [output.stdout, output.stderr].concat();
        secrets.assert_not_in(&setting, &String::from_utf8_lossy(&text));
    }
    for (name, value) in [
        ("CALOTYPE_SEALING_KEY", digits),
        ("CALOTYPE_DATABASE", "[\"databasePa55word\"]"),
    ] {
        let place = Place {
            environment: vec![(name.to_owned(), value.to_owned())],
            data: place.data.clone(),
            database: None,
            account: String::new(),
            hash: String::new(),
            token: String::new(),
        };
        let output = place.run(&["account", "list"]);
        assert!(!output.status.success(), "{name}");
        secrets.assert_not_in(name, &String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    }
    let printed = place.command(&[
        "serve",
        "--print-settings",
        "--set",
        &format!("sealing_key={SEALING_KEY}"),
    ]);
    secrets.assert_not_in("the settings that are printed", &printed);
}
