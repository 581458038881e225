//! TLS: a certificate from files, or one of its own.
//!
//! Promises: a certificate that was renewed is taken over without a restart, and one that cannot be used changes nothing;
//! the one of its own is made once, kept in `conf/`, and its key is read by this user alone.
//! Never in here: when TLS is needed (`config` refuses what is not safe).

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use jiff::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

use crate::{
    config::{HttpConfig, Tls},
    durable::{self, DurableError},
    task::{Identity, Shown},
};

/// Long, because whoever trusts it knows its fingerprint, and would have to be told of another.
const OWN_LASTS_YEARS: i32 = 20;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {}: {reason}; it must be a PEM file that this user may read (http.tls_certificate, http.tls_key)", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("{} and {} do not go together: {source}", certificate.display(), key.display())]
    Unfit {
        certificate: PathBuf,
        key: PathBuf,
        source: rustls::Error,
    },
    #[error("cannot make a certificate: {0}")]
    NotMade(#[from] rcgen::Error),
    #[error("cannot set up TLS: {0}")]
    NoTls(#[from] rustls::Error),
    #[error(transparent)]
    Durable(#[from] DurableError),
}

/// The certificate that is shown to callers.
pub struct Certificate {
    files: Files,
    seen: Mutex<[Option<Identity>; 2]>,
    key: RwLock<Arc<CertifiedKey>>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({:?})", self.files.certificate)
    }
}

#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    /// `None`: no TLS is wanted.
    fn of(config: &HttpConfig, conf: &Path) -> Option<Self> {
        match &config.tls {
            Tls::Off => None,
            Tls::SelfSigned => Some(Self {
                certificate: conf.join("http-certificate.pem"),
                key: conf.join("http-key.pem"),
            }),
            Tls::Files { certificate, key } => Some(Self {
                certificate: certificate.clone(),
                key: key.clone(),
            }),
        }
    }

    fn look(&self) -> [Option<Identity>; 2] {
        [&self.certificate, &self.key]
            .map(|file| file.metadata().ok().map(|metadata| Identity::from(&metadata)))
    }

    fn read(&self) -> Result<CertifiedKey, TlsError> {
        let chain = certificates(&self.certificate)?;
        let unreadable = |error: rustls::pki_types::pem::Error| TlsError::Unreadable {
            path: self.key.clone(),
            reason: error.to_string(),
        };
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(unreadable)?;
        CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|source| TlsError::Unfit {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            source,
        })
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |reason: String| TlsError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(error.to_string()))?;
    if chain.is_empty() {
        return Err(unreadable("it holds no certificate".to_owned()));
    }
    Ok(chain)
}

impl Certificate {
    /// Reads the certificate that the settings name, or makes the one of its own. `None`: TLS is off.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(config: &HttpConfig, conf: &Path) -> Result<Option<Arc<Self>>, TlsError> {
        let Some(files) = Files::of(config, conf) else {
            return Ok(None);
        };
        if config.tls == Tls::SelfSigned && files.certificate.symlink_metadata().is_err() {
            make(&files, &names(config))?;
        }
        let seen = files.look();
        let key = Arc::new(files.read()?);
        Ok(Some(Arc::new(Self {
            files,
            seen: Mutex::new(seen),
            key: RwLock::new(key),
        })))
    }

    /// What makes TLS of connections.
    ///
    /// # Errors
    /// Never in practice: ring has what is asked for.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, TlsError> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as _;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        // The server speaks nothing else.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Takes over files that were renewed; says so, or what is wrong with them, once. Reads the disk.
    pub fn refresh(&self) {
        let found = self.files.look();
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == found {
                return;
            }
            *seen = found;
        }
        match self.files.read() {
            Ok(key) => {
                *self.key.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                tracing::info!(
                    "the certificate {} was read again",
                    Shown(&self.files.certificate)
                );
            }
            // Of two files that are replaced one after the other, the second look finds both.
            Err(error) => tracing::warn!("{error}; the certificate from before stays in use"),
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&key))
    }
}

/// The SHA-256 of the certificate that callers see, as browsers show it. `None`: TLS is off, or none was made yet.
///
/// # Errors
/// When it cannot be read.
pub fn fingerprint(config: &HttpConfig, conf: &Path) -> Result<Option<String>, TlsError> {
    let Some(files) = Files::of(config, conf) else {
        return Ok(None);
    };
    if config.tls == Tls::SelfSigned && files.certificate.symlink_metadata().is_err() {
        return Ok(None);
    }
    let chain = certificates(&files.certificate)?;
    let hash = chain.first().map(Sha256::digest).unwrap_or_default();
    let pairs: Vec<String> = hash.iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(Some(pairs.join(":")))
}

/// What the certificate of its own is for.
fn names(config: &HttpConfig) -> Vec<String> {
    let bare = |host: &str| host.trim_matches(['[', ']']).to_owned();
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    let listening = config.listen.ip();
    names.extend((!listening.is_unspecified()).then(|| listening.to_string()));
    names.extend(config.allowed_hosts.iter().map(|host| bare(host)));
    let public = config.public_url.as_ref().and_then(|url| url.host_str());
    names.extend(public.map(bare));
    let machine = sysinfo::System::host_name();
    names.extend(machine.filter(|name| !name.is_empty() && name.is_ascii()));
    names.sort_unstable();
    names.dedup();
    names
}

fn make(files: &Files, names: &[String]) -> Result<(), TlsError> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(names)?;
    let this_year = i32::from(Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year());
    // A clock that is behind here or there is no reason to refuse it.
    parameters.not_before = date_time_ymd(this_year - 1, 1, 1);
    parameters.not_after = date_time_ymd(this_year + OWN_LASTS_YEARS, 1, 1);
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, "video-compressor");
    let certificate = parameters.self_signed(&key)?;
    // The certificate last: where it is, its key is too.
    durable::replace_with_private_bytes(&files.key, key.serialize_pem().as_bytes())?;
    durable::replace_with_bytes(&files.certificate, certificate.pem().as_bytes())?;
    tracing::info!("made the certificate {}", Shown(&files.certificate));
    Ok(())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;
    use crate::config::{Config, Sources};

    fn config(settings: &[(&str, &str)]) -> HttpConfig {
        let flags = settings
            .iter()
            .map(|(key, value)| (format!("http.{key}"), (*value).to_owned()))
            .collect();
        let sources = Sources {
            root: "/nowhere".into(),
            file: None,
            environment: std::collections::BTreeMap::new(),
            flags,
        };
        Config::load(&sources).unwrap().config.http
    }

    fn shown(certificate: &Certificate) -> Vec<u8> {
        certificate.key.read().unwrap().cert[0].to_vec()
    }

    #[test]
    fn the_certificate_of_its_own_is_made_once_and_its_key_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&[("tls", "self-signed"), ("allowed_hosts", "nas.local 192.168.1.5")]);
        assert_eq!(fingerprint(&config, folder.path()).unwrap(), None);
        let first = Certificate::open(&config, folder.path()).unwrap().unwrap();
        let print = fingerprint(&config, folder.path()).unwrap().unwrap();
        assert_eq!(print.len(), 32 * 3 - 1);
        let again = Certificate::open(&config, folder.path()).unwrap().unwrap();
        assert_eq!(shown(&first), shown(&again));
        assert_eq!(fingerprint(&config, folder.path()).unwrap(), Some(print));
        let mode = first.files.key.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        first.acceptor().unwrap();
        assert!(!format!("{first:?}").contains("PRIVATE"));
    }

    #[test]
    fn its_names_are_those_by_which_it_is_called() {
        let config = config(&[
            ("tls", "self-signed"),
            ("allowed_hosts", "nas.local 2001:db8::1"),
            ("public_url", "https://videos.example.org"),
            ("listen", "192.168.1.5:8265"),
        ]);
        let names = names(&config);
        for name in [
            "localhost",
            "127.0.0.1",
            "::1",
            "nas.local",
            "2001:db8::1",
            "videos.example.org",
            "192.168.1.5",
        ] {
            assert!(names.iter().any(|found| found == name), "{name} in {names:?}");
        }
    }

    #[test]
    fn renewed_files_are_taken_over_and_broken_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = |name: &str| {
            let files = Files {
                certificate: folder.path().join(format!("{name}.pem")),
                key: folder.path().join(format!("{name}-key.pem")),
            };
            make(&files, &["localhost".to_owned()]).unwrap();
            files
        };
        let (used, renewed) = (files("used"), files("renewed"));
        let settings = [
            ("tls", "files"),
            ("tls_certificate", used.certificate.to_str().unwrap()),
            ("tls_key", used.key.to_str().unwrap()),
        ];
        let certificate = Certificate::open(&config(&settings), folder.path())
            .unwrap()
            .unwrap();
        let before = shown(&certificate);
        certificate.refresh();
        assert_eq!(shown(&certificate), before);

        // One of the two alone does not go with the other.
        fs::rename(&renewed.certificate, &used.certificate).unwrap();
        certificate.refresh();
        assert_eq!(shown(&certificate), before);
        fs::rename(&renewed.key, &used.key).unwrap();
        certificate.refresh();
        let after = shown(&certificate);
        assert_ne!(after, before);

        fs::write(&used.certificate, "rubbish").unwrap();
        certificate.refresh();
        assert_eq!(shown(&certificate), after);
        let refused = Certificate::open(&config(&settings), folder.path()).unwrap_err();
        assert!(refused.to_string().contains("used.pem"), "{refused}");
    }
}
