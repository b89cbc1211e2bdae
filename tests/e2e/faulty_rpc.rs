//! A second relayer sees Solana through an endpoint that fails in every way an endpoint can, while the first one stands
//! still: every message arrives all the same, and once.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use alloy::transports::http::reqwest;
use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};

use super::{devnet::Devnet, people::Person, solana_load::Sent};

/// The endpoint fails for so long, each time in another way, at the beginning of every period.
const OUTAGE: Duration = Duration::from_secs(2);
const PERIOD: Duration = Duration::from_secs(8);
/// Longest that the second relayer waits for one answer, and a silence that is longer.
const TIMEOUT_MS: u64 = 2_000;
const SILENCE: Duration = Duration::from_secs(3);
/// Blocks before the head from which the second relayer reads.
const BLOCKS_BACK: u64 = 10;
/// Largest request that is passed on.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// The ways to fail, in turn.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Unavailable,
    HungUp,
    Garbage,
    Behind,
    CutOff,
    Silent,
}

const FAULTS: [Fault; 6] =
    [Fault::Unavailable, Fault::HungUp, Fault::Garbage, Fault::Behind, Fault::CutOff, Fault::Silent];

pub(crate) async fn survived(devnet: &Devnet, who: &Person) -> Result<()> {
    let proxy = Proxy::before(devnet.solana()?.rpc.clone()).await?;
    let config = configuration(devnet, who, &proxy.url).await?;
    let mut sent = Sent::default();
    devnet.signal(Signal::SIGSTOP)?;
    let outcome = async {
        let mut second = devnet.second_relayer(&config)?;
        sent.wave(devnet, who, 0xf0).await?;
        let arrived = sent.arrive(devnet).await;
        second.kill().await?;
        arrived
    }
    .await;
    devnet.signal(Signal::SIGCONT)?;
    outcome?;
    let faults = proxy.faults.load(Ordering::SeqCst);
    ensure!(faults >= FAULTS.len(), "only {faults} requests failed");
    // The first relayer takes what the second one did for success.
    sent.arrive_once(devnet).await
}

/// The devnet's own configuration with another key, another endpoint, and a later beginning.
async fn configuration(devnet: &Devnet, who: &Person, endpoint: &str) -> Result<PathBuf> {
    let (eth, bsc) = devnet.both()?;
    let sol = devnet.solana()?;
    let file = format!("{}.toml", sol.name.replace(':', "-"));
    let chain = fs::read_to_string(devnet.dir().join("chains").join(&file))?;
    ensure!(chain.contains(&sol.rpc), "the chain's file does not name {}", sol.rpc);
    let impatient = format!("{}\n[limits]\nrequest_timeout_ms = {TIMEOUT_MS}\n", chain.replace(&sol.rpc, endpoint));
    fs::write(devnet.dir().join("chains/faulty.toml"), impatient)?;

    let beginnings =
        [(&eth.name, eth.height().await?), (&bsc.name, bsc.height().await?), (&sol.name, sol.slot().await?)]
            .map(|(name, head)| format!("\"{name}\" = {}\n", head.saturating_sub(BLOCKS_BACK)));
    let (own, end) = (format!("key = \"{}\"\n", who.name), format!("\n[relayer.start_block]\n{}", beginnings.concat()));
    let text = fs::read_to_string(devnet.dir().join("config.toml"))?;
    let key = "key = \"relayer\"\n";
    ensure!(text.contains(key) && text.contains(&file), "config.toml has changed its form");
    let path = devnet.dir().join("faulty.toml");
    fs::write(&path, text.replace(key, &own).replace(&file, "faulty.toml") + &end)?;
    Ok(path)
}

/// An endpoint in front of the node.
struct Proxy {
    url: String,
    faults: Arc<AtomicUsize>,
}

impl Proxy {
    async fn before(node: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (faults, begun) = (Arc::new(AtomicUsize::new(0)), Instant::now());
        let counted = faults.clone();
        tokio::spawn(async move {
            let client = reqwest::Client::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (client, node, counted) = (client.clone(), node.clone(), counted.clone());
                // A connection that breaks off is the client's to notice.
                tokio::spawn(async move { drop(serve(stream, &client, &node, begun, &counted).await) });
            }
        });
        Ok(Self { url, faults })
    }
}

async fn serve(
    mut stream: TcpStream,
    client: &reqwest::Client,
    node: &str,
    begun: Instant,
    faults: &AtomicUsize,
) -> Result<()> {
    loop {
        let request = read(&mut stream).await?;
        let phase_ms = begun.elapsed().as_millis() % PERIOD.as_millis();
        if phase_ms < OUTAGE.as_millis() {
            let fault = FAULTS[faults.fetch_add(1, Ordering::SeqCst) % FAULTS.len()];
            return fail(&mut stream, fault).await;
        }
        let sent = client.post(node).header("content-type", "application/json").body(request);
        answer(&mut stream, "200 OK", &sent.send().await?.text().await?).await?;
    }
}

async fn fail(stream: &mut TcpStream, fault: Fault) -> Result<()> {
    match fault {
        Fault::Unavailable => answer(stream, "503 Service Unavailable", "busy").await,
        Fault::HungUp => Ok(()),
        Fault::Garbage => answer(stream, "200 OK", "<html>welcome</html>").await,
        Fault::Behind => {
            let error = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32005,"message":"Node is behind by 99 slots"}}"#;
            answer(stream, "200 OK", error).await
        }
        Fault::CutOff => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"jsonrpc\"";
            Ok(stream.write_all(head.as_bytes()).await?)
        }
        Fault::Silent => {
            sleep(SILENCE).await;
            Ok(())
        }
    }
}

async fn answer(stream: &mut TcpStream, status: &str, body: &str) -> Result<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
    Ok(stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).await?)
}

/// The body of the next request.
async fn read(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16_384];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let whole = end + 4 + length.context("a request without length")?.trim().parse::<usize>()?;
            if bytes.len() >= whole {
                return Ok(bytes[end + 4..whole].to_vec());
            }
        }
        let count = stream.read(&mut buffer).await?;
        ensure!(count > 0 && bytes.len() < REQUEST_BYTES_MAX, "the client hung up");
        bytes.extend_from_slice(&buffer[..count]);
    }
}
