//! The dialer against real sockets on loopback: what is sent, and above all what is not.

mod credentials;
mod egress;
mod exchange;
mod in_process;
mod pool;
mod server;
mod setup;
mod tls;
