//! The ways to reach somebody: which there are, and one request on one of them.
//!
//! Promises: a channel's name for people and on disk holds no address beyond the host's name; an unset channel gets
//! nothing.
//! Never in here: what waits, when it is sent.

use std::{
    fmt,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    Timing,
    actions::Signer,
    answer::{Answer, TestReport},
    mail, ntfy,
    outbox::{Bundling, Content, Delivery, Key},
    webhook,
};
use crate::config::AlertsConfig;

/// The kinds of ways to reach somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    Ntfy,
    Mail,
    Webhook,
}

impl Means {
    pub const ALL: [Self; 3] = [Self::Ntfy, Self::Mail, Self::Webhook];
}

/// One way to reach somebody, with an outbox of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Channel {
    Ntfy,
    Mail,
    Webhook(Target),
}

/// A webhook's address, not to be read back: the beginning of its hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Target(String);

/// Of 16 hexadecimal digits no two addresses of one configuration share all.
const TARGET_DIGITS: usize = 16;

impl Target {
    fn of(url: &Url) -> Self {
        let mut digits = base16(&Sha256::digest(url.as_str()));
        digits.truncate(TARGET_DIGITS);
        Self(digits)
    }
}

impl Channel {
    /// Those that the settings name, in their order.
    pub fn configured(config: &AlertsConfig) -> Vec<Self> {
        let mut channels = Vec::new();
        channels.extend(config.topic.as_ref().map(|_| Self::Ntfy));
        channels.extend(config.mail.as_ref().map(|_| Self::Mail));
        for webhook in config
            .webhooks
            .urls
            .iter()
            .map(|url| Self::Webhook(Target::of(url)))
        {
            // The same address twice is told once.
            if !channels.contains(&webhook) {
                channels.push(webhook);
            }
        }
        channels
    }

    pub fn means(&self) -> Means {
        match self {
            Self::Ntfy => Means::Ntfy,
            Self::Mail => Means::Mail,
            Self::Webhook(_) => Means::Webhook,
        }
    }

    /// What the log and `notify-test` call it.
    pub fn shown(&self, config: &AlertsConfig) -> String {
        match self {
            Self::Ntfy => "ntfy".to_owned(),
            Self::Mail => "e-mail".to_owned(),
            Self::Webhook(_) => match self.url(config) {
                Some((number, url)) => {
                    format!("webhook {} ({})", number + 1, url.host_str().unwrap_or_default())
                }
                None => "a webhook".to_owned(),
            },
        }
    }

    fn url<'a>(&self, config: &'a AlertsConfig) -> Option<(usize, &'a Url)> {
        let Self::Webhook(target) = self else { return None };
        let urls = config.webhooks.urls.iter().enumerate();
        urls.into_iter().find(|(_, url)| Target::of(url) == *target)
    }

    /// People get one message for a burst, programs each event.
    pub fn bundling(&self) -> Bundling {
        match self {
            Self::Ntfy | Self::Mail => Bundling::Digest,
            Self::Webhook(_) => Bundling::Each,
        }
    }

    /// Programs of one's own have no limit of messages.
    pub fn timing(&self, timing: Timing) -> Timing {
        match self {
            Self::Ntfy | Self::Mail => timing,
            Self::Webhook(_) => Timing {
                spacing: Duration::ZERO,
                ..timing
            },
        }
    }

    /// As on disk; the inverse of [`Channel::from_text`].
    pub fn to_text(&self) -> String {
        match self {
            Self::Ntfy => "ntfy".to_owned(),
            Self::Mail => "mail".to_owned(),
            Self::Webhook(Target(digits)) => format!("webhook:{digits}"),
        }
    }

    /// `None`: one of another version.
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "ntfy" => Some(Self::Ntfy),
            "mail" => Some(Self::Mail),
            _ => {
                let digits = text.strip_prefix("webhook:")?;
                Some(Self::Webhook(Target(digits.to_owned())))
            }
        }
    }
}

/// Sends on one channel with one set of settings.
#[derive(Clone)]
pub(super) enum Client {
    Ntfy(Box<ntfy::Client>),
    Mail(Box<mail::Client>),
    Webhook(Box<webhook::Client>),
}

impl Client {
    /// `None`: the channel is off.
    pub fn new(
        channel: &Channel,
        config: &AlertsConfig,
        signer: Option<Signer>,
        timing: &Timing,
    ) -> Option<Self> {
        Some(match channel {
            Channel::Ntfy => Self::Ntfy(Box::new(ntfy::Client::new(config.clone(), signer, timing))),
            Channel::Mail => {
                let client = mail::Client::new(config.mail.clone()?, config.into(), timing);
                Self::Mail(Box::new(client))
            }
            Channel::Webhook(_) => {
                let (_, url) = channel.url(config)?;
                let client = webhook::Client::new(url.clone(), &config.webhooks, config.into(), timing);
                Self::Webhook(Box::new(client))
            }
        })
    }

    /// One try, which ends within the limits of [`Timing`].
    pub fn send(&self, delivery: &Delivery) -> Answer {
        match self {
            Self::Ntfy(client) => client.publish(delivery),
            Self::Mail(client) => client.send(delivery),
            Self::Webhook(client) => client.post(delivery),
        }
    }
}

/// The names of the channels that the settings name, as `notify-test` has them.
#[must_use]
pub fn names(config: &AlertsConfig) -> Vec<String> {
    Channel::configured(config)
        .iter()
        .map(|channel| channel.shown(config))
        .collect()
}

/// What came of a test message on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelTest {
    /// `ntfy`, `e-mail`, `webhook 1 (hooks.example.org)`.
    pub channel: String,
    pub report: TestReport,
    pub took: Duration,
}

impl fmt::Display for ChannelTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TestReport {
            status, body, hint, ..
        } = &self.report;
        let protocol = if self.channel == "e-mail" { "SMTP" } else { "HTTP" };
        match status {
            Some(status) => write!(f, "{}: {protocol} {status}: {body}\n  {hint}", self.channel),
            None => write!(f, "{}: no answer: {body}\n  {hint}", self.channel),
        }
    }
}

/// Sends a test message on every channel of one of `means`, one after the other, and waits for each answer.
#[must_use]
pub fn test(config: &AlertsConfig, means: &[Means]) -> Vec<ChannelTest> {
    let timing = Timing::default();
    let delivery = Delivery::new(Content::Test, Key::random(), Timestamp::now());
    Channel::configured(config)
        .iter()
        .filter(|channel| means.contains(&channel.means()))
        .filter_map(|channel| {
            let client = Client::new(channel, config, None, &timing)?;
            let began = Instant::now();
            let report = client.send(&delivery).into();
            Some(ChannelTest {
                channel: channel.shown(config),
                report,
                took: began.elapsed(),
            })
        })
        .collect()
}

pub(super) fn base16(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_found_again_by_its_text_which_does_not_tell_its_address() {
        let url = |text: &str| Url::parse(text).unwrap();
        let webhook = Channel::Webhook(Target::of(&url("https://a.example/secret")));
        for channel in [Channel::Ntfy, Channel::Mail, webhook.clone()] {
            assert_eq!(Channel::from_text(&channel.to_text()), Some(channel));
        }
        // Frozen: entries of an older version find their target.
        assert_eq!(webhook.to_text(), "webhook:eac2bd36e1fcd07e");
        assert_ne!(
            webhook,
            Channel::Webhook(Target::of(&url("https://a.example/other")))
        );
        assert_eq!(Channel::from_text("pigeon"), None);
    }
}
