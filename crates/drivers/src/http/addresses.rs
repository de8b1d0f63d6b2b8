//! Which addresses belong to the open internet. Everything that isn't known to is refused.
//!
//! From the IANA special-purpose registries for IPv4 and IPv6, and the addresses under which
//! clouds answer for their machines' own secrets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a range is for, its first address, and how many bits of it count.
type Range<A> = (&'static str, A, u32);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

static CLOSED_V4: &[Range<Ipv4Addr>] = &[
    ("this network", v4(0, 0, 0, 0), 8),
    ("a private network", v4(10, 0, 0, 0), 8),
    ("a provider's own network", v4(100, 64, 0, 0), 10),
    ("this machine", v4(127, 0, 0, 0), 8),
    ("a cloud's own service", v4(168, 63, 129, 16), 32),
    ("a link-local network", v4(169, 254, 0, 0), 16),
    ("a private network", v4(172, 16, 0, 0), 12),
    ("a protocol's own network", v4(192, 0, 0, 0), 24),
    ("a network for documentation", v4(192, 0, 2, 0), 24),
    ("a relay of 6to4", v4(192, 88, 99, 0), 24),
    ("a private network", v4(192, 168, 0, 0), 16),
    ("a network for benchmarks", v4(198, 18, 0, 0), 15),
    ("a network for documentation", v4(198, 51, 100, 0), 24),
    ("a network for documentation", v4(203, 0, 113, 0), 24),
    ("a multicast group", v4(224, 0, 0, 0), 4),
    ("a reserved network", v4(240, 0, 0, 0), 4),
];

const fn v6(a: u16, b: u16, c: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)
}

static CLOSED_V6: &[Range<Ipv6Addr>] = &[
    ("this machine", Ipv6Addr::LOCALHOST, 128),
    ("no address", Ipv6Addr::UNSPECIFIED, 128),
    (
        "an IPv4 address in disguise",
        Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0),
        96,
    ),
    ("an IPv4 address in disguise", Ipv6Addr::UNSPECIFIED, 96),
    ("a translation to IPv4", v6(0x64, 0xff9b, 0), 96),
    ("a translation to IPv4", v6(0x64, 0xff9b, 1), 48),
    ("a network that discards", v6(0x100, 0, 0), 64),
    ("a tunnel to IPv4", v6(0x2001, 0, 0), 32),
    ("a network for benchmarks", v6(0x2001, 2, 0), 48),
    ("a protocol's own network", v6(0x2001, 0, 0), 23),
    ("a network for documentation", v6(0x2001, 0xdb8, 0), 32),
    ("a tunnel to IPv4", v6(0x2002, 0, 0), 16),
    ("a network for documentation", v6(0x3fff, 0, 0), 20),
    ("a private network", v6(0xfc00, 0, 0), 7),
    ("a link-local network", v6(0xfe80, 0, 0), 10),
    ("a private network", v6(0xfec0, 0, 0), 10),
    ("a multicast group", v6(0xff00, 0, 0), 8),
];

/// The part of IPv6 that is given out for the internet.
const OPEN_V6: Range<Ipv6Addr> = ("the internet", v6(0x2000, 0, 0), 3);

/// What kind of closed address this is; none for one of the open internet.
#[must_use]
pub fn forbidden(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => CLOSED_V4
            .iter()
            .find(|(_, first, bits)| {
                let shift = 32 - bits;
                u32::from(ip) >> shift == u32::from(*first) >> shift
            })
            .map(|range| range.0),
        IpAddr::V6(ip) => CLOSED_V6
            .iter()
            .find(|range| holds(range, ip))
            .map(|range| range.0)
            .or_else(|| (!holds(&OPEN_V6, ip)).then_some("a reserved network")),
    }
}

fn holds((_, first, bits): &Range<Ipv6Addr>, ip: Ipv6Addr) -> bool {
    let shift = 128 - bits;
    u128::from(ip) >> shift == u128::from(*first) >> shift
}
