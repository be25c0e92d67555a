//! From which address somebody asks.

use std::{
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use axum::http::{Extensions, HeaderMap};

/// The address at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The proxies that are believed when they say for whom they ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Proxies(Vec<Block>);

/// Addresses that begin alike: "10.0.0.0/8", "::1".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    address: IpAddr,
    bits: u32,
}

impl FromStr for Proxies {
    type Err = String;

    /// Reads blocks that are separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let blocks = text.split(',').map(str::trim).filter(|it| !it.is_empty());
        let blocks = blocks.map(|it| {
            it.parse()
                .map_err(|()| format!("{it}: is no address or block like 10.0.0.0/8"))
        });
        Ok(Self(blocks.collect::<Result<_, _>>()?))
    }
}

impl FromStr for Block {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().map_err(|_| ())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        match bits.unwrap_or(all) {
            bits if bits <= all => Ok(Self { address, bits }),
            _ => Err(()),
        }
    }
}

impl Block {
    fn has(self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, all: u32| {
            let free = all - self.bits;
            one.checked_shr(free).unwrap_or(0) == other.checked_shr(free).unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                same(one.to_bits().into(), other.to_bits().into(), 32)
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => same(one.to_bits(), other.to_bits(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl Proxies {
    /// For whom a request is: the last address on its way that is no proxy of ours. What stands before it in
    /// `X-Forwarded-For` anybody may have written.
    pub(crate) fn client(&self, headers: &HeaderMap, extensions: &Extensions) -> IpAddr {
        let mut client = extensions
            .get::<Peer>()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |it| it.0.to_canonical());
        let hops = headers.get_all("x-forwarded-for").iter().rev();
        let hops = hops.flat_map(|it| it.to_str().unwrap_or_default().rsplit(','));
        for hop in hops {
            if !self.0.iter().any(|it| it.has(client)) {
                break;
            }
            match hop.trim().parse::<IpAddr>() {
                Ok(address) => client = address.to_canonical(),
                Err(_) => break,
            }
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(proxies: &str, peer: &str, forwarded: &[&'static str]) -> String {
        let proxies: Proxies = proxies.parse().unwrap();
        let mut headers = HeaderMap::new();
        for it in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(it));
        }
        let mut extensions = Extensions::new();
        extensions.insert(Peer(peer.parse().unwrap()));
        proxies.client(&headers, &extensions).to_string()
    }

    #[test]
    fn only_our_own_proxies_are_believed() {
        let far = &["198.51.100.7, 203.0.113.9"][..];
        assert_eq!(client("", "192.0.2.1", far), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", far), "203.0.113.9");
        assert_eq!(
            client("10.0.0.0/8, 203.0.113.9", "::ffff:10.1.2.3", far),
            "198.51.100.7"
        );
        let apart = &["198.51.100.7", "203.0.113.9"][..];
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", apart), "203.0.113.9");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &["nonsense"]), "10.1.2.3");
        assert_eq!(
            client("fd00::/8", "fd12::1", &["2001:db8::1"]),
            "2001:db8::1"
        );
        assert_eq!(client("0.0.0.0/0", "192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn a_block_that_is_none_is_named() {
        for bad in ["10.0.0.0/33", "proxy.local", "::/129", "10/8"] {
            assert!(bad.parse::<Proxies>().unwrap_err().contains(bad));
        }
    }
}
