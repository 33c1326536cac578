//! Which addresses are not the public Internet, and why.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// A network that is refused unless a rule permits it.
#[derive(Debug)]
pub(crate) struct Special {
    pub(crate) network: IpNet,
    /// Completes the sentence "10.0.0.5 is ...".
    pub(crate) what: &'static str,
    /// A wide rule such as 0.0.0.0/0 or 10.0.0.0/8 does not mean these: only a rule whose own network lies inside does.
    /// They hold credentials of the machine (cloud metadata), or nobody's service at all.
    pub(crate) guarded: bool,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8, what: &'static str) -> Special {
    Special { network: IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)), what, guarded: false }
}

const fn v6(parts: [u16; 4], last: u16, bits: u8, what: &'static str) -> Special {
    let address = Ipv6Addr::new(parts[0], parts[1], parts[2], parts[3], 0, 0, 0, last);
    Special { network: IpNet::V6(Ipv6Net::new_assert(address, bits)), what, guarded: false }
}

const fn guarded(special: Special) -> Special {
    Special { guarded: true, ..special }
}

/// After IANA's special-purpose registries (RFC 6890 and its updates), and the metadata services of the clouds
/// that live at other addresses than 169.254.169.254. The first row that holds an address speaks.
static SPECIAL: [Special; 38] = [
    guarded(v4(168, 63, 129, 16, 32, "Azure's WireServer")),
    guarded(v4(100, 100, 100, 200, 32, "Alibaba Cloud's metadata service")),
    guarded(v4(192, 0, 0, 192, 32, "Oracle Cloud's metadata service")),
    guarded(v4(169, 254, 0, 0, 16, "link-local (cloud metadata lives there)")),
    guarded(v4(0, 0, 0, 0, 8, "\"this\" network")),
    v4(127, 0, 0, 0, 8, "loopback"),
    v4(10, 0, 0, 0, 8, "a private network"),
    v4(172, 16, 0, 0, 12, "a private network"),
    v4(192, 168, 0, 0, 16, "a private network"),
    v4(100, 64, 0, 0, 10, "carrier-grade NAT space"),
    v4(192, 0, 0, 0, 24, "reserved for protocols"),
    v4(192, 0, 2, 0, 24, "reserved for documentation"),
    v4(198, 51, 100, 0, 24, "reserved for documentation"),
    v4(203, 0, 113, 0, 24, "reserved for documentation"),
    v4(192, 88, 99, 0, 24, "a 6to4 relay"),
    v4(198, 18, 0, 0, 15, "reserved for benchmarking"),
    guarded(v4(224, 0, 0, 0, 4, "multicast")),
    guarded(v4(255, 255, 255, 255, 32, "broadcast")),
    v4(240, 0, 0, 0, 4, "reserved"),
    v6([0, 0, 0, 0], 1, 128, "loopback"),
    guarded(v6([0, 0, 0, 0], 0, 128, "the unspecified address")),
    MAPPED,
    v6([0, 0, 0, 0], 0, 96, "an IPv4-compatible address"),
    v6([0x64, 0xff9b, 0, 0], 0, 96, "a NAT64 address"),
    guarded(v6([0x64, 0xff9b, 1, 0], 0, 48, "a local NAT64 address")),
    guarded(v6([0xfe80, 0, 0, 0], 0, 10, "link-local")),
    v6([0xfec0, 0, 0, 0], 0, 10, "site-local"),
    guarded(v6([0xfd00, 0x0ec2, 0, 0], 0, 32, "Amazon's metadata service")),
    guarded(v6([0xfd20, 0x00ce, 0, 0], 0x254, 128, "Google Cloud's metadata service")),
    v6([0xfc00, 0, 0, 0], 0, 7, "a private network"),
    guarded(v6([0xff00, 0, 0, 0], 0, 8, "multicast")),
    v6([0x100, 0, 0, 0], 0, 64, "a discard-only address"),
    v6([0x2001, 0, 0, 0], 0, 32, "a Teredo address"),
    v6([0x2001, 2, 0, 0], 0, 48, "reserved for benchmarking"),
    v6([0x2001, 0xdb8, 0, 0], 0, 32, "reserved for documentation"),
    v6([0x2001, 0, 0, 0], 0, 23, "reserved for protocols"),
    v6([0x3fff, 0, 0, 0], 0, 20, "reserved for documentation"),
    v6([0x5f00, 0, 0, 0], 0, 16, "a segment-routing identifier"),
];

const MAPPED: Special = Special {
    network: IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96)),
    what: "an IPv4-mapped address",
    guarded: false,
};

/// All of IPv6 that is not global unicast and has no row of its own.
static NOT_GLOBAL: Special = v6([0, 0, 0, 0], 0, 0, "not a global address");

/// Why an address is not the public Internet; `None` for one that is.
pub(crate) fn special(address: IpAddr) -> Option<&'static Special> {
    let listed = SPECIAL.iter().find(|special| special.network.contains(&address));
    match address {
        // Global unicast is 2000::/3.
        IpAddr::V6(v6) if listed.is_none() && v6.segments()[0] >> 13 != 1 => Some(&NOT_GLOBAL),
        _ => listed,
    }
}

/// The IPv4 address that a transition address (mapped, compatible, NAT64, 6to4) ends up at.
/// It is vetted too: a rule for the transition network alone opens no private network behind it.
pub(crate) fn embedded_v4(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    if v6.is_loopback() || v6.is_unspecified() {
        return None;
    }
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let join = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => join(g, h),
        [0x2002, high, low, ..] => join(high, low),
        _ => None,
    }
}
