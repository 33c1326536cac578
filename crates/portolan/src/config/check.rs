//! What single settings cannot know: whether they fit together.

use std::net::IpAddr;
use std::time::Duration;

use super::choices::{Profile, Simulator};
use super::problem::{Origin, Problem};
use super::settings::Config;

/// The mistakes and the warnings that concern several settings.
pub(super) fn check(config: &Config) -> (Vec<Problem>, Vec<String>) {
    let mut found = Found { config, problems: Vec::new(), warnings: Vec::new() };
    found.addresses();
    found.sizes();
    found.timeouts();
    found.catalog();
    found.routing();
    found.data_dir();
    if config.profile == Profile::Production && config.simulator == Simulator::On {
        found.warnings.push("simulator = \"on\" has no effect: in the production profile the simulator is off".into());
    }
    (found.problems, found.warnings)
}

/// Whether whoever listens at the one keeps others from listening at the other: "all interfaces" of IPv6 are those of IPv4 as well.
fn overlap(one: IpAddr, other: IpAddr) -> bool {
    let covers = |all: IpAddr, ip: IpAddr| all.is_unspecified() && (all.is_ipv6() || ip.is_ipv4());
    one == other || covers(one, other) || covers(other, one)
}

struct Found<'a> {
    config: &'a Config,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl Found<'_> {
    fn refuse(&mut self, key: &str, message: String) {
        self.problems.push(self.config.problem(key, message));
    }

    fn addresses(&mut self) {
        let (server, admin) = (self.config.server.listen, self.config.admin.listen);
        if server.port() == admin.port() && server.port() != 0 && overlap(server.ip(), admin.ip()) {
            let stated = |key: &&str| self.config.origin_of(key).is_some_and(|origin| *origin != Origin::Default);
            let key = ["admin.listen", "server.listen"].into_iter().find(stated).unwrap_or("admin.listen");
            self.refuse(key, format!("collides: server.listen is {server} and admin.listen is {admin}; choose another port"));
        }
        if self.config.profile == Profile::Development && !server.ip().is_loopback() {
            self.warnings.push(format!(
                "LISTENING ON {server} IN THE DEVELOPMENT PROFILE: whoever reaches this address can try keys against it; \
                 set profile = \"production\", or listen on 127.0.0.1"
            ));
        }
        if !admin.ip().is_loopback() {
            self.warnings.push(format!("admin.listen is {admin}: metrics are served there without authentication"));
        }
    }

    fn sizes(&mut self) {
        // Below, no request fits; above, a few bodies at once fill the memory of any machine.
        let (least, most) = (1 << 10, 1 << 30);
        let bytes = self.config.server.body_bytes_max;
        if !(least..=most).contains(&bytes) {
            self.refuse("server.body_bytes_max", format!("is {bytes}; it must be between {least} and {most}"));
        }
    }

    fn catalog(&mut self) {
        // The sources are free and publish some times a day.
        let least = Duration::from_mins(1);
        if self.config.catalog.interval < least {
            self.refuse("catalog.interval", "must be at least one minute".into());
        }
    }

    fn routing(&mut self) {
        // Whoever is asked more often may count it as traffic.
        let least = Duration::from_secs(5);
        let interval = self.config.routing.probe_interval;
        if !interval.is_zero() && interval < least {
            self.refuse("routing.probe_interval", "must be at least five seconds, or \"0s\" for no probes".into());
        }
    }

    fn data_dir(&mut self) {
        let socket = self.config.admin_socket();
        if std::os::unix::net::SocketAddr::from_pathname(&socket).is_err() {
            let length = socket.as_os_str().len();
            self.refuse(
                "data_dir",
                format!("is too long: admin.sock in it is a path of {length} bytes, which no socket can have; choose a shorter one"),
            );
        }
    }

    fn timeouts(&mut self) {
        let t = &self.config.timeouts;
        let parts = [("connect", t.connect), ("first_token", t.first_token), ("idle", t.idle), ("total", t.total)];
        let total = t.total;
        for (name, duration) in parts {
            let key = format!("timeouts.{name}");
            if duration == Duration::ZERO {
                self.refuse(&key, "must be longer than zero".into());
            } else if duration > total && self.config.origin_of(&key) != Some(&Origin::Default) {
                // No mistake: whoever lowers the total need not lower every default as well.
                self.warnings.push(format!("{key} is longer than timeouts.total and is never reached"));
            }
        }
    }
}
