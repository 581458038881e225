//! `servers.toml`: which services elsewhere this person knows, and the keys for them.
//!
//! Promises: a key is taken from a file that nobody else can read, or from the environment, never from the arguments; it
//! shows up in no message.
//! Never in here: the network.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use url::Url;

use super::super::Failure;
use crate::task::Shown;

const FILE_NAME: &str = "servers.toml";
const KEY_VARIABLE: &str = "VIDEO_COMPRESSOR_KEY";
const EXAMPLE: &str = "[nas]\nurl = \"https://nas.local:8265\"\nkey = \"vck_…\"\nfingerprint = \"…\"   # of a self-signed certificate, as `doctor` shows it there";

/// A service elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Scheme, host and port, without a slash at the end.
    pub address: String,
    pub key: Key,
    pub certificate: Certificate,
}

/// Opens a server to whoever has it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// For the one header that carries it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// What a server must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// One that this computer trusts.
    Trusted,
    /// Exactly the one with this SHA-256.
    Pinned([u8; 32]),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    url: String,
    key: Option<Key>,
    fingerprint: Option<String>,
}

/// Finds the server that `--server` means: a name in the file, or an address.
///
/// # Errors
/// What is missing or wrong, and how to mend it.
pub fn find(wanted: &str) -> Result<Server, Failure> {
    let path = file()?;
    let text = read(&path)?;
    let key = std::env::var(KEY_VARIABLE).ok().filter(|key| !key.is_empty());
    choose(wanted, &text, key.map(Key))
        .map_err(|problem| Failure::usage(format!("{}: {problem}", Shown(&path))))
}

fn file() -> Result<PathBuf, Failure> {
    directories::ProjectDirs::from("", "", "video-compressor")
        .map(|project| project.config_dir().join(FILE_NAME))
        .ok_or_else(|| Failure::environment("there is no home folder, so no file of servers; set HOME"))
}

/// Empty when there is none.
fn read(path: &Path) -> Result<String, Failure> {
    let usage = |error: io::Error| Failure::usage(format!("{}: {error}", Shown(path)));
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(usage(error)),
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => Err(Failure::usage(format!(
            "{0}: others can read it, and it may hold keys: chmod 600 {0}",
            Shown(path)
        ))),
        Ok(_) => fs::read_to_string(path).map_err(usage),
    }
}

fn choose(wanted: &str, text: &str, key: Option<Key>) -> Result<Server, String> {
    // The text is not shown: it has keys in it.
    let entries: BTreeMap<String, Entry> = toml::from_str(text)
        .map_err(|error| format!("{}; it is to look like this:\n{EXAMPLE}", error.message()))?;
    let address = is_address(wanted).then(|| address(wanted)).transpose()?;
    let entry = match &address {
        Some(wanted) => entries
            .into_values()
            .find(|entry| self::address(&entry.url).is_ok_and(|address| address == *wanted)),
        None => {
            let known: Vec<String> = entries.keys().cloned().collect();
            let mut entries = entries;
            let Some(entry) = entries.remove(wanted) else {
                return Err(format!(
                    "there is no server {wanted:?}; known are: {}. Add it like this:\n{EXAMPLE}",
                    known.join(", ")
                ));
            };
            Some(entry)
        }
    };
    let (url, file_key, fingerprint) = match entry {
        Some(entry) => (entry.url, entry.key, entry.fingerprint),
        None => (wanted.to_owned(), None, None),
    };
    let Some(key) = key.or(file_key) else {
        return Err(format!(
            "there is no key for {wanted}; put one there, or into ${KEY_VARIABLE} (`video-compressor key add` makes one on that machine)"
        ));
    };
    let address = self::address(&url)?;
    let certificate = match fingerprint {
        Some(_) if !address.starts_with("https:") => {
            return Err(format!("{address}: a fingerprint needs an https:// address"));
        }
        Some(text) => Certificate::Pinned(self::fingerprint(&text)?),
        None => Certificate::Trusted,
    };
    Ok(Server {
        address,
        key,
        certificate,
    })
}

fn is_address(text: &str) -> bool {
    text.contains("://")
}

fn address(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| format!("{text}: {error}; write https://HOST:PORT"))?;
    let is_plain =
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_plain {
        return Err("an address is https://HOST:PORT, without a user name or a path".to_owned());
    }
    Ok(url.origin().ascii_serialization())
}

/// 64 hexadecimal digits, with or without colons between them and `SHA256:` in front.
fn fingerprint(text: &str) -> Result<[u8; 32], String> {
    let lower = text.trim().to_ascii_lowercase();
    let digits: String = lower
        .strip_prefix("sha256:")
        .unwrap_or(&lower)
        .chars()
        .filter(|character| *character != ':')
        .collect();
    let bytes: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    bytes
        .filter(|_| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| "fingerprint: give the 64 hexadecimal digits of the certificate's SHA-256".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
[nas]
url = \"https://NAS.local:8265/\"
key = \"vck_nas\"
fingerprint = \"SHA256:00:01:02:03:04:05:06:07:08:09:0a:0B:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1f\"

[plain]
url = \"http://127.0.0.1:8265\"
";

    fn key(text: &str) -> Option<Key> {
        Some(Key(text.to_owned()))
    }

    #[test]
    fn a_server_is_found_by_name_and_by_address_and_a_key_in_the_environment_wins() {
        let pin = Certificate::Pinned(std::array::from_fn(|place| u8::try_from(place).unwrap()));
        for (wanted, given, address, expected_key, certificate) in [
            ("nas", None, "https://nas.local:8265", "vck_nas", pin),
            (
                "https://nas.local:8265",
                None,
                "https://nas.local:8265",
                "vck_nas",
                pin,
            ),
            ("nas", key("vck_x"), "https://nas.local:8265", "vck_x", pin),
            (
                "plain",
                key("vck_x"),
                "http://127.0.0.1:8265",
                "vck_x",
                Certificate::Trusted,
            ),
            (
                "https://other",
                key("vck_x"),
                "https://other",
                "vck_x",
                Certificate::Trusted,
            ),
        ] {
            let server = choose(wanted, FILE, given).unwrap();
            assert_eq!(server.address, address);
            assert_eq!(server.key.reveal(), expected_key);
            assert_eq!(server.certificate, certificate);
        }
    }

    #[test]
    fn mistakes_are_told_without_any_key() {
        let with = |line: &str| FILE.replace("key = \"vck_nas\"", line);
        for (wanted, text, part) in [
            ("other", FILE.to_owned(), "known are: nas, plain"),
            ("plain", FILE.to_owned(), "no key"),
            ("https://other", String::new(), "no key"),
            ("ftp://other", FILE.to_owned(), "https://HOST:PORT"),
            ("https://other/path", FILE.to_owned(), "https://HOST:PORT"),
            ("nas", with("key = \"vck_nas\"\nkay = 1"), "unknown field"),
            ("nas", FILE.replace("1e:1f", "1e"), "fingerprint"),
            ("nas", FILE.replace("https://NAS", "http://NAS"), "needs an https"),
            ("nas", FILE.replace("[nas]", "[nas"), "look like this"),
        ] {
            let problem = choose(wanted, &text, None).unwrap_err();
            assert!(problem.contains(part), "{problem}");
            assert!(!problem.contains("vck_nas"), "{problem}");
        }
    }

    #[test]
    fn a_key_does_not_print() {
        let server = choose("nas", FILE, None).unwrap();
        assert!(!format!("{server:?}").contains("vck_nas"));
    }
}
