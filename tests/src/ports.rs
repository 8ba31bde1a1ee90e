//! Ports for servers that must be known before they start, and be the same after a restart.

use std::net::{Ipv4Addr, TcpListener};

/// A port that is free now, below the range from which systems take the ports of outgoing connections:
/// nothing else will take it by chance while its server is down.
pub fn free_port() -> u16 {
    for _ in 0..200 {
        let mut bytes = [0; 2];
        getrandom::fill(&mut bytes).expect("the system gives random bytes");
        let port = FIRST + u16::from_le_bytes(bytes) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT);
}

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;
