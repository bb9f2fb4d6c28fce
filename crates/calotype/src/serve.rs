//! `calotype serve`: settings to a running server.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use calotype_engine::NoModels;
use calotype_http::{
    App, AppSettings, BindingServer, BindingSettings, PlaygroundSettings, Router, Server, ServerSettings,
    SourceSettings, Zones,
};
use calotype_plan::{Inputs, Light, Limits};
use calotype_source::{AddressGuard, FetchSettings, Fetcher, LocalRoot, SourceMemory};
use calotype_store::Store;
use calotype_worker::{InProcess, WorkerSettings};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tracing_subscriber::EnvFilter;

use crate::announce::{announce, host_of};
use crate::cli::{ServeArguments, TestHooks};
use crate::data::Data;
use crate::failure::Failure;
use crate::hosted;
use crate::settings::{InputSettings, LightSettings, LogFormat, Settings};

/// Serves until it is told to stop.
pub(crate) fn run(arguments: &ServeArguments) -> Result<(), Failure> {
    let settings = Settings::load(arguments)?;
    if arguments.print_settings {
        let text = serde_json::to_string_pretty(&settings).map_err(|error| Failure::Other(error.to_string()))?;
        return writeln!(io::stdout(), "{text}").map_err(|error| Failure::Other(error.to_string()));
    }
    start_log(&settings)?;
    let data = Data::take(&settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Other(format!("the async runtime could not start: {error}")))?;
    runtime.block_on(serve(settings, &data, arguments.hooks, arguments.stop_with_stdin))
}

async fn serve(settings: Settings, data: &Data, hooks: TestHooks, stop_with_stdin: bool) -> Result<(), Failure> {
    check_hooks(hooks, &settings)?;
    let store = match data.directory() {
        Some(directory) => Some(Arc::new(hosted::open(directory.to_owned(), &settings).await?)),
        None => None,
    };
    let first_run = match &store {
        Some(store) => {
            hosted::reach_originals(store).await?;
            hosted::check_named_accounts(store, &settings).await?;
            hosted::first_run(store).await?
        }
        None => None,
    };
    let (app, memory) = app(&settings, store.clone())?;
    let app = Arc::new(app);
    let server_settings = ServerSettings {
        connections_max: settings.connections,
        stop_timeout: settings.stop_timeout.0,
        send_buffer_bytes: hooks.send_buffer,
        ..ServerSettings::default()
    };
    let server = Server::bind(settings.listen, app.clone(), server_settings)
        .await
        .map_err(|error| {
            Failure::Usage(format!(
                "cannot listen on {}: {error}; choose another address or port with --listen",
                settings.listen
            ))
        })?;
    let address = server.address().map_err(|error| Failure::Other(error.to_string()))?;
    let bindings = binding_servers(&settings, hooks, &app, memory, server_settings).await?;
    let outbound = outbound_server(&settings, &app, server_settings)?;
    app.is_reached_at(&format!("http://{}", host_of(address)));
    announce(&settings, data, address, &bindings, first_run.as_ref())?;
    if hooks.binding_echo {
        tracing::warn!("--binding-echo is on: this server is for test suites, not for users");
    }
    let mut chores = JoinSet::new();
    if let Some(store) = &store {
        chores.spawn(hosted::sweep(store.clone()));
        chores.spawn(hosted::write_usage(store.clone()));
    }
    let stop = stop_signal(stop_with_stdin)?;
    // The others hear of the signal when its sender is dropped.
    let (tell, told) = watch::channel(());
    let mut running = JoinSet::new();
    for server in bindings.into_iter().chain(outbound) {
        let mut told = told.clone();
        running.spawn(server.run(async move { while told.changed().await.is_ok() {} }));
    }
    server
        .run(async move {
            stop.await;
            drop(tell);
        })
        .await;
    while running.join_next().await.is_some() {}
    chores.shutdown().await;
    if let Some(store) = store {
        if let Err(error) = store.write_usage().await {
            tracing::warn!(%error, "the last deliveries could not be counted");
        }
        store.close().await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// What answers by an echo is not for other machines.
fn check_hooks(hooks: TestHooks, settings: &Settings) -> Result<(), Failure> {
    let mut addresses = std::iter::once(settings.listen).chain(settings.binding_listen);
    if hooks.binding_echo && addresses.any(|address| !address.ip().is_loopback()) {
        return Err(Failure::Usage(
            "--binding-echo is for tests on one machine; listen on 127.0.0.1 alone".to_owned(),
        ));
    }
    Ok(())
}

/// The doors of the Workers runtime, all with the same surfaces behind them.
async fn binding_servers(
    settings: &Settings,
    hooks: TestHooks,
    app: &App,
    memory: SourceMemory,
    server_settings: ServerSettings,
) -> Result<Vec<BindingServer>, Failure> {
    if settings.binding_socket.is_none() && settings.binding_listen.is_none() {
        return Ok(Vec::new());
    }
    let spool = settings.binding_spool.clone().unwrap_or_else(std::env::temp_dir);
    let binding = app
        .binding(BindingSettings {
            memory,
            spool: spool.clone(),
            spool_bytes_max: settings.binding_spool_bytes.0,
            form_bytes_max: settings.binding_form_bytes.0,
            receive_timeout: settings.download_timeout.0,
            echo: hooks.binding_echo,
        })
        .map_err(|error| {
            Failure::Usage(format!(
                "no file can be made in {}: {error}; name another directory with --set binding_spool=DIR",
                spool.display()
            ))
        })?;
    let router = Router::new().mount(Arc::new(binding));
    let mut servers = Vec::new();
    if let Some(path) = &settings.binding_socket {
        // No token is asked for where the file's mode says who comes in; whoever can reach a port may be a page in a browser.
        let router = app.binding_api().into_iter().fold(router.clone(), Router::mount);
        let server = BindingServer::bind(path, settings.binding_socket_mode.0, Arc::new(router), server_settings);
        servers.push(server.map_err(|error| {
            Failure::Usage(format!(
                "cannot listen on {}: {error}; name another path with --binding-socket",
                path.display()
            ))
        })?);
    }
    if let Some(address) = settings.binding_listen {
        let server = BindingServer::bind_port(address, Arc::new(router), server_settings).await;
        servers.push(server.map_err(|error| {
            Failure::Usage(format!(
                "cannot listen on {address}: {error}; choose another address or port with --binding-listen"
            ))
        })?);
    }
    Ok(servers)
}

/// The door for `cf.image`: a router with one surface on a socket of its own.
fn outbound_server(
    settings: &Settings,
    app: &App,
    server_settings: ServerSettings,
) -> Result<Option<BindingServer>, Failure> {
    let Some(path) = &settings.workers_outbound_socket else {
        return Ok(None);
    };
    let router = Arc::new(Router::new().mount(Arc::new(app.cf_image())));
    let server = BindingServer::bind(path, 0o600, router, server_settings).map_err(|error| {
        Failure::Usage(format!(
            "cannot listen on {}: {error}; name another path with --workers-outbound-socket",
            path.display()
        ))
    })?;
    Ok(Some(server))
}

fn app(settings: &Settings, store: Option<Arc<Store>>) -> Result<(App, SourceMemory), Failure> {
    let limits = Limits {
        inputs: match settings.inputs {
            InputSettings::All => Inputs::All,
            InputSettings::Reference => Inputs::Reference,
        },
        light: match settings.light {
            LightSettings::Encoded => Light::Encoded,
            LightSettings::Linear => Light::Linear,
        },
        ..settings.limits.limits()
    };
    // What changes pixels without being in a plan is part of every tag.
    let light = match limits.light {
        Light::Encoded => "",
        Light::Linear => " linear",
    };
    // Asked now: whoever opens a library later may no longer be allowed to.
    match calotype_codec::heic_decoder() {
        Some(decoder) => tracing::info!(decoder, "HEIC pictures are decoded"),
        None => tracing::info!("HEIC pictures are not decoded: libheif is not installed; their headers are read"),
    }
    match calotype_codec::avif_encoder() {
        (encoder, true) => tracing::info!(encoder, "AVIF is written by this machine's libaom"),
        (encoder, false) => {
            tracing::info!(
                encoder,
                "AVIF is written by the libaom built in: there is no newer one, 3.12 or later"
            );
        }
    }
    let memory = SourceMemory::new(settings.source_memory.0);
    let guard = match (settings.allow_private, settings.allow_networks.is_empty()) {
        (true, _) => AddressGuard::off(),
        (false, true) => AddressGuard::public_only(),
        (false, false) => AddressGuard::with_networks(settings.allow_networks.clone()),
    };
    let fetch = FetchSettings {
        guard,
        trusted_origin: settings.origin.clone(),
        connect_timeout: settings.connect_timeout.0,
        download_timeout: settings.download_timeout.0,
        redirects_max: settings.redirects,
        source_bytes_max: limits.source_bytes_max,
        memory: memory.clone(),
        ..FetchSettings::default()
    };
    let hosted = store.map(|store| hosted::surfaces(store, settings, fetch.clone(), memory.clone()));
    let fetcher = Fetcher::new(fetch);
    let root = settings
        .root
        .as_deref()
        .map(|root| LocalRoot::new(root, limits.source_bytes_max, memory.clone()))
        .transpose()
        .map_err(|error| Failure::Usage(format!("root cannot be read: {error}")))?;
    let mut worker_settings = WorkerSettings {
        queue_max: settings.queue,
        memory_bytes_max: settings.memory.0,
        job_timeout: settings.job_timeout.0,
        limits,
        ..WorkerSettings::default()
    };
    if settings.threads > 0 {
        worker_settings.threads = settings.threads;
    }
    let worker = InProcess::start(worker_settings, Arc::new(NoModels))
        .map_err(|error| Failure::Other(format!("worker threads could not start: {error}")))?;
    let mut zones = settings.zones.clone();
    zones.extend(
        settings
            .origin
            .as_ref()
            .and_then(|origin| origin.host_str())
            .map(str::to_owned),
    );
    let app = App::new(AppSettings {
        sources: SourceSettings {
            fetcher,
            root,
            origin: settings.origin.clone(),
            zones: Zones::new(zones, settings.allowed_origins()?),
        },
        worker: Arc::new(worker),
        limits,
        playground: settings.playground.then(PlaygroundSettings::default),
        hosted,
        links_canonical: settings.canonical_link,
        encoder_version: format!(
            "{} {} {}{light}",
            env!("CARGO_PKG_VERSION"),
            calotype_codec::encoder_version(),
            calotype_text::version()
        ),
    });
    Ok((app, memory))
}

fn start_log(settings: &Settings) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|error| {
        Failure::Usage(format!(
            "setting `log`: {error}; write for example info or calotype_http=debug,info"
        ))
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match settings.log_format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}

/// Ends when standard input does. A pipe ends when whoever holds its other side is gone, by whatever death.
async fn input_end() {
    let (tell, told) = oneshot::channel::<()>();
    // A thread of its own, and none of the runtime's, which would be waited for at the end.
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        drop(tell);
    });
    let _ = told.await;
}

/// Ends on SIGINT and SIGTERM, and if asked for with standard input.
fn stop_signal(with_stdin: bool) -> Result<impl Future<Output = ()>, Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::Other(format!("signals cannot be received: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = input_end(), if with_stdin => {}
        }
        tracing::info!("stopping: running requests are finished, new ones are not taken");
    })
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn an_echo_is_for_one_machine_alone() {
        let here = Settings::default();
        let elsewhere = SocketAddr::from(([0, 0, 0, 0], 8080));
        let url_elsewhere = Settings {
            listen: elsewhere,
            ..Settings::default()
        };
        let binding_elsewhere = Settings {
            binding_listen: Some(elsewhere),
            ..Settings::default()
        };
        for binding_echo in [false, true] {
            let hooks = TestHooks {
                binding_echo,
                ..TestHooks::default()
            };
            assert!(check_hooks(hooks, &here).is_ok());
            for settings in [&url_elsewhere, &binding_elsewhere] {
                assert_eq!(check_hooks(hooks, settings).is_err(), binding_echo);
            }
        }
    }
}
