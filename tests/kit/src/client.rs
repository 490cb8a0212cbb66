//! A client of the public API (`/api/v1`) that trusts one appliance's own CA and nothing else.

use anyhow::{Context, Result, bail};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// No answer of the API that is JSON is longer than this.
const ANSWER_MAX: usize = 16 * 1024 * 1024;

/// One browser's worth of cookies, against one appliance.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

/// What came back: the status, and the body when it was JSON (else null).
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// The body.
    pub body: Value,
}

impl Answer {
    /// The body of an answer that went well.
    ///
    /// # Errors
    /// When the status is not 2xx, with the problem's own words.
    pub fn ok(self) -> Result<Value> {
        if !self.status.is_success() {
            bail!("the appliance answered {}: {}", self.status, self.body);
        }
        Ok(self.body)
    }

    /// The stable code of a problem; empty when there is none.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Client {
    /// `base` is `https://127.0.0.1:8443`, `ca` the appliance's CA certificate in PEM.
    ///
    /// # Errors
    /// When the certificate cannot be read.
    pub fn new(base: &str, ca: &[u8]) -> Result<Self> {
        // A second caller finds the provider installed already: the same one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let ca = reqwest::Certificate::from_pem(ca).context("the CA certificate is not PEM")?;
        let http = reqwest::Client::builder()
            .use_rustls_tls()
            .add_root_certificate(ca)
            .cookie_store(true)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(120))
            .no_proxy()
            .build()
            .context("set up the HTTP client")?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned() })
    }

    /// The address that paths are appended to.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request to `path` (or to a whole address of this appliance) with the header that marks our own callers.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let address = if path.starts_with("https://") { path.to_owned() } else { format!("{}{path}", self.base) };
        self.http.request(method, address).header("x-strongroom", "1")
    }

    /// One call with an optional JSON body.
    ///
    /// # Errors
    /// When there is no answer, or one that is too long.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let what = format!("{method} {path}");
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        answer(request).await.with_context(|| what)
    }

    /// `GET`, whose answer must go well.
    ///
    /// # Errors
    /// As [`Client::call`], and when the status is not 2xx.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await?.ok().with_context(|| format!("GET {path}"))
    }

    /// `POST`, whose answer must go well.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await?.ok().with_context(|| format!("POST {path}"))
    }

    /// The bytes of a media file.
    ///
    /// # Errors
    /// When there is no answer or the status is not 2xx.
    pub async fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        let response = self.request(Method::GET, path).send().await?.error_for_status()?;
        Ok(response.bytes().await?.to_vec())
    }

    /// Signs in; the cookie stays with this client. Gives back the session.
    ///
    /// # Errors
    /// When the appliance refuses.
    pub async fn sign_in(&self, username: &str, password: &str) -> Result<Value> {
        self.post("/api/v1/session", &json!({ "username": username, "password": password })).await
    }

    /// Changes the password of who is signed in, as a first sign-in demands.
    ///
    /// # Errors
    /// When the appliance refuses.
    pub async fn change_password(&self, current: &str, new: &str) -> Result<()> {
        let body = json!({ "current_password": current, "new_password": new });
        self.post("/api/v1/account/password", &body).await.map(|_| ())
    }

    /// The id of the project of that name, made if there is none.
    ///
    /// # Errors
    /// When the appliance refuses.
    pub async fn project(&self, name: &str) -> Result<String> {
        let projects = self.get("/api/v1/projects").await?;
        let found = projects["items"].as_array().into_iter().flatten().find(|project| project["name"] == name);
        let project = match found {
            Some(project) => project.clone(),
            None => self.post("/api/v1/projects", &json!({ "name": name })).await?,
        };
        text(&project, "id")
    }

    /// Every asset of a project, page by page.
    ///
    /// # Errors
    /// When the appliance refuses.
    pub async fn assets(&self, project: &str) -> Result<Vec<Value>> {
        let mut assets = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/api/v1/projects/{project}/assets?limit=50{cursor}")).await?;
            assets.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(assets),
            }
        }
    }

    /// Asks for an asset until it is as wanted.
    ///
    /// # Errors
    /// When it is not within `limit`, or has failed meanwhile; shows the asset.
    pub async fn asset_until(&self, asset: &str, limit: Duration, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let until = Instant::now() + limit;
        loop {
            let value = self.get(&format!("/api/v1/assets/{asset}")).await?;
            if wanted(&value) {
                return Ok(value);
            }
            if value["state"] == "failed" {
                bail!("the asset failed: {value}");
            }
            if Instant::now() >= until {
                bail!("the asset is not as wanted within {limit:?}: {value}");
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

/// Sends a request and reads its JSON, if it is JSON.
pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Result<Answer> {
    let response = request.send().await?;
    let status = response.status();
    let bytes = response.bytes().await?;
    if bytes.len() > ANSWER_MAX {
        bail!("an answer of {} bytes is no answer of this API", bytes.len());
    }
    Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
}

/// A text field that must be there.
///
/// # Errors
/// When it is not, with the whole value.
pub fn text(value: &Value, field: &str) -> Result<String> {
    Ok(value[field].as_str().with_context(|| format!("no text `{field}` in {value}"))?.to_owned())
}

/// Is one of its processing steps done (or skipped, because there is nothing to do)?
#[must_use]
pub fn step_done(asset: &Value, name: &str) -> bool {
    let steps = asset["steps"].as_array().into_iter().flatten();
    steps.filter(|step| step["name"] == name).any(|step| step["state"] == "done" || step["state"] == "skipped")
}

/// Has it something to play, or to look at?
#[must_use]
pub fn is_playable(asset: &Value) -> bool {
    asset["state"] == "playable" || asset["state"] == "ready"
}
