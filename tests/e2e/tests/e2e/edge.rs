//! The signed media edge from outside: ranges, tampered and expired links, names that climb, and nobody signed in.

use crate::setup::{alone, folder, real, video};
use reqwest::{Method, StatusCode, header};
use std::time::Duration;
use tests_kit::client::{Client, is_playable, text};
use tests_kit::{Appliance, upload};

#[tokio::test(flavor = "multi_thread")]
async fn the_edge_serves_ranges_and_refuses_what_is_not_signed() {
    let _alone = alone().await;
    let Some(real) = real() else { return };
    let place = folder();
    let appliance = Appliance::start(&real.executable(), &place.path().join("root"), None).await.unwrap();
    let client = appliance.admin(&tests_kit::random_word().unwrap()).await.unwrap();
    let project = client.project("Edge").await.unwrap();
    let asset = upload::asset_of(&client, &project, &video(place.path(), "edge.mp4", 6)).await.unwrap();
    let asset = client.asset_until(&asset, Duration::from_secs(180), is_playable).await.unwrap();
    let playlist = text(&asset["preview"], "hls").unwrap();
    let segment = first_segment(&client, &playlist).await;
    let whole = client.bytes(&segment).await.unwrap();

    ranges(&client, &segment, &whole).await;
    links(&appliance, &client, &segment).await;
    nobody(&appliance).await;
    appliance.stop().unwrap();
}

/// Follows the playlists as a player does.
pub(crate) async fn first_segment(client: &Client, playlist: &str) -> String {
    let mut path = playlist.to_owned();
    for _ in 0..2 {
        let listed = String::from_utf8(client.bytes(&path).await.unwrap()).unwrap();
        assert!(listed.starts_with("#EXTM3U"), "{listed}");
        let next = listed.lines().find(|line| !line.is_empty() && !line.starts_with('#')).expect("an entry").to_owned();
        path = format!("{}/{next}", path.rsplit_once('/').unwrap().0);
    }
    path
}

async fn ranges(client: &Client, path: &str, whole: &[u8]) {
    let ask = |range: &'static str| client.request(Method::GET, path).header(header::RANGE, range).send();
    let total = whole.len();
    let part = ask("bytes=100-199").await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()[header::CONTENT_RANGE], format!("bytes 100-199/{total}").as_str());
    assert_eq!(part.bytes().await.unwrap(), &whole[100..200]);
    let tail = ask("bytes=-10").await.unwrap();
    assert_eq!(tail.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(tail.bytes().await.unwrap(), &whole[total - 10..]);
    let beyond = ask("bytes=999999999-").await.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.headers()[header::CONTENT_RANGE], format!("bytes */{total}").as_str());
    let head = client.request(Method::HEAD, path).send().await.unwrap();
    assert_eq!(head.headers()[header::CONTENT_LENGTH], total.to_string().as_str());
    let etag = head.headers()[header::ETAG].clone();
    let same = client.request(Method::GET, path).header(header::IF_NONE_MATCH, etag).send().await.unwrap();
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
}

async fn links(appliance: &Appliance, client: &Client, path: &str) {
    let refused = async |path: &str| {
        let status = client.request(Method::GET, path).send().await.unwrap().status();
        assert!(
            matches!(status, StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND),
            "{status} for {path}"
        );
    };
    let mut parts = path.splitn(4, '/');
    let (token, rest) = (parts.nth(2).unwrap(), parts.next().unwrap());
    let fields: Vec<&str> = token.split('.').collect();
    let [kid, expires, audience, mac] = fields[..] else { panic!("a token of other shape: {token}") };
    let flipped: String =
        mac.chars().enumerate().map(|(at, c)| if at == 3 { if c == 'A' { 'B' } else { 'A' } } else { c }).collect();
    let later = expires.parse::<i64>().unwrap() + 3600;
    let earlier = 1_000_000_000;
    for token in [
        format!("{kid}.{expires}.{audience}.{flipped}"),
        format!("{kid}.{later}.{audience}.{mac}"),
        format!("{kid}.{earlier}.{audience}.{mac}"),
        format!("{kid}.{expires}.{}.{mac}", "0".repeat(audience.len())),
        format!("{kid}.{expires}.{audience}."),
        String::from("...."),
    ] {
        refused(&format!("/m/{token}/{rest}")).await;
    }
    // Under a good link, too, only what players need is served.
    let generation = rest.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
    refused(&format!("/m/{token}/{generation}/manifest.json")).await;
    // Signed with this appliance's own secret: what holds until tomorrow is served, what ended yesterday is not.
    let mut names = rest.splitn(3, '/');
    let (version, scope) = (names.next().unwrap(), names.next().unwrap());
    let now =
        i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let signed = |expires: i64| {
        let mac = mac_of(appliance.root(), &["media", &expires.to_string(), audience, version, scope]);
        format!("/m/{kid}.{expires}.{audience}.{mac}/{rest}")
    };
    assert_eq!(client.request(Method::GET, &signed(now + 86_400)).send().await.unwrap().status(), StatusCode::OK);
    refused(&signed(now - 86_400)).await;
    refused(&signed(now - 1)).await;

    let folder = path.rsplit_once('/').unwrap().0;
    for climb in [
        "../../../../../keys/ca.key",
        "..%2f..%2f..%2f..%2f..%2fkeys%2fca.key",
        "%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/keys/ca.key",
        "..%5c..%5c..%5ckeys%5cca.key",
        "%00",
        "nothing.m4s",
    ] {
        as_written(appliance, &format!("{folder}/{climb}"));
    }
}

/// Asks for a path with a client that does not tidy it up first; it must be refused.
fn as_written(appliance: &Appliance, path: &str) {
    let mut command = std::process::Command::new("curl");
    command.args(["--silent", "--path-as-is", "--output", "/dev/null", "--write-out", "%{http_code}", "--cacert"]);
    command.arg(tests_kit::appliance::ca_path(appliance.root())).arg(format!("{}{path}", appliance.base()));
    let said = tests_kit::process::run(&mut command, Duration::from_secs(20)).unwrap();
    assert!(matches!(said.stdout.as_str(), "400" | "403" | "404"), "{} for {path}", said.stdout);
}

/// HMAC-SHA-256, cut to 128 bits, over each part behind its length: as `appliance-app::edge` documents it.
fn mac_of(root: &std::path::Path, parts: &[&str]) -> String {
    use base64::Engine as _;
    use hmac::Mac as _;
    let secret = std::fs::read(root.join("var/lib/strongroom/keys/edge.key")).unwrap();
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&secret).unwrap();
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap().to_be_bytes());
        mac.update(part.as_bytes());
    }
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..16])
}

/// Without a session there is nothing to see but the sign-in, the readiness and the CA.
async fn nobody(appliance: &Appliance) {
    let client = appliance.client().unwrap();
    for path in ["/api/v1/projects", "/api/v1/users", "/api/v1/session"] {
        let answer = client.call(Method::GET, path, None).await.unwrap();
        assert_eq!((answer.status, answer.code()), (StatusCode::UNAUTHORIZED, "session.required"), "{path}");
    }
    for path in ["/healthz", "/readyz", "/ca.crt"] {
        assert!(client.call(Method::GET, path, None).await.unwrap().status.is_success(), "{path}");
    }
}
