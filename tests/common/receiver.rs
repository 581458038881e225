//! A webhook's target that answers by a script, and checks nothing: it hands on what came.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub enum Reply {
    Status(u16),
    /// 307: the same request elsewhere.
    Redirect(String),
    /// Takes the request and never answers.
    BlackHole,
    /// Resets the connection.
    Reset,
    /// 200, and then a body without end.
    Endless,
    /// Not HTTP at all.
    Garbage,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn id(&self) -> &str {
        &self.headers["x-webhook-id"]
    }

    /// As docs/alerts.md says it.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{}.{}.", self.id(), self.headers["x-webhook-timestamp"]).as_bytes());
        mac.update(&self.body);
        let digits: String = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.headers["x-signature-256"] == format!("sha256={digits}")
    }
}

pub struct Receiver {
    /// Ends in a path that nobody may learn.
    pub url: String,
    requests: mpsc::Receiver<Received>,
}

pub const SECRET_PATH: &str = "/path-never-in-a-log";

impl Receiver {
    /// Gives `replies` in turn, one a connection, then 200 for ever.
    pub fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_at("127.0.0.1:0", replies)
    }

    pub fn start_at(address: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let url = format!("http://{}{SECRET_PATH}", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::channel();
        let mut replies = replies.into_iter().collect::<Vec<_>>().into_iter();
        thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                let reply = replies.next().unwrap_or(Reply::Status(200));
                if let Reply::Reset = reply {
                    // Closing with unread bytes sends a reset.
                    let _ = (&stream).read(&mut [0]);
                    continue;
                }
                let Ok(request) = read_request(&stream) else {
                    continue;
                };
                if sender.send(request).is_err() {
                    return;
                }
                match answer(&stream, &reply) {
                    Ok(()) => {}
                    // The other side has had enough.
                    Err(_) => continue,
                }
                held.push(stream);
                // All but a black hole close by their length or by this.
                if !matches!(reply, Reply::BlackHole) {
                    held.pop();
                }
            }
        });
        Self { url, requests }
    }

    pub fn next(&self) -> Received {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }

    /// The first request of this event; those before it are passed over.
    pub fn next_of(&self, event: &str) -> Received {
        loop {
            let request = self.next();
            if request.json()["event"] == event {
                return request;
            }
        }
    }

    /// Everything that has come and was not looked at yet.
    pub fn so_far(&self) -> Vec<Received> {
        self.requests.try_iter().collect()
    }
}

fn answer(mut stream: &TcpStream, reply: &Reply) -> io::Result<()> {
    const END: &str = "Content-Length: 2\r\nConnection: close\r\n\r\nok";
    match reply {
        Reply::Status(status) => write!(stream, "HTTP/1.1 {status} X\r\n{END}"),
        Reply::Redirect(to) => write!(stream, "HTTP/1.1 307 X\r\nLocation: {to}\r\n{END}"),
        Reply::BlackHole | Reply::Reset => Ok(()),
        Reply::Garbage => stream.write_all(b"220 mail.example.org ESMTP\r\n"),
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            loop {
                stream.write_all(b"400\r\n")?;
                stream.write_all(&[b'x'; 0x400])?;
                stream.write_all(b"\r\n")?;
            }
        }
    }
}

fn read_request(stream: &TcpStream) -> io::Result<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let length = headers
        .get("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Received { path, headers, body })
}
