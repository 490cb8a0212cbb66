//! Who may call what: every operation of the API's own description, asked for by people who may not.

use crate::setup::{alone, built, folder};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use tests_kit::client::{Client, text};
use tests_kit::{Appliance, executables};

/// One operation of the OpenAPI document.
struct Operation {
    method: Method,
    path: String,
    /// The action that it declares; `None` for the public ones.
    action: Option<String>,
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let action = operation["security"][0]["session"][0].as_str().map(str::to_owned);
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            found.push(Operation { method, path: path.clone(), action });
        }
    }
    found
}

/// The path with ids of things that exist; what does not exist is named by an id that nothing has.
fn filled(path: &str, project: &str, user: &str) -> String {
    let nothing = "00000000000000000000000000000000";
    let path = path.replace("/projects/{id}", &format!("/projects/{project}")).replace("{user}", user);
    let path = path.replace("/uploads/{id}", &format!("/uploads/upl_{nothing}"));
    let path = path.replace("/assets/{id}", &format!("/assets/asset_{nothing}"));
    path.replace("/jobs/{id}", &format!("/jobs/job_{nothing}"))
}

fn body(operation: &Operation) -> Option<Value> {
    let writes = operation.method == Method::POST || operation.method == Method::PUT;
    writes.then(|| match operation.path.as_str() {
        "/api/v1/users" => json!({ "username": "x-y", "display_name": "X", "role": "member" }),
        "/api/v1/projects" => json!({ "name": "X" }),
        "/api/v1/projects/{id}/uploads" => json!({ "file_name": "a.mp4", "size": 1 }),
        "/api/v1/projects/{id}/members" => json!({ "username": "admin", "role": "viewer" }),
        "/api/v1/projects/{id}/members/{user}" => json!({ "role": "viewer" }),
        "/api/v1/uploads/{id}/parts" => json!({ "numbers": [1] }),
        "/api/v1/uploads/{id}/complete" => json!({ "parts": [] }),
        "/api/v1/account/password" => json!({ "current_password": "a", "new_password": "b" }),
        _ => json!({}),
    })
}

/// A new person, signed in with their one-time password on a client of their own.
async fn invited(appliance: &Appliance, admin: &Client, name: &str) -> (Client, String, String) {
    let new = json!({ "username": name, "display_name": name, "role": "member" });
    let made = admin.post("/api/v1/users", &new).await.unwrap();
    let client = appliance.client().unwrap();
    let one_time = text(&made, "one_time_password").unwrap();
    client.sign_in(name, &one_time).await.unwrap();
    (client, text(&made["user"], "id").unwrap(), one_time)
}

/// An appliance of the test's own, with its administrator.
async fn fresh(place: &Path) -> (Appliance, Client) {
    built();
    let executable = executables::find("strongroom").unwrap();
    let appliance = Appliance::start(&executable, &place.join("root"), None).await.unwrap();
    let admin = appliance.admin(&tests_kit::random_word().unwrap()).await.unwrap();
    (appliance, admin)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_refuses_those_who_may_not() {
    let _alone = alone().await;
    let place = folder();
    let (appliance, admin) = fresh(place.path()).await;
    let project = admin.project("Closed").await.unwrap();
    let operations = operations(&admin.get("/api/openapi.json").await.unwrap());
    assert!(operations.iter().filter(|o| o.action.is_some()).count() >= 20);

    let nobody = appliance.client().unwrap();
    let (newcomer, user, one_time) = invited(&appliance, &admin, "newcomer").await;
    for operation in operations.iter().filter(|o| o.action.is_some()) {
        let what = format!("{} {}", operation.method, operation.path);
        let path = filled(&operation.path, &project, &user);
        let body = body(operation);
        // Signing out without a session is fine: there is nothing to end.
        if !what.starts_with("DELETE /api/v1/session") {
            let answer = nobody.call(operation.method.clone(), &path, body.as_ref()).await.unwrap();
            assert_eq!((answer.status.as_u16(), answer.code()), (401, "session.required"), "{what}: {}", answer.body);
        }
        if operation.action.as_deref() == Some("use-account") {
            continue;
        }
        let answer = newcomer.call(operation.method.clone(), &path, body.as_ref()).await.unwrap();
        let hidden = operation.path.contains("/uploads/")
            || operation.path.contains("/assets/")
            || operation.path.contains("/jobs/");
        let wanted = if hidden { (404, "not-found") } else { (403, "password.change-required") };
        assert_eq!((answer.status.as_u16(), answer.code()), wanted, "{what}: {}", answer.body);
    }

    // With a password of their own they are a member of the appliance, and a stranger to the project.
    newcomer.change_password(&one_time, "plum-cart-seven-oil").await.unwrap();
    for operation in operations.iter().filter(|o| o.path.starts_with("/api/v1/projects/{id}")) {
        let path = filled(&operation.path, &project, &user);
        let answer = newcomer.call(operation.method.clone(), &path, body(operation).as_ref()).await.unwrap();
        assert_eq!(answer.status.as_u16(), 404, "{} {path}: {}", operation.method, answer.body);
    }
    assert_eq!(newcomer.call(Method::GET, "/api/v1/users", None).await.unwrap().status.as_u16(), 403);

    // A viewer of the project reads, and neither uploads nor decides who belongs.
    let members = format!("/api/v1/projects/{project}/members");
    admin.post(&members, &json!({ "username": "newcomer", "role": "viewer" })).await.unwrap();
    newcomer.get(&format!("/api/v1/projects/{project}/assets")).await.unwrap();
    let upload = json!({ "file_name": "a.mp4", "size": 10 });
    for (path, body) in [
        (format!("/api/v1/projects/{project}/uploads"), &upload),
        (members, &json!({ "username": "admin", "role": "viewer" })),
    ] {
        let answer = newcomer.call(Method::POST, &path, Some(body)).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.code()), (403, "permission.denied"), "{path}");
    }

    // A page of another origin cannot use the session, and the last owner stays.
    let create = newcomer.request(Method::POST, "/api/v1/projects").header("origin", "https://elsewhere.invalid");
    assert_eq!(create.json(&json!({ "name": "Stolen" })).send().await.unwrap().status().as_u16(), 403);
    let me = text(&admin.get("/api/v1/session").await.unwrap()["user"], "id").unwrap();
    let leave = admin.call(Method::DELETE, &format!("/api/v1/projects/{project}/members/{me}"), None).await.unwrap();
    assert_eq!(leave.status.as_u16(), 409, "{}", leave.body);
    appliance.stop().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_passwords_slows_down_and_locks_nobody_else_out() {
    let _alone = alone().await;
    let place = folder();
    let (appliance, admin) = fresh(place.path()).await;
    let guesser = appliance.client().unwrap();
    let mut seen = Vec::new();
    for _ in 0..8 {
        let guess = json!({ "username": "admin", "password": "not-the-password" });
        let answer = guesser.call(Method::POST, "/api/v1/session", Some(&guess)).await.unwrap();
        seen.push(answer.status.as_u16());
    }
    assert!(seen[..5].iter().all(|status| *status == 401), "{seen:?}");
    assert!(seen.contains(&429), "{seen:?}");
    // Who is signed in stays so.
    admin.get("/api/v1/projects").await.unwrap();
    appliance.stop().unwrap();
}
