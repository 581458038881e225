//! The real service with its API on, and requests to it as bytes: nothing between a test and the wire.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::root::{PATIENCE, Root};

pub const PASSWORD: &str = "a long enough password for tests";

/// A root whose service answers at `address`, and keys for it.
pub struct Server {
    pub root: Root,
    pub address: String,
    settings: Vec<(String, String)>,
    /// Of an operator.
    pub key: String,
}

/// What a server has answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?} {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl Server {
    /// The most memory that the service has had, in KiB.
    #[cfg(target_os = "linux")]
    pub fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.root.pid())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        line.trim().split(' ').next().unwrap().parse().unwrap()
    }

    /// Not started yet. `settings` are keys and TOML values, those of the API as `http.upload_max_gb`.
    pub fn new(settings: &[(&str, &str)]) -> Self {
        let root = Root::new(&[]);
        // The port must be the same after a restart.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let server = Self {
            root,
            address: address.to_string(),
            settings: settings
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            key: String::new(),
        };
        server.configure(&[]);
        server.user("admin", "admin");
        let key = server.new_key("admin", "operator");
        Self { key, ..server }
    }

    /// Writes the settings anew, with `changes` over those given at first.
    pub fn configure(&self, changes: &[(&str, &str)]) {
        let mut all: BTreeMap<&str, &str> = BTreeMap::new();
        let listen = format!("{:?}", self.address);
        all.extend([("http.enabled", "true"), ("http.listen", listen.as_str())]);
        all.extend(
            self.settings
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str())),
        );
        all.extend(changes.iter().copied());
        let (http, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(key, _)| key.starts_with("http."));
        let section: String = http
            .iter()
            .map(|(key, value)| format!("{} = {value}\n", key.trim_start_matches("http.")))
            .collect();
        self.root.configure(&others, &format!("\n[http]\n{section}"));
    }

    /// Makes a user by the command line.
    pub fn user(&self, name: &str, role: &str) {
        let mut child = self
            .root
            .command(&["user", "add", name, "--role", role])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// A new key of a user, by the command line; a running service knows it within a second.
    pub fn new_key(&self, user: &str, role: &str) -> String {
        let made = self
            .root
            .ok(&["key", "add", "test", "--user", user, "--role", role]);
        made.stdout.trim().to_owned()
    }

    /// The same with the key of an administrator.
    #[must_use]
    pub fn with_admin_key(self) -> Self {
        let key = self.new_key("admin", "admin");
        Self { key, ..self }
    }

    /// Starts the service and waits until it answers.
    pub fn start(&self) {
        let command = self.root.command(&["run"]);
        self.start_as(command);
    }

    /// As [`Server::start`], by this command.
    pub fn start_as(&self, command: Command) {
        self.root.start_as(command);
        self.root
            .until("the API answers", || TcpStream::connect(&self.address).ok());
    }

    /// As after a crash.
    pub fn kill_and_start(&self) {
        self.root.kill();
        self.start();
    }

    pub fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// The head of a request with the key, of which nothing has been sent.
    pub fn head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address
        );
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        {
            head.push_str(&format!("Authorization: Bearer {}\r\n", self.key));
        }
        // An empty key is none.
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head
    }

    /// One request on a connection of its own. The body is sent as it is: say its length in `headers`, or let it be said.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let length = body.len().to_string();
        let mut headers = headers.to_vec();
        let says_length = |name: &str| {
            name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
        };
        if !body.is_empty() && !headers.iter().any(|(name, _)| says_length(name)) {
            headers.push(("Content-Length", &length));
        }
        let mut stream = self.connect()?;
        stream.write_all(self.head(method, path, &headers).as_bytes())?;
        // A server that refuses may answer before it has read everything.
        let written = stream.write_all(body);
        let answer = read_answer(&mut stream, method);
        match (answer, written) {
            (Ok(answer), _) => Ok(answer),
            (Err(_), Err(error)) | (Err(error), Ok(())) => Err(error),
        }
    }

    /// As [`Server::send`]; the server must be there.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.send(method, path, headers, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}\n{}", self.root.log()))
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.request(
            "POST",
            path,
            &[("Content-Type", "application/json")],
            body.as_bytes(),
        )
    }
}

/// Reads one answer to its end. `Connection: close` must have been asked for.
pub fn read_answer(stream: &mut TcpStream, method: &str) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    let ended = loop {
        let mut block = [0; 64 * 1024];
        match stream.read(&mut block) {
            Ok(0) => break Ok(()),
            Ok(count) => bytes.extend_from_slice(&block[..count]),
            Err(error) => break Err(error),
        }
    };
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let Some(end) = end else {
            return Err(ended.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()));
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut body = bytes.split_off(end + 4);
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status: u16 = status.ok_or(io::ErrorKind::InvalidData)?;
        if status == 100 {
            bytes = body;
            continue;
        }
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        if headers
            .get("transfer-encoding")
            .is_some_and(|encoding| encoding == "chunked")
        {
            body = joined(&body).ok_or(io::ErrorKind::UnexpectedEof)?;
        } else if let Some(length) = headers.get("content-length").filter(|_| method != "HEAD") {
            let length: usize = length.parse().map_err(|_| io::ErrorKind::InvalidData)?;
            if body.len() < length {
                return Err(ended.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()));
            }
        }
        return Ok(Answer {
            status,
            headers,
            body,
        });
    }
}

fn joined(mut chunks: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = chunks.windows(2).position(|window| window == b"\r\n")?;
        let length = std::str::from_utf8(&chunks[..line]).ok()?;
        let length = usize::from_str_radix(length.split(';').next()?, 16).ok()?;
        chunks = &chunks[line + 2..];
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(chunks.get(..length)?);
        chunks = chunks.get(length + 2..)?;
    }
}

/// Longer than the service takes to hear of a change of its files.
pub const TAKEN_OVER: Duration = Duration::from_millis(2500);
