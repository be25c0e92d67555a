//! Where a webhook may go. Whoever may register one must not reach through us what only we can reach: so private addresses
//! are refused when it is registered, and again at each connection, by the address that is really connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// Why nothing is sent to a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("is no URL that something can be sent to")]
    NoUrl,
    #[error("is not https")]
    NotHttps,
    #[error("holds a name or a password")]
    Credentials,
    #[error("leads to a private, local or reserved address")]
    Private,
}

/// Whether receivers in the house may be reached, too, and by plain http (`--webhook-allow-private`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) private: bool,
}

impl Reach {
    /// The URL, if it is one that something may be sent to. A name's addresses are looked at when it is connected to.
    pub(crate) fn check(self, url: &str) -> Result<Url, Refused> {
        let url: Url = url.parse().map_err(|_| Refused::NoUrl)?;
        let secure = url.scheme() == "https";
        if !(secure || self.private && url.scheme() == "http") {
            return Err(Refused::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let host = url.host_str().ok_or(Refused::NoUrl)?;
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        match literal.parse::<IpAddr>() {
            Ok(address) if !self.admits(address) => Err(Refused::Private),
            Ok(_) | Err(_) => Ok(url),
        }
    }

    /// The same, with a look at the addresses that its name has now. One that has none now may have some later.
    pub(crate) async fn look(self, url: &str) -> Result<Url, Refused> {
        let url = self.check(url)?;
        let host = url.host_str().unwrap_or_default();
        match self.addresses(host).await {
            Ok(admitted) if admitted.is_empty() => Err(Refused::Private),
            Ok(_) | Err(_) => Ok(url),
        }
    }

    fn admits(self, address: IpAddr) -> bool {
        self.private || is_public(address)
    }

    /// The addresses of a name that may be connected to; empty where it has others only.
    async fn addresses(self, host: &str) -> std::io::Result<Vec<SocketAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.filter(|it| self.admits(it.ip())).collect())
    }
}

/// Names are resolved here and nowhere else, and only what may be reached comes out: a name that changes its address between
/// the check and the connection gains nothing.
impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = *self;
        Box::pin(async move {
            let addresses = reach.addresses(name.as_str()).await?;
            if addresses.is_empty() {
                return Err(Refused::Private.into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether an address belongs to the open internet, by IANA's special-purpose registries.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// What is not for the open internet: "this network", private use, shared (carrier NAT), loopback, link-local, protocol
/// assignments, documentation, 6to4 relays, benchmarks, multicast, reserved.
const CLOSED_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    !CLOSED_V4.iter().any(|(net, bits)| {
        let mask = u32::MAX << (32 - bits);
        address.to_bits() & mask == net.to_bits()
    })
}

/// Global unicast (2000::/3) without what carries an IPv4 address in it (Teredo, 6to4), ORCHIDs and documentation. Mapped,
/// translated, unique local, link-local and multicast addresses lie outside of it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let global = first & 0xe000 == 0x2000;
    let assignments = first == 0x2001 && second < 0x0200;
    let documentation = first == 0x2001 && second == 0x0db8 || first == 0x3fff && second < 0x1000;
    global && !assignments && !documentation && first != 0x2002
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Reach = Reach { private: false };

    #[test]
    fn only_the_open_internet_is_public() {
        for closed in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "100::1",
            "2001::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(closed.parse().unwrap()), "{closed}");
        }
        for open in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(is_public(open.parse().unwrap()), "{open}");
        }
    }

    #[test]
    fn a_url_that_leads_inside_is_refused_in_every_spelling() {
        for (url, refused) in [
            ("http://example.com/", Refused::NotHttps),
            ("ftp://example.com/", Refused::NotHttps),
            ("example.com", Refused::NoUrl),
            ("https://", Refused::NoUrl),
            ("https://ayse:parola@example.com/", Refused::Credentials),
            ("https://127.0.0.1/", Refused::Private),
            ("https://127.1/", Refused::Private),
            ("https://2130706433/", Refused::Private),
            ("https://0x7f000001/", Refused::Private),
            ("https://0177.0.0.1/", Refused::Private),
            ("https://[::1]/", Refused::Private),
            ("https://[::ffff:169.254.169.254]/", Refused::Private),
            ("https://[::ffff:7f00:1]:8443/x", Refused::Private),
        ] {
            assert_eq!(OPEN.check(url).err(), Some(refused), "{url}");
        }
        assert!(
            OPEN.check("https://hooks.example.com:8443/cozum?x=1")
                .is_ok()
        );
        assert!(OPEN.check("https://8.8.8.8/").is_ok());
    }

    #[tokio::test]
    async fn a_name_is_judged_by_the_addresses_it_has() {
        assert_eq!(
            OPEN.look("https://localhost/").await.err(),
            Some(Refused::Private)
        );
        let inside = Reach { private: true };
        assert!(inside.look("http://localhost:9/").await.is_ok());
        // The resolver is what reqwest connects by: what it refuses is not connected to.
        let resolved = OPEN.resolve("localhost".parse().unwrap()).await;
        assert!(resolved.is_err());
    }
}
