// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is asked of the system's resolver, and what it tells.

use std::ffi::CStr;
use std::net::SocketAddr;

/// What a look-up of addresses asks for.
#[derive(Clone, Copy, Default)]
pub struct Hints {
    pub ipv4: bool,
    pub ipv6: bool,
    /// The host is an address, and nobody is asked.
    pub numeric: bool,
    /// Addresses to bind to.
    pub passive: bool,
    /// Of those families only that this machine has addresses of.
    pub configured: bool,
    /// Also the host's canonical name.
    pub canonical: bool,
    /// Services of datagrams, not of streams.
    pub datagram: bool,
}

/// What a look-up of names asks for.
#[derive(Clone, Copy, Default)]
pub struct NameFlags {
    pub numeric_host: bool,
    pub numeric_service: bool,
    /// A host without a name is an error.
    pub required: bool,
    pub datagram: bool,
    /// Of hosts of this domain, the first part only.
    pub local: bool,
}

/// What a look-up found: addresses, names, or both.
#[derive(Default)]
pub struct Found {
    pub addresses: Vec<SocketAddr>,
    pub host: Option<Box<str>>,
    pub service: Option<Box<str>>,
}

impl Found {
    /// Both names, each up to its NUL.
    pub fn named(host: &[u8], service: &[u8]) -> Found {
        let text = |bytes| CStr::from_bytes_until_nul(bytes).ok().map(|text| text.to_string_lossy().into());
        Found { addresses: Vec::new(), host: text(host), service: text(service) }
    }
}

impl Hints {
    pub fn allow(&self, address: &SocketAddr) -> bool {
        self.ipv4 == self.ipv6 || self.ipv4 == address.is_ipv4()
    }
}
