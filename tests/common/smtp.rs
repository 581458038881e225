//! A mail server that answers by a script and hands on the mails that it took.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What goes wrong on one connection.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    None,
    /// This answer to the first command that begins so; `CONNECT` stands for the greeting, `.` for the end of a mail.
    Says(&'static str, &'static str),
    /// The connection ends at that command.
    HangsUp(&'static str),
    /// No answer to that command.
    Silence(&'static str),
}

/// One mail that was taken.
#[derive(Debug, Clone)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub text: String,
}

impl Mail {
    pub fn header(&self, name: &str) -> String {
        let start = format!("{name}: ");
        let line = self.text.lines().find(|line| line.starts_with(&start));
        line.map_or_else(String::new, |line| line[start.len()..].to_owned())
    }
}

pub struct Smtp {
    pub port: u16,
    mails: mpsc::Receiver<Mail>,
    said: Arc<Mutex<Vec<String>>>,
}

/// A certificate for `localhost` and its key.
pub struct Identity {
    pub certificate_pem: String,
    config: Arc<ServerConfig>,
}

impl Identity {
    pub fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Self {
            certificate_pem: made.cert.pem(),
            config: Arc::new(config),
        }
    }
}

/// When the conversation is encrypted.
#[derive(Clone)]
pub enum Encryption {
    Never,
    FromTheStart(Arc<ServerConfig>),
    OnStartTls(Arc<ServerConfig>),
}

impl Encryption {
    pub fn from_the_start(identity: &Identity) -> Self {
        Self::FromTheStart(Arc::clone(&identity.config))
    }

    pub fn on_start_tls(identity: &Identity) -> Self {
        Self::OnStartTls(Arc::clone(&identity.config))
    }
}

impl Smtp {
    /// Has one of `faults` on each connection in turn, then none.
    pub fn start(encryption: Encryption, faults: impl IntoIterator<Item = Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, mails) = mpsc::channel();
        let said = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&said);
        let mut faults = faults.into_iter().collect::<Vec<_>>().into_iter();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let fault = faults.next().unwrap_or(Fault::None);
                let (sender, log, encryption) = (sender.clone(), Arc::clone(&log), encryption.clone());
                thread::spawn(move || {
                    let mut talk = Talk {
                        fault,
                        log,
                        mails: sender,
                    };
                    // Whoever asks may hang up at any time.
                    let _ = match encryption {
                        Encryption::Never => talk.hold(stream, None),
                        Encryption::FromTheStart(config) => {
                            let connection = ServerConnection::new(config).unwrap();
                            talk.hold(StreamOwned::new(connection, stream), None)
                        }
                        Encryption::OnStartTls(config) => {
                            let other = stream.try_clone().unwrap();
                            talk.hold(stream, Some(&config)).and_then(|()| {
                                let connection = ServerConnection::new(config).unwrap();
                                talk.go_on(StreamOwned::new(connection, other), None)
                            })
                        }
                    };
                });
            }
        });
        Self { port, mails, said }
    }

    pub fn next(&self) -> Mail {
        self.mails.recv_timeout(PATIENCE).expect("a mail")
    }

    pub fn so_far(&self) -> Vec<Mail> {
        self.mails.try_iter().collect()
    }

    /// Every line that came outside of mails, of all connections.
    pub fn commands(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }
}

struct Talk {
    fault: Fault,
    log: Arc<Mutex<Vec<String>>>,
    mails: mpsc::Sender<Mail>,
}

impl Talk {
    fn hold(
        &mut self,
        mut stream: impl Read + Write,
        start_tls: Option<&Arc<ServerConfig>>,
    ) -> io::Result<()> {
        self.reply(&mut stream, "CONNECT", "220 mail.example.org ESMTP")?;
        self.go_on(stream, start_tls)
    }

    /// Ends well after STARTTLS, for the caller to go on.
    fn go_on(&mut self, stream: impl Read + Write, start_tls: Option<&Arc<ServerConfig>>) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let (mut from, mut to) = (String::new(), Vec::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_owned();
            self.log.lock().unwrap().push(line.clone());
            let command = line
                .split([' ', ':'])
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            let fine = match command.as_str() {
                "EHLO" if start_tls.is_some() => "250-mail.example.org\r\n250-8BITMIME\r\n250 STARTTLS",
                "EHLO" => "250-mail.example.org\r\n250-8BITMIME\r\n250 AUTH PLAIN",
                "STARTTLS" => "220 go on",
                "AUTH" => "235 welcome",
                "MAIL" => {
                    from.clone_from(&line);
                    "250 fine"
                }
                "RCPT" => {
                    to.push(line.clone());
                    "250 fine"
                }
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                _ => "500 what?",
            };
            let went_well = self.reply(stream.get_mut(), &command, fine)?;
            match command.as_str() {
                "STARTTLS" if went_well => return Ok(()),
                "QUIT" => return Err(io::ErrorKind::ConnectionAborted.into()),
                "DATA" if went_well => {
                    let mut text = String::new();
                    while !text.ends_with("\r\n.\r\n") {
                        if stream.read_line(&mut text)? == 0 {
                            return Err(io::ErrorKind::UnexpectedEof.into());
                        }
                    }
                    if self.reply(stream.get_mut(), ".", "250 taken")? {
                        let (from, to) = (std::mem::take(&mut from), std::mem::take(&mut to));
                        // Nobody looks any more at the end of a test.
                        let _ = self.mails.send(Mail { from, to, text });
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether it was the good answer.
    fn reply(&mut self, stream: &mut impl Write, command: &str, fine: &str) -> io::Result<bool> {
        let (text, is_fine) = match self.fault {
            Fault::Says(at, text) if at == command => (text, false),
            Fault::HangsUp(at) if at == command => return Err(io::ErrorKind::ConnectionAborted.into()),
            Fault::Silence(at) if at == command => {
                thread::sleep(PATIENCE);
                return Err(io::ErrorKind::TimedOut.into());
            }
            _ => (fine, true),
        };
        stream.write_all(format!("{text}\r\n").as_bytes())?;
        stream.flush()?;
        Ok(is_fine)
    }
}
