//! What a binding call costs beside the pixels: the same transforms by the engine alone, through the socket, and through the Workers runtime, in turns.
//!
//! `binding IMAGE ROUNDS [WORKERD FOLDER]` prints a table; the folder has `config.capnp.in` and `user.js`. `bench/binding.sh` makes the report of it.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use calotype_engine::NoModels;
use calotype_http::{App, AppSettings, BindingServer, BindingSettings, Router, ServerSettings, SourceSettings, Zones};
use calotype_plan::{BindingForm, BindingLayer, Limits, OutputFields};
use calotype_source::{AllowedOrigins, FetchSettings, Fetcher, SourceMemory};
use calotype_worker::{InProcess, Task, Worker, WorkerSettings};
use cpu_time::ProcessTime;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

const BOUNDARY: &str = "--------------------------102938475610293847561029";
const JOBS: [(u32, &str); 4] = [
    (320, "image/jpeg"),
    (800, "image/jpeg"),
    (800, "image/webp"),
    (1600, "image/jpeg"),
];

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let image = Bytes::from(fs::read(&arguments[0]).unwrap());
    let rounds: usize = arguments[1].parse().unwrap();
    let work = tempfile::tempdir().unwrap();
    let socket = work.path().join("images.sock");
    let worker: Arc<dyn Worker> = Arc::new(InProcess::start(WorkerSettings::default(), Arc::new(NoModels)).unwrap());
    let server = serve(&socket, work.path(), worker.clone());
    let server = tokio::spawn(server.run(std::future::pending()));
    let runtime = arguments
        .get(2)
        .map(|workerd| Runtime::start(workerd, &arguments[3], work.path(), &socket));

    println!(
        "| transform | engine alone | through the socket | the service's share | both in CPU time | its share | through workerd | workerd's share |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    for (width, format) in JOBS {
        let transforms = format!(r#"[{{"imageIndex":0,"width":{width}}}]"#);
        let task = task(&image, &transforms, format);
        let form = form(&image, &transforms, format);
        let mut kept = UnixStream::connect(&socket).await.unwrap();
        let mut kept_runtime = match &runtime {
            Some(runtime) => Some(runtime.connect().await),
            None => None,
        };
        let (mut alone, mut through, mut in_all) = (Vec::new(), Vec::new(), Vec::new());
        let (mut alone_cpu, mut through_cpu) = (Vec::new(), Vec::new());
        // The first round opens and allocates what the others find.
        for round in 0..=rounds {
            let (started, cpu) = (Instant::now(), ProcessTime::now());
            let expected = worker.run(task.clone()).await.unwrap().outcome.bytes;
            let (engine, engine_cpu) = (started.elapsed(), cpu.elapsed());
            let (started, cpu) = (Instant::now(), ProcessTime::now());
            kept.write_all(&form).await.unwrap();
            assert!(read_answer(&mut kept).await == expected);
            let (call, call_cpu) = (started.elapsed(), cpu.elapsed());
            let started = Instant::now();
            if let Some(runtime) = &mut kept_runtime {
                let head = format!(
                    "POST /?width={width}&format={format} HTTP/1.1\r\nHost: bench.test\r\nContent-Length: {}\r\n\r\n",
                    image.len()
                );
                runtime.write_all(head.as_bytes()).await.unwrap();
                runtime.write_all(&image).await.unwrap();
                assert!(read_answer(runtime).await == expected);
            }
            if round > 0 {
                alone.push(engine);
                through.push(call);
                in_all.push(started.elapsed());
                alone_cpu.push(engine_cpu);
                through_cpu.push(call_cpu);
            }
        }
        let share = |whole: &[Duration], part: &[Duration]| {
            let more: Vec<Duration> = whole
                .iter()
                .zip(part)
                .map(|(whole, part)| whole.saturating_sub(*part))
                .collect();
            median(&more)
        };
        let (engine, call) = (median(&alone), median(&through));
        let service = share(&through, &alone);
        let service_cpu = share(&through_cpu, &alone_cpu);
        let (all, theirs) = match &runtime {
            Some(_) => (ms(median(&in_all)), ms(share(&in_all, &through))),
            None => ("".to_owned(), "".to_owned()),
        };
        println!(
            "| {width} px, {format} | {} | {} | {} ({:.1} %) | {}, {} | {} ({:.1} %) | {all} | {theirs} |",
            ms(engine),
            ms(call),
            ms(service),
            percent(service, engine),
            ms(median(&alone_cpu)),
            ms(median(&through_cpu)),
            ms(service_cpu),
            percent(service_cpu, median(&alone_cpu)),
        );
    }
    server.abort();
}

fn serve(socket: &Path, spool: &Path, worker: Arc<dyn Worker>) -> BindingServer {
    let app = App::new(AppSettings {
        sources: SourceSettings {
            fetcher: Fetcher::new(FetchSettings::default()),
            root: None,
            origin: None,
            zones: Zones::new(Vec::new(), AllowedOrigins::ThisZone),
        },
        worker,
        limits: Limits::default(),
        playground: None,
        hosted: None,
        links_canonical: true,
        encoder_version: String::new(),
    });
    let settings = BindingSettings {
        memory: SourceMemory::new(512 << 20),
        spool: spool.to_owned(),
        spool_bytes_max: 1 << 30,
        form_bytes_max: 256 << 20,
        receive_timeout: Duration::from_secs(60),
        echo: false,
    };
    let router = Router::new().mount(Arc::new(app.binding(settings).unwrap()));
    BindingServer::bind(socket, 0o600, Arc::new(router), ServerSettings::default()).unwrap()
}

fn task(image: &Bytes, transforms: &str, format: &str) -> Task {
    let form = BindingForm {
        layers: vec![BindingLayer::Image],
        transforms,
        output: OutputFields {
            format,
            quality: None,
            background: None,
            anim: None,
        },
    };
    Task {
        plan: Arc::new(form.parse(&Limits::default()).unwrap().plan),
        source: image.clone(),
        ..Task::default()
    }
}

/// A request as the runtime sends it, in chunks of 8 KiB.
fn form(image: &[u8], transforms: &str, format: &str) -> Vec<u8> {
    let mut form =
        format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"image\"; filename=\"image\"\r\n\r\n")
            .into_bytes();
    form.extend_from_slice(image);
    for (name, value) in [("transforms", transforms), ("output_format", format)] {
        form.extend_from_slice(
            format!("\r\n--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}").as_bytes(),
        );
    }
    form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let mut request = format!(
        "POST /transform HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: js.images.cloudflare.com\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    )
    .into_bytes();
    for chunk in form.chunks(8 << 10) {
        request.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

/// The body of the next answer, which must be a good one.
async fn read_answer(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Bytes {
    let mut bytes = Vec::with_capacity(1 << 20);
    loop {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
        if let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            assert!(text.starts_with("http/1.1 200"), "{text}");
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.unwrap().parse().unwrap();
            while bytes.len() < head + 4 + length {
                assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
            }
            return Bytes::from(bytes).slice(head + 4..);
        }
    }
}

/// The Workers runtime, with the service behind the binding of its Worker.
struct Runtime {
    child: Child,
    address: SocketAddr,
}

impl Runtime {
    fn start(workerd: &str, folder: &str, work: &Path, socket: &Path) -> Self {
        let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let config = fs::read_to_string(Path::new(folder).join("config.capnp.in")).unwrap();
        let config = config.replace("@SOCKET@", &socket.display().to_string());
        fs::write(
            work.join("config.capnp"),
            config.replace("@ADDRESS@", &address.to_string()),
        )
        .unwrap();
        fs::copy(Path::new(folder).join("user.js"), work.join("user.js")).unwrap();
        let mut command = Command::new(workerd);
        let child = command
            .args(["serve", "config.capnp"])
            .current_dir(work)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, address }
    }

    async fn connect(&self) -> TcpStream {
        loop {
            match TcpStream::connect(self.address).await {
                Ok(stream) => return stream,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn percent(part: Duration, whole: Duration) -> f64 {
    100.0 * part.as_secs_f64() / whole.as_secs_f64()
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times[times.len() / 2]
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
