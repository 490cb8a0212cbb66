//! The control database.

use appliance_app::ports::{Accounts, StoreErrorKind};
use appliance_domain::SessionId;
use appliance_domain::names::{DisplayName, Username};
use appliance_domain::people::{PlatformRole, Session, User};

use crate::support::{Bench, NOW, at, refused, user_id, uuid};

fn person(name: &str) -> User {
    User {
        id: user_id(),
        username: Username::parse(name).unwrap(),
        display_name: DisplayName::parse("Ada L").unwrap(),
        role: PlatformRole::Admin,
        must_change_password: true,
        created_at: NOW,
    }
}

fn session(user: &User) -> Session {
    let id = SessionId::from_uuid(uuid());
    Session { id, user: user.id, created_at: NOW, seen_at: NOW, expires_at: at(1000) }
}

#[tokio::test]
async fn people_read_back_as_they_were_written() {
    let bench = Bench::new();
    let accounts = bench.store.accounts();
    assert_eq!(accounts.count().await.unwrap(), 0);
    let (ada, bob) = (person("ada"), person("bob"));
    accounts.create(&bob, "hash-b").await.unwrap();
    accounts.create(&ada, "hash-a").await.unwrap();
    assert_eq!(accounts.count().await.unwrap(), 2);
    assert_eq!(accounts.users().await.unwrap(), [ada.clone(), bob]);
    assert_eq!(accounts.user(ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(accounts.user(user_id()).await.unwrap(), None);
    let credentials = accounts.credentials("ada").await.unwrap().unwrap();
    assert_eq!((credentials.user, credentials.password_hash, credentials.disabled), (ada, "hash-a".into(), false));
    assert!(accounts.credentials("eve").await.unwrap().is_none());
}

#[tokio::test]
async fn a_user_name_is_given_once() {
    let bench = Bench::new();
    let accounts = bench.store.accounts();
    accounts.create(&person("ada"), "h").await.unwrap();
    refused(accounts.create(&person("ada"), "h").await, StoreErrorKind::Conflict);
    assert_eq!(accounts.count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_session_lives_until_it_expires_or_idles_or_ends() {
    let bench = Bench::new();
    let accounts = bench.store.accounts();
    let ada = person("ada");
    accounts.create(&ada, "h").await.unwrap();
    let held = session(&ada);
    accounts.create_session(&held, [7; 32]).await.unwrap();

    let found = accounts.session([7; 32], at(1), at(-1)).await.unwrap();
    assert_eq!(found, Some((held.clone(), ada)));
    assert!(accounts.session([8; 32], at(1), at(-1)).await.unwrap().is_none(), "another token");
    assert!(accounts.session([7; 32], at(1000), at(-1)).await.unwrap().is_none(), "past its end");
    assert!(accounts.session([7; 32], at(1), NOW).await.unwrap().is_none(), "idle");
    accounts.touch_session(held.id, at(5)).await.unwrap();
    assert!(accounts.session([7; 32], at(6), NOW).await.unwrap().is_some(), "used since");

    assert!(accounts.session_is_live(held.id, at(999)).await.unwrap());
    assert!(!accounts.session_is_live(held.id, at(1000)).await.unwrap());
    accounts.end_session(held.id).await.unwrap();
    accounts.end_session(held.id).await.unwrap();
    assert!(!accounts.session_is_live(held.id, at(1)).await.unwrap());
}

#[tokio::test]
async fn a_new_password_ends_all_sessions_but_the_kept_one() {
    let bench = Bench::new();
    let accounts = bench.store.accounts();
    let (ada, bob) = (person("ada"), person("bob"));
    accounts.create(&ada, "h").await.unwrap();
    accounts.create(&bob, "h").await.unwrap();
    let (kept, other, of_bob) = (session(&ada), session(&ada), session(&bob));
    for (n, held) in [(1, &kept), (2, &other), (3, &of_bob)] {
        accounts.create_session(held, [n; 32]).await.unwrap();
    }
    accounts.set_password(ada.id, "new", false, Some(kept.id)).await.unwrap();
    let credentials = accounts.credentials("ada").await.unwrap().unwrap();
    assert_eq!(credentials.password_hash, "new");
    assert!(!credentials.user.must_change_password);
    assert!(accounts.session_is_live(kept.id, at(1)).await.unwrap());
    assert!(!accounts.session_is_live(other.id, at(1)).await.unwrap());
    assert!(accounts.session_is_live(of_bob.id, at(1)).await.unwrap());
    accounts.set_password(ada.id, "newer", true, None).await.unwrap();
    assert!(!accounts.session_is_live(kept.id, at(1)).await.unwrap());
    refused(accounts.set_password(user_id(), "h", false, None).await, StoreErrorKind::NotFound);
}

#[tokio::test]
async fn a_disabled_person_has_no_live_session() {
    let bench = Bench::new();
    let accounts = bench.store.accounts();
    let ada = person("ada");
    accounts.create(&ada, "h").await.unwrap();
    let held = session(&ada);
    accounts.create_session(&held, [7; 32]).await.unwrap();
    let connection = rusqlite::Connection::open(bench.path().join("db/control.sqlite")).unwrap();
    connection.execute("UPDATE users SET disabled = 1", []).unwrap();
    assert!(!accounts.session_is_live(held.id, at(1)).await.unwrap());
    assert!(accounts.session([7; 32], at(1), at(-1)).await.unwrap().is_none());
    assert!(accounts.credentials("ada").await.unwrap().unwrap().disabled);
}

#[tokio::test]
async fn a_session_needs_a_person() {
    let bench = Bench::new();
    let accounts = bench.store.accounts();
    refused(accounts.create_session(&session(&person("ghost")), [7; 32]).await, StoreErrorKind::NotFound);
}
