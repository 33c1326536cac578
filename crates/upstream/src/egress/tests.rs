use super::*;

fn rules(texts: &[&str]) -> Egress {
    Egress::new(texts.iter().map(|text| text.parse().expect(text)).collect(), false)
}

fn permits(egress: &Egress, ip: &str, port: u16) -> bool {
    egress.vet(SocketAddr::new(ip.parse().expect(ip), port)).is_ok()
}

const REFUSED: &[&str] = &[
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "100.100.100.200",
    "169.254.169.254",
    "169.254.0.1",
    "168.63.129.16",
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "239.255.255.255",
    "255.255.255.255",
    "240.0.0.1",
    "254.1.1.1",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.9",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "::1",
    "::",
    "fe80::1",
    "febf::1",
    "fc00::1",
    "fdff::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "::8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:5::1",
    "2002:a9fe:a9fe::",
    "2001::1",
    "2001:2::1",
    "2001:20::1",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "5f00::1",
    "4000::1",
    "1::1",
    "e000::1",
];

const PUBLIC: &[&str] = &[
    "8.8.8.8",
    "1.1.1.1",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "169.253.255.255",
    "192.0.1.1",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "11.0.0.1",
    "2606:4700::1111",
    "2a00:1450::1",
    "2002:808:808::1",
    "2001:4860::8888",
];

#[test]
fn without_rules_only_public_addresses_are_permitted() {
    let none = rules(&[]);
    for ip in REFUSED {
        assert!(!permits(&none, ip, 443), "{ip} must be refused");
    }
    for ip in PUBLIC {
        assert!(permits(&none, ip, 443), "{ip} must be permitted");
    }
}

#[test]
fn the_development_profile_adds_loopback_and_nothing_else() {
    let development = Egress::new(vec![], true);
    for ip in REFUSED {
        assert_eq!(permits(&development, ip, 443), ["127.0.0.1", "127.255.255.254", "::1"].contains(ip), "{ip}");
    }
}

#[test]
fn a_rule_permits_its_network_on_its_port() {
    // (rules, address, port, permitted)
    let cases: &[(&[&str], &str, u16, bool)] = &[
        (&["10.0.0.0/8:8000"], "10.1.2.3", 8000, true),
        (&["10.0.0.0/8:8000"], "10.1.2.3", 8001, false),
        (&["10.0.0.0/8:8000"], "11.1.2.3", 8001, true), // public: no rule needed
        (&["10.0.0.0/8"], "10.1.2.3", 1, true),
        (&["10.0.0.0/8"], "192.168.0.1", 1, false),
        (&["10.0.0.5"], "10.0.0.5", 80, true),
        (&["10.0.0.5"], "10.0.0.6", 80, false),
        (&["10.0.0.5:8000"], "10.0.0.5", 8000, true),
        (&["127.0.0.1/32:11434"], "127.0.0.1", 11434, true),
        (&["127.0.0.1/32:11434"], "127.0.0.2", 11434, false),
        (&["fd00::/8"], "fd12::1", 80, true),
        (&["[fd00::/8]:8000"], "fd12::1", 8000, true),
        (&["[fd00::/8]:8000"], "fd12::1", 80, false),
        (&["[::1]:8000"], "::1", 8000, true),
        (&["[::1]"], "::1", 1, true),
        // a rule for IPv4 says nothing of the ways to write it in IPv6
        (&["10.0.0.0/8"], "::ffff:10.0.0.1", 80, false),
        (&["::ffff:0:0/96"], "::ffff:10.0.0.1", 80, false),
        (&["::ffff:0:0/96", "10.0.0.0/8"], "::ffff:10.0.0.1", 80, true),
        // a network with NAT64 reaches public addresses through it, and no private ones
        (&["64:ff9b::/96"], "64:ff9b::808:808", 443, true),
        (&["64:ff9b::/96"], "64:ff9b::a9fe:a9fe", 80, false),
        (&["64:ff9b::/96"], "64:ff9b::a00:5", 80, false),
        // guarded: only a rule inside the range opens it
        (&["0.0.0.0/0"], "10.0.0.1", 80, true),
        (&["0.0.0.0/0"], "169.254.169.254", 80, false),
        (&["0.0.0.0/0"], "168.63.129.16", 80, false),
        (&["0.0.0.0/0"], "0.0.0.0", 80, false),
        (&["0.0.0.0/0"], "224.0.0.1", 80, false),
        (&["100.64.0.0/10"], "100.100.100.200", 80, false),
        (&["100.64.0.0/10"], "100.100.100.201", 80, true),
        (&["169.254.0.0/16"], "169.254.169.254", 80, true),
        (&["169.254.169.254/32:80"], "169.254.169.254", 80, true),
        (&["169.0.0.0/8"], "169.254.169.254", 80, false),
        (&["::/0"], "fd00:ec2::254", 80, false),
        (&["fd00::/8"], "fd00:ec2::254", 80, false),
        (&["fd00:ec2::254"], "fd00:ec2::254", 80, true),
        (&["::/0"], "fe80::1", 80, false),
    ];
    for (texts, ip, port, permitted) in cases {
        assert_eq!(permits(&rules(texts), ip, *port), *permitted, "{texts:?} {ip} {port}");
    }
}

#[test]
fn a_rule_is_printed_as_it_is_parsed() {
    for text in ["10.0.0.0/8", "10.0.0.0/8:8000", "fd00::/8", "[fd00::/8]:8000", "127.0.0.1/32:11434"] {
        assert_eq!(text.parse::<EgressRule>().expect(text).to_string(), text);
    }
    assert_eq!("10.0.0.5:8000".parse::<EgressRule>().expect("v4").to_string(), "10.0.0.5/32:8000");
}

#[test]
fn a_rule_that_is_none_is_refused_by_its_text_with_the_remedy() {
    for text in [
        "",
        "example.com",
        "10.0.0.0/33",
        "10.0.0.0/8:0",
        "10.0.0.0/8:65536",
        "10.0.0.0/8:",
        "10.0.0.0/8:+80",
        "10.0.0.0/8:8a",
        "[fd00::/8",
        "[fd00::/8]8000",
        "10.0.0.5/8",
        "010.0.0.0/8",
        "10.0.0/8",
        "localhost:80",
        "*",
    ] {
        let error = text.parse::<EgressRule>().expect_err(text).to_string();
        assert!(error.contains(&format!("{text:?}")) && error.contains("10.0.0.0/8"), "{error}");
    }
    let error = "10.0.0.5/8".parse::<EgressRule>().expect_err("host bits").to_string();
    assert!(error.contains("10.0.0.5/32"), "{error}");
}

#[test]
fn a_refusal_names_a_rule_that_would_permit_the_address() {
    for (ip, port) in [("10.0.0.5", 8000), ("169.254.169.254", 80), ("fd12::1", 443), ("::1", 1), ("168.63.129.16", 80)] {
        let address = SocketAddr::new(ip.parse().expect(ip), port);
        let message = rules(&[]).vet(address).expect_err(ip).to_string();
        let rule = message.split('"').rfind(|part| part.parse::<EgressRule>().is_ok()).expect("a rule in quotes").to_owned();
        assert!(message.contains(ip) && permits(&rules(&[&rule]), ip, port), "{message}");
    }
}
