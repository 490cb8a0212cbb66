//! `strongroom serve`: from the configuration to the last connection.
//!
//! Invariants: the listener is bound before anything is announced; stopping lets requests and jobs end or gives the jobs
//! back, and takes at most [`GRACE`].

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use appliance_app::App;
use appliance_http::About;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::ServeArgs;
use crate::config::Config;
use crate::error::ServerError;
use crate::layout::Layout;
use crate::{admin, system, tls, ui, wire};

/// How long requests that are under way may take when the appliance stops.
const GRACE: Duration = Duration::from_secs(10);
const TIDY_EVERY: Duration = Duration::from_secs(300);
const DAY: Duration = Duration::from_secs(86_400);

/// Serves until SIGINT or SIGTERM.
pub(crate) async fn serve(args: &ServeArgs) -> Result<(), ServerError> {
    let layout = Layout::new(&args.root.root);
    let slot = admin::slot()?;
    let mut config = Config::load(&layout.config())?;
    if let Some(listen) = args.listen {
        config.network.listen = listen;
    }
    let app = wire::app(&layout, &slot, &config)?;
    let identity = tls::identity(&config, &layout.keys(), app.ports().clock.now())?;
    let (listener, address) = bind(config.network.listen)?;

    app.tidy_at_start().await?;
    greet(&app, address, &identity).await?;

    let stop = CancellationToken::new();
    let worker = wire::worker(&app, &config, &stop);
    let tidy = tokio::spawn(tidy(Arc::clone(&app), stop.clone()));
    let rustls = RustlsConfig::from_config(identity.config);
    let renewal = tokio::spawn(renew(config.clone(), layout.clone(), Arc::clone(&app), rustls.clone(), stop.clone()));

    let about = About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        release: slot.release(),
        ca_pem: identity.authority.map(|a| a.pem),
    };
    let router = appliance_http::router(Arc::clone(&app), about, ui::files());
    let handle = Handle::new();
    let listening = axum_server::from_tcp_rustls(listener, rustls)
        .map_err(|source| ServerError::Listen { address, source })?
        .handle(handle.clone())
        .serve(router.into_make_service_with_connect_info::<SocketAddr>());
    let asked = stop_signal()?;
    let stopping = stop.clone();
    tokio::spawn(async move {
        asked.await;
        tracing::info!("stopping");
        stopping.cancel();
        handle.graceful_shutdown(Some(GRACE));
    });
    let served = listening.await;
    stop.cancel();
    worker.await;
    let _ = tokio::join!(tidy, renewal);
    tracing::info!("stopped");
    served.map_err(|source| ServerError::Listen { address, source })
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let listen = |source| ServerError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?;
    Ok((listener, bound))
}

/// Tells where to sign in and, once, with what.
async fn greet(app: &App, address: SocketAddr, identity: &tls::Identity) -> Result<(), ServerError> {
    if let Some(first) = app.first_run().await? {
        system::print(&format!("user: {}", first.user.username));
        system::print(&format!("one-time password: {}", first.one_time_password));
    }
    if let Some(authority) = &identity.authority {
        system::print(&format!("CA fingerprint (SHA-256): {}", authority.fingerprint));
    }
    let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
    let host = if address.is_ipv6() && !address.ip().is_unspecified() { format!("[{host}]") } else { host };
    system::print(&format!("url: https://{host}:{}", address.port()));
    Ok(())
}

fn stop_signal() -> Result<impl Future<Output = ()>, ServerError> {
    let start = |source| ServerError::Start { what: "the signal handler", source };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(start)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(start)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

async fn tidy(app: Arc<App>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(TIDY_EVERY)).await.is_some() {
        if let Err(error) = app.tidy().await {
            tracing::warn!(error = %runtime_diag::one_line(&error), "tidying stopped");
        }
    }
}

/// A leaf that is made at the start only would run out on a machine that runs for years.
async fn renew(config: Config, layout: Layout, app: Arc<App>, rustls: RustlsConfig, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(DAY)).await.is_some() {
        match tls::identity(&config, &layout.keys(), app.ports().clock.now()) {
            Ok(identity) => rustls.reload_from_config(identity.config),
            Err(error) => tracing::error!(error = %runtime_diag::one_line(&error), "certificate not renewed"),
        }
    }
}
