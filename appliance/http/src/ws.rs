//! `/ws`: events of the project that an open page shows, and the progress of its jobs.
//!
//! Invariants: a subscription is for one project and is authorized again as events come, so that a removed member
//! or an ended session stops hearing within seconds; kept events carry their position, so that a page that was away asks
//! for what it missed; progress is not kept and has position 0.

use std::time::Duration;

use appliance_app::live::Moment;
use appliance_app::ports::catalog::{Change, Event};
use appliance_app::{Actor, AppError};
use appliance_domain::{EventSeq, ProjectId};
use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::Shared;
use crate::auth::SignedIn;
use crate::problem::Refusal;
use crate::wire::{SegmentBody, UploadBody};

/// Largest message that a page may send.
const MESSAGE_MAX: usize = 4096;
const PING_EVERY: Duration = Duration::from_secs(20);

pub(crate) fn router() -> Router<Shared> {
    Router::new().route("/ws", any(open))
}

async fn open(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    if actor.user.must_change_password {
        return Err(AppError::ChangePasswordFirst.into());
    }
    let upgrade = upgrade.max_message_size(MESSAGE_MAX).max_frame_size(MESSAGE_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let mut page = Page { shared, actor, socket, watched: None };
        if page.talk().await.is_none() {
            tracing::debug!("page gone");
        }
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    subscribe: Subscribe,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribe {
    project: String,
    #[serde(default)]
    since: EventSeq,
}

/// One open page.
struct Page {
    shared: Shared,
    actor: Actor,
    socket: WebSocket,
    watched: Option<(ProjectId, EventSeq)>,
}

impl Page {
    /// Runs until the page goes away (`None`) or is sent away (`Some`).
    async fn talk(&mut self) -> Option<()> {
        let mut events = self.shared.app.ports().catalog.watch_events();
        let mut moments = self.shared.app.live().subscribe();
        let mut ping = tokio::time::interval(PING_EVERY);
        let newest = *events.borrow_and_update();
        self.send(&json!({ "hello": { "seq": newest } })).await?;
        loop {
            tokio::select! {
                heard = self.socket.recv() => match heard?.ok()? {
                    Message::Text(text) => self.ask(&text).await?,
                    Message::Close(_) => return Some(()),
                    _ => {}
                },
                changed = events.changed() => {
                    changed.ok()?;
                    events.borrow_and_update();
                    self.catch_up().await?;
                }
                moment = moments.recv() => match moment {
                    Ok(moment) => self.tell(&moment).await?,
                    // What was missed is only progress.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Some(()),
                },
                _ = ping.tick() => {
                    self.still_allowed().await?;
                    self.socket.send(Message::Ping(Default::default())).await.ok()?;
                }
            }
        }
    }

    async fn send(&mut self, value: &Value) -> Option<()> {
        self.socket.send(Message::Text(value.to_string().into())).await.ok()
    }

    async fn ask(&mut self, text: &str) -> Option<()> {
        let project = serde_json::from_str::<Ask>(text)
            .ok()
            .and_then(|ask| Some((ask.subscribe.project.parse::<ProjectId>().ok()?, ask.subscribe.since)));
        let Some((project, since)) = project else {
            return self
                .send(&json!({ "error": { "code": "ws.message", "detail": "this message is not understood" } }))
                .await;
        };
        if self.shared.app.still_viewer(&self.actor, project).await.is_err() {
            return self.send(&json!({ "error": { "code": "not-found", "detail": "there is no such project" } })).await;
        }
        self.watched = Some((project, since.max(0)));
        // A page that has just loaded everything (`since` 0) wants what comes, not what was.
        if since <= 0 {
            let newest = self.shared.app.ports().catalog.last_event().await.ok()?;
            self.watched = Some((project, newest));
        }
        self.catch_up().await
    }

    async fn still_allowed(&mut self) -> Option<()> {
        let Some((project, _)) = self.watched else { return Some(()) };
        match self.shared.app.still_viewer(&self.actor, project).await {
            Ok(_) => Some(()),
            Err(AppError::Store(_)) => Some(()),
            Err(_) => None,
        }
    }

    async fn catch_up(&mut self) -> Option<()> {
        let (project, mut since) = match self.watched {
            Some(watched) => watched,
            None => return Some(()),
        };
        let viewer = self.shared.app.still_viewer(&self.actor, project).await.ok()?;
        loop {
            let events = self.shared.app.events(&viewer, since).await.ok()?;
            let Some(last) = events.last() else { return Some(()) };
            since = last.seq;
            self.watched = Some((project, since));
            for event in &events {
                if let Some(message) = describe(&self.shared, &self.actor, event).await {
                    self.send(&message).await?;
                }
            }
        }
    }

    async fn tell(&mut self, moment: &Moment) -> Option<()> {
        let project = moment.project();
        if self.watched.is_none_or(|(watched, _)| watched != project) {
            return Some(());
        }
        let (kind, data) = match moment {
            Moment::Upload { upload, progress, .. } => {
                ("upload.progress", json!({ "upload_id": upload.to_string(), "progress": progress }))
            }
            Moment::Step { asset, step, progress, note, .. } => (
                "asset.progress",
                json!({ "asset_id": asset.to_string(), "step": step, "state": "running", "progress": progress, "note": note }),
            ),
            Moment::Segment { asset, segment, .. } => (
                "transcript.segment",
                json!({ "asset_id": asset.to_string(), "segment": serde_json::to_value(SegmentBody::from(segment)).ok()? }),
            ),
        };
        self.send(&json!({ "seq": 0, "project": project.to_string(), "type": kind, "data": data })).await
    }
}

/// An event in its wire form; `None` when it is not for this person.
async fn describe(shared: &Shared, actor: &Actor, event: &Event) -> Option<Value> {
    let (kind, data) = match event.change {
        Change::Upload(id) => {
            let view = shared.app.upload_of_project(event.project, id).await.ok()??;
            // A person's unfinished uploads are theirs to see.
            if view.upload.owner != actor.user.id {
                return None;
            }
            ("upload.changed", serde_json::to_value(UploadBody::from(&view)).ok()?)
        }
        Change::Asset(id) => ("asset.changed", json!({ "asset_id": id.to_string() })),
        Change::Transcript(id) => ("transcript.changed", json!({ "asset_id": id.to_string() })),
        Change::Project => ("project.changed", json!({})),
    };
    Some(json!({ "seq": event.seq, "project": event.project.to_string(), "type": kind, "data": data }))
}
