//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::hosted::HostedCommand;

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  failed for a reason inside
  2  wrong command line, options or settings
  3  the source could not be had
  4  the source was refused: no image, broken, unsupported, over a limit

Start here:
  calotype serve                                    then open what it prints
  calotype transform photo.jpg w=800,f=webp -o photo.webp
  calotype explain w=800,h=600,fit=cover --size 4000x3000";

/// A self-hosted image platform: every size, format and crop of one original, on demand.
#[derive(Debug, Parser)]
#[command(name = "calotype", version, propagate_version = true, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve transforms over HTTP
    Serve(ServeArguments),
    /// Transform one image
    Transform(TransformArguments),
    /// Tell what image files are, from their headers
    Info(InfoArguments),
    /// Tell what options mean: the canonical plan, sizes, crop, cost
    Explain(ExplainArguments),
    /// Ask a running server how it is
    Health(HealthArguments),
    /// Print the licence of the built-in font
    Licenses,
    /// Print the OpenAPI description of the API of hosted images
    Openapi,
    #[command(flatten)]
    Hosted(HostedCommand),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

const SERVE_HELP: &str = "\
Every setting can also stand in a TOML file (--config) or in the environment: the setting `download_timeout` is CALOTYPE_DOWNLOAD_TIMEOUT,
`limits.side` is CALOTYPE_LIMITS_SIDE. The command line wins over the environment, the environment over the file.

Examples:
  calotype serve                                    a playground on http://127.0.0.1:8080, and a place for hosted images
  calotype serve --root ./photos                    /cdn-cgi/image/w=400/cat.jpg is ./photos/cat.jpg at 400 px
  calotype serve --origin https://shop.example.com --zone shop.example.com
  calotype serve --allow-origin '*.example.com' --set limits.side=16000
  calotype serve --binding-socket /run/calotype/images.sock";

/// Only what is said on the command line; everything else is in the settings.
#[derive(Debug, Args, Default)]
#[command(after_help = SERVE_HELP)]
pub(crate) struct ServeArguments {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Directory whose files are the originals of plain paths
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// HTTP origin of plain paths that the root does not have
    #[arg(long, value_name = "URL")]
    pub(crate) origin: Option<String>,
    /// Directory for hosted images and the server's own files; only one server may use it [default: ~/.local/share/calotype, or what XDG_DATA_HOME or systemd's STATE_DIRECTORY say]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Keep no hosted images: transforms and the binding alone
    #[arg(long)]
    pub(crate) no_hosted: bool,
    /// PostgreSQL for hosted images, e.g. postgres://user@host/name [default: SQLite in the data directory]
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Object store for the originals of hosted images, e.g. s3://bucket/prefix, gs://…, az://… [default: the data directory]
    #[arg(long, value_name = "URL")]
    pub(crate) blobs: Option<String>,
    /// Domain that this server serves; its hosts count as "this zone". May be repeated
    #[arg(long = "zone", value_name = "DOMAIN")]
    pub(crate) zones: Vec<String>,
    /// Hosts that absolute source URLs may name: this-zone, any, or domains joined by commas (*.example.com, example.com/path) [default: this-zone]
    #[arg(long, value_name = "RULE")]
    pub(crate) allow_origin: Option<String>,
    /// Fetch from private and loopback addresses too: for development only
    #[arg(long)]
    pub(crate) allow_private: bool,
    /// Switch the playground at /-/ off
    #[arg(long)]
    pub(crate) no_playground: bool,
    /// Unix socket for the Images binding of the Workers runtime; a stale one is replaced
    #[arg(long, value_name = "PATH")]
    pub(crate) binding_socket: Option<PathBuf>,
    /// Permissions of that socket, as for chmod [default: 0600]
    #[arg(long, value_name = "MODE")]
    pub(crate) binding_socket_mode: Option<String>,
    /// Address and port for the Images binding, on this machine; this door asks for no credentials
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) binding_listen: Option<SocketAddr>,
    /// Let --binding-listen be reached from other machines: whoever reaches it may use it
    #[arg(long)]
    pub(crate) binding_public: bool,
    /// Unix socket (0600) for fetch(url, { cf: { image } }) of the Workers runtime: through the outbound Worker of @calotype/workers
    #[arg(long, value_name = "PATH")]
    pub(crate) workers_outbound_socket: Option<PathBuf>,
    /// Stop when standard input ends: a tool that starts a server of its own leaves none behind, however it ends itself
    #[arg(long)]
    pub(crate) stop_with_stdin: bool,
    /// Images worked on at once [default: one per core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Settings file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Any setting by its name in the file, e.g. limits.side=16000. May be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Print all settings as they came out, as JSON, and end
    #[arg(long)]
    pub(crate) print_settings: bool,
    #[command(flatten)]
    pub(crate) hooks: TestHooks,
}

/// What tests switch on, and nobody else: no help names them, and no file or environment sets them.
#[derive(Debug, Clone, Copy, Args, Default)]
pub(crate) struct TestHooks {
    /// Answer binding requests with `X-Binding-Echo: 1` by what was read of them. Refused where other machines reach the server.
    #[arg(long, hide = true)]
    pub(crate) binding_echo: bool,
    /// Send buffer of every connection, in bytes: a small one lets slow readers be felt at once.
    #[arg(long, hide = true, value_name = "BYTES")]
    pub(crate) send_buffer: Option<usize>,
}

/// Transform one image.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  calotype transform photo.jpg w=800 -o photo.webp\n  calotype transform https://example.com/a.png 'fit=cover,w=300,h=300,g=auto' -o thumb.jpg\n  cat a.png | calotype transform - '{\"width\":200,\"format\":\"avif\"}' -o - > a.avif"
)]
pub(crate) struct TransformArguments {
    /// File, http(s) URL, or - for standard input
    #[arg(value_name = "IN")]
    pub(crate) source: String,
    /// Options as in a URL (w=400,fit=cover) or as a JSON object
    #[arg(value_name = "OPTIONS")]
    pub(crate) options: String,
    /// File to write, or - for standard output. Its ending decides the format if no option does
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: String,
    /// Raise a limit, e.g. side=65535. May be repeated
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    pub(crate) limits: Vec<String>,
}

/// Tell what image files are.
#[derive(Debug, Args)]
pub(crate) struct InfoArguments {
    /// Files, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<String>,
    /// One JSON object per file
    #[arg(long)]
    pub(crate) json: bool,
    /// Raise a limit, e.g. side=65535. May be repeated
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    pub(crate) limits: Vec<String>,
}

/// Tell what options mean.
#[derive(Debug, Args)]
#[command(
    after_help = "With --batch, each line of standard input is {\"w\",\"h\",\"orientation\",\"options\"} with the stored size, and each line of output\n{\"width\",\"height\",\"crop\",\"scaled\",\"warnings\"} or {\"error\",\"message\"}; the crop is in pixels of the scaled picture before the cut."
)]
pub(crate) struct ExplainArguments {
    /// Options as in a URL (w=400,fit=cover) or as a JSON object
    #[arg(value_name = "OPTIONS", required_unless_present = "batch")]
    pub(crate) options: Option<String>,
    /// Stored size of the source
    #[arg(long, value_name = "WxH", value_parser = parse_size)]
    pub(crate) size: Option<calotype_plan::Size>,
    /// EXIF orientation of the source, 1 to 8
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=8))]
    pub(crate) orientation: u32,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// JSON lines in, JSON lines out
    #[arg(long, conflicts_with_all = ["options", "size", "json"])]
    pub(crate) batch: bool,
}

/// Ask a running server how it is.
#[derive(Debug, Args)]
pub(crate) struct HealthArguments {
    /// Address of the server
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
}

fn parse_size(text: &str) -> Result<calotype_plan::Size, String> {
    let size = text
        .split_once('x')
        .and_then(|(w, h)| Some(calotype_plan::Size::new(w.parse().ok()?, h.parse().ok()?)));
    size.filter(|size| !size.is_empty())
        .ok_or_else(|| format!("`{text}` is no size; write for example 4000x3000"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_two_positive_numbers() {
        assert_eq!(parse_size("40x30"), Ok(calotype_plan::Size::new(40, 30)));
        for text in ["40", "0x3", "axb", "4x-3"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
