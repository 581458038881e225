//! Which addresses a webhook may go to.
//!
//! Promises: a name is looked up once for a request, every address that comes of it is checked, and only these are
//! connected to, so that a name that leads elsewhere a moment later changes nothing; one forbidden address refuses the
//! request as a whole.
//! Never in here: what is sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

use crate::config::PrivateAddresses;

/// An address that no webhook goes to with these settings.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to {0}, which is {1}")]
pub(super) struct Forbidden(IpAddr, &'static str);

impl Forbidden {
    /// In a request that came to nothing.
    pub fn in_error(error: &ureq::Error) -> Option<&Self> {
        match error {
            ureq::Error::Other(error) => error.downcast_ref(),
            _ => None,
        }
    }
}

/// Looks names up, and refuses those that lead where a webhook may not go.
#[derive(Debug)]
pub(super) struct CheckedResolver<R = DefaultResolver> {
    inner: R,
    private: PrivateAddresses,
}

impl CheckedResolver {
    pub fn new(private: PrivateAddresses) -> Self {
        Self {
            inner: DefaultResolver::default(),
            private,
        }
    }
}

impl<R: Resolver> Resolver for CheckedResolver<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        for address in found.iter() {
            check(address.ip(), self.private).map_err(|forbidden| ureq::Error::Other(Box::new(forbidden)))?;
        }
        Ok(found)
    }
}

/// # Errors
/// When no webhook may go there.
fn check(address: IpAddr, private: PrivateAddresses) -> Result<(), Forbidden> {
    match kind(address) {
        Kind::Public => Ok(()),
        Kind::Private if private == PrivateAddresses::Allowed => Ok(()),
        Kind::Private => Err(Forbidden(
            address,
            "an address of this machine or of a private network; webhook_private = true allows those",
        )),
        Kind::NoMachine => Err(Forbidden(address, "the address of no single machine")),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Public,
    /// This machine, its network, or a network of few.
    Private,
    /// Many machines at once, or none.
    NoMachine,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(first: u16, second: u16, third: u16, prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(
        Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0),
        prefix,
    ))
}

/// IANA's registries of special-purpose addresses, and multicast.
const SPECIAL: [(IpNet, Kind); 29] = [
    (v4(0, 0, 0, 0, 8), Kind::NoMachine),
    (v4(10, 0, 0, 0, 8), Kind::Private),
    (v4(100, 64, 0, 0, 10), Kind::Private),
    (v4(127, 0, 0, 0, 8), Kind::Private),
    (v4(169, 254, 0, 0, 16), Kind::Private),
    (v4(172, 16, 0, 0, 12), Kind::Private),
    (v4(192, 0, 0, 0, 24), Kind::Private),
    (v4(192, 0, 2, 0, 24), Kind::NoMachine),
    (v4(192, 88, 99, 0, 24), Kind::NoMachine),
    (v4(192, 168, 0, 0, 16), Kind::Private),
    (v4(198, 18, 0, 0, 15), Kind::Private),
    (v4(198, 51, 100, 0, 24), Kind::NoMachine),
    (v4(203, 0, 113, 0, 24), Kind::NoMachine),
    (v4(224, 0, 0, 0, 4), Kind::NoMachine),
    (v4(240, 0, 0, 0, 4), Kind::NoMachine),
    (v6(0, 0, 0, 127), Kind::NoMachine),
    // NAT64 of one's own network, discard-only, Teredo, benchmarking, ORCHID, documentation.
    (v6(0x64, 0xff9b, 1, 48), Kind::Private),
    (v6(0x100, 0, 0, 64), Kind::NoMachine),
    (v6(0x2001, 0, 0, 32), Kind::NoMachine),
    (v6(0x2001, 2, 0, 48), Kind::Private),
    (v6(0x2001, 0x10, 0, 28), Kind::NoMachine),
    (v6(0x2001, 0x20, 0, 28), Kind::NoMachine),
    (v6(0x2001, 0xdb8, 0, 32), Kind::NoMachine),
    (v6(0x3fff, 0, 0, 20), Kind::NoMachine),
    (v6(0x5f00, 0, 0, 16), Kind::Private),
    (v6(0xfc00, 0, 0, 7), Kind::Private),
    (v6(0xfe80, 0, 0, 10), Kind::Private),
    (v6(0xfec0, 0, 0, 10), Kind::Private),
    (v6(0xff00, 0, 0, 8), Kind::NoMachine),
];

fn kind(address: IpAddr) -> Kind {
    // An IPv6 address that stands for an IPv4 one is as good as that.
    if let IpAddr::V6(address) = address
        && let Some(inner) = inner_v4(address)
    {
        return kind(IpAddr::V4(inner));
    }
    if address == IpAddr::V6(Ipv6Addr::LOCALHOST) {
        return Kind::Private;
    }
    SPECIAL
        .iter()
        .find(|(network, _)| network.contains(&address))
        .map_or(Kind::Public, |(_, kind)| *kind)
}

/// The IPv4 address in a mapped (`::ffff:0:0/96`), compatible (`::/96`), NAT64 (`64:ff9b::/96`) or 6to4 (`2002::/16`)
/// one.
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let parts = address.segments();
    let from = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match parts {
        // Those two are not IPv4 at all.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(from(high, low))
        }
        [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read, Write},
        net::SocketAddr,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    #[test]
    fn each_address_is_known_for_what_it_is() {
        use Kind::{NoMachine, Private, Public};
        for (kind_of_all, addresses) in [
            (
                Public,
                "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255 \
                 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 \
                 2606:4700::1111 2a00:1450:4001::1 ::ffff:1.1.1.1 64:ff9b::1.1.1.1 2002:101:101::1 2001:4860::8888",
            ),
            (
                Private,
                "10.0.0.0 10.255.255.255 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 \
                 192.168.0.1 198.18.0.1 ::1 fc00::1 fd12:3456::1 fe80::1 febf::1 fec0::1 ::ffff:127.0.0.1 \
                 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b:1::1 2002:7f00:1::1 2002:c0a8:1::1",
            ),
            (
                NoMachine,
                "0.0.0.0 0.1.2.3 192.0.2.1 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 \
                 :: ::ffff:0.0.0.0 ::ffff:224.0.0.1 100::1 2001::1 2001:db8::1 ff02::1 ff0e::1",
            ),
        ] {
            for address in addresses.split_whitespace() {
                assert_eq!(kind(address.parse().unwrap()), kind_of_all, "{address}");
            }
        }
    }

    #[test]
    fn private_addresses_need_to_be_allowed_and_those_of_no_machine_never_are() {
        use PrivateAddresses::{Allowed, Refused};
        for (address, private, goes) in [
            ("1.1.1.1", Refused, true),
            ("127.0.0.1", Refused, false),
            ("127.0.0.1", Allowed, true),
            ("::ffff:192.168.1.1", Refused, false),
            ("::ffff:192.168.1.1", Allowed, true),
            ("0.0.0.0", Allowed, false),
            ("255.255.255.255", Allowed, false),
            ("ff02::1", Allowed, false),
        ] {
            assert_eq!(
                check(address.parse().unwrap(), private).is_ok(),
                goes,
                "{address} {private:?}"
            );
        }
    }

    /// A name server that somebody else has: its answers, one after the other.
    #[derive(Debug)]
    struct Hostile {
        answers: Vec<Vec<SocketAddr>>,
        asked: Arc<AtomicUsize>,
    }

    impl Resolver for Hostile {
        fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let mut found = self.empty();
            for address in &self.answers[self.asked.fetch_add(1, Ordering::SeqCst)] {
                found.push(*address);
            }
            Ok(found)
        }
    }

    /// What a request comes to whose name is looked up there, and how often that was.
    fn asked(answers: &[&[SocketAddr]], private: PrivateAddresses) -> (Result<u16, ureq::Error>, usize) {
        let asked = Arc::new(AtomicUsize::new(0));
        let resolver = CheckedResolver {
            inner: Hostile {
                answers: answers.iter().map(|answer| answer.to_vec()).collect(),
                asked: Arc::clone(&asked),
            },
            private,
        };
        let agent = ureq::Agent::with_parts(
            ureq::Agent::config_builder().proxy(None).build(),
            ureq::unversioned::transport::DefaultConnector::default(),
            resolver,
        );
        let result = agent.get("http://hooks.example.org/").call();
        let status = result.map(|answer| answer.status().as_u16());
        (status, asked.load(Ordering::SeqCst))
    }

    #[test]
    fn a_name_is_looked_up_once_and_what_was_checked_is_connected_to() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let read = stream.read(&mut [0; 1024]).unwrap();
            assert!(read > 0);
            stream.write_all(b"HTTP/1.1 204 X\r\n\r\n").unwrap();
        });
        // Asked again, the name would lead where nobody may go.
        let nobody = "255.255.255.255:80".parse().unwrap();
        let (status, times) = asked(&[&[address], &[nobody]], PrivateAddresses::Allowed);
        assert_eq!((status.unwrap(), times), (204, 1));
        answering.join().unwrap();
    }

    #[test]
    fn one_forbidden_address_among_good_ones_refuses_the_request() {
        let public: SocketAddr = "1.1.1.1:80".parse().unwrap();
        let private = "10.0.0.1:80".parse().unwrap();
        for answer in [[public, private], [private, public]] {
            let (result, _) = asked(&[&answer], PrivateAddresses::Refused);
            let error = result.unwrap_err();
            let forbidden = Forbidden::in_error(&error).expect("refused");
            assert!(forbidden.to_string().contains("leads to 10.0.0.1"), "{forbidden}");
        }
    }

    #[test]
    fn an_address_in_any_spelling_is_checked_before_it_is_connected_to() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let agent = ureq::Agent::with_parts(
            ureq::Agent::config_builder().proxy(None).build(),
            ureq::unversioned::transport::DefaultConnector::default(),
            CheckedResolver::new(PrivateAddresses::Refused),
        );
        for host in [
            "127.0.0.1",
            "localhost",
            "2130706433",
            "0x7f.1",
            "127.1",
            "[::ffff:127.0.0.1]",
            "[::1]",
            "0.0.0.0",
        ] {
            let error = agent.get(format!("http://{host}:{port}/")).call().unwrap_err();
            // What the system does not take for an address at all is refused as well, by another name.
            let is_no_address = matches!(error, ureq::Error::Io(_) | ureq::Error::HostNotFound);
            assert!(
                Forbidden::in_error(&error).is_some() || is_no_address,
                "{host}: {error}"
            );
        }
        assert!(listener.accept().is_err());
    }
}
