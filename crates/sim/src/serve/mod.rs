//! The simulator as a server: connections, routes, and the body that carries pace and faults.

mod body;
mod exchange;
mod plan;
mod route;
mod sim;
mod wire;

pub use sim::{Sim, SimOptions};
