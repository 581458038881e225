//! A large file sent over loopback, beside `cp` to the same disk. BENCH_UPLOAD_BYTES=… for another size.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    Outcome,
    api::Api,
    load::Load,
    rounds::{Figure, Limit, Round, Row, Sample},
    service::Root,
};

const USUAL_BYTES: u64 = 10_000_000_000;
const BLOCK_BYTES: usize = 1 << 20;
const NAME: &str = "film.mkv";

pub const UPLOAD: Row = Row {
    name: "upload",
    figures: &[
        Figure {
            title: "10 GB uploaded over loopback and durable, rate",
            unit: "MB/s",
            limit: None,
            rival: "cp to the same disk, and sync of the copy",
        },
        Figure {
            title: "  of the rate of cp, which leaves bytes in memory",
            unit: "%",
            limit: Some(Limit::AtLeast(70.0)),
            rival: "",
        },
        Figure {
            title: "  most memory that the service had",
            unit: "MB",
            limit: Some(Limit::Below(64.0)),
            rival: "",
        },
    ],
    rounds: 3,
    // The kernel writes the bytes to the disk in threads of its own.
    foreign_share_limit: 0.3,
    round,
};

fn round() -> Outcome<Round> {
    let bytes = std::env::var("BENCH_UPLOAD_BYTES")
        .ok()
        .map_or(Ok(USUAL_BYTES), |text| text.parse())?;
    let root = Root::new()?;
    let source = root.staging().join(NAME);
    fill(&source, bytes)?;
    root.command(&["pause"])?;

    sync()?;
    let load = Load::now();
    let copy = root.staging().join("copy");
    let began = Instant::now();
    let copied = Command::new("cp").arg(&source).arg(&copy).status()?;
    let copy_took = began.elapsed();
    if !copied.success() {
        return Err("cp failed".into());
    }
    File::open(&copy)?.sync_all()?;
    let durable_copy_took = began.elapsed();
    fs::remove_file(copy)?;
    sync()?;

    let api = Api::start(&root, &[])?;
    let upload_took = upload(&api, &source, bytes)?;
    let foreign_share = load.foreign_share_since();
    let memory_mb = api.service.peak_mb()?;
    let arrived = root.input().join(NAME).metadata()?.len();
    if arrived != bytes {
        return Err(format!("{arrived} of {bytes} bytes arrived").into());
    }
    let rate = |took: Duration| bytes as f64 / took.as_secs_f64() / 1e6;
    let sample = |value| Sample { value, rival: None };
    Ok(Round {
        samples: vec![
            Sample {
                value: rate(upload_took),
                rival: Some(rate(durable_copy_took)),
            },
            sample(rate(upload_took) / rate(copy_took) * 100.0),
            sample(memory_mb),
        ],
        foreign_share,
    })
}

/// Bytes that no disk makes smaller.
fn fill(path: &Path, bytes: u64) -> Outcome<()> {
    let mut file = File::create(path)?;
    let mut block = vec![0; BLOCK_BYTES];
    fastrand::Rng::with_seed(bytes).fill(&mut block);
    let mut left = bytes;
    while left > 0 {
        // No block is like another, and making them takes no time.
        block[..8].copy_from_slice(&left.to_le_bytes());
        let length = usize::try_from(left.min(BLOCK_BYTES as u64))?;
        file.write_all(&block[..length])?;
        left -= length as u64;
    }
    Ok(())
}

fn sync() -> Outcome<()> {
    Command::new("sync").status()?;
    Ok(())
}

/// From the first byte of the first request to the answer that all of it is in its place.
fn upload(api: &Api, source: &Path, bytes: u64) -> Outcome<Duration> {
    let Api { address, key, .. } = api;
    let began = Instant::now();
    let metadata = format!(
        "filename {},resolution {}",
        STANDARD.encode(NAME),
        STANDARD.encode("720")
    );
    let common = format!("Host: {address}\r\nAuthorization: Bearer {key}\r\nTus-Resumable: 1.0.0\r\n");
    let mut stream = TcpStream::connect(address)?;
    let create = format!(
        "POST /api/v1/uploads HTTP/1.1\r\n{common}Upload-Length: {bytes}\r\nUpload-Metadata: {metadata}\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(create.as_bytes())?;
    let location = answer(&mut stream, "201")?.ok_or("no Location")?;
    let append = format!(
        "PATCH {location} HTTP/1.1\r\n{common}Upload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {bytes}\r\n\r\n"
    );
    stream.write_all(append.as_bytes())?;
    let mut file = File::open(source)?;
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let count = file.read(&mut block)?;
        if count == 0 {
            break;
        }
        stream.write_all(&block[..count])?;
    }
    answer(&mut stream, "204")?;
    Ok(began.elapsed())
}

/// Reads a head that has this status; its `Location`.
fn answer(stream: &mut TcpStream, status: &str) -> Outcome<Option<String>> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().ok_or("no answer")??;
    if !first.contains(status) {
        return Err(format!("the service answered: {first}").into());
    }
    let mut location = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("location")
        {
            location = Some(value.trim().to_owned());
        }
    }
    Ok(location)
}
