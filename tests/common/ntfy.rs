//! An ntfy server that takes everything and remembers it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

pub struct Ntfy {
    pub url: String,
    taken: Arc<Mutex<Vec<Value>>>,
}

impl Ntfy {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let taken = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&taken);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Kept before it is answered: who has the answer may look at once.
                if let Some(body) = read(&stream) {
                    into.lock().unwrap().push(body);
                }
                answer(&stream);
            }
        });
        Self { url, taken }
    }

    /// Title and message of everything that came so far.
    pub fn alerts(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        taken
            .iter()
            .map(|body| {
                let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
                format!("{}: {}", text("title"), text("message"))
            })
            .collect()
    }

    /// Everything that came so far, as it was sent.
    pub fn taken(&self) -> Vec<Value> {
        self.taken.lock().unwrap().clone()
    }

    /// How many alerts contain `text`.
    pub fn count(&self, text: &str) -> usize {
        self.alerts().iter().filter(|alert| alert.contains(text)).count()
    }
}

fn read(stream: &TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

fn answer(mut stream: &TcpStream) {
    // Who has gone wants no answer.
    let _ = stream.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
    );
}
