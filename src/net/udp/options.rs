// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be set of a socket for datagrams, and the groups it belongs to.

use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::net::address;
use crate::sys::datagram::{self, Interface};
use crate::sys::interfaces;
use std::ffi::CStr;
use std::net::{IpAddr, Ipv4Addr};

/// What is told beside bytes and sender.
#[derive(Clone, Copy, Default, PartialEq)]
pub struct Tells {
    pub ecn: bool,
    pub local: bool,
    /// What came as one message is told as one.
    pub coalesced: bool,
    pub errors: bool,
}

/// An interface by name, number or IPv4 address; `None`: the system's choice.
fn interface(text: Option<&CStr>) -> Result<Interface> {
    let Some(text) = text else { return Ok(Interface::Any) };
    if text.is_empty() {
        return Err(Error::EINVAL);
    }
    if let Some(ip) = text.to_str().ok().and_then(|text| text.parse::<Ipv4Addr>().ok()) {
        return Ok(if ip.is_unspecified() { Interface::Any } else { Interface::Address(ip) });
    }
    interfaces::interface_index(text).map(Interface::Index)
}

impl Core {
    /// Sets what is told. What the system cannot tell is refused; what comes before it here is set by then.
    pub fn udp_tell(&mut self, handle: Handle, wanted: Tells) -> Result<()> {
        let udp = self.udp_mut(handle)?;
        let before = udp.tells;
        if wanted.ecn != before.ecn {
            datagram::tell_ecn(&udp.source, udp.ipv6, wanted.ecn)?;
            udp.tells.ecn = wanted.ecn;
        }
        if wanted.local != before.local {
            datagram::tell_local(&udp.source, udp.ipv6, wanted.local)?;
            udp.tells.local = wanted.local;
        }
        if wanted.coalesced != before.coalesced {
            udp.join_arrivals(wanted.coalesced || udp.joined_arrivals == Some(true))?;
            udp.tells.coalesced = wanted.coalesced;
        }
        udp.tells.errors = wanted.errors;
        udp.settle_returned().inspect_err(|_| udp.tells.errors = before.errors)?;
        Ok(())
    }

    pub fn udp_broadcast(&mut self, handle: Handle, on: bool) -> Result<()> {
        Ok(self.udp_mut(handle)?.source.socket().set_broadcast(on)?)
    }

    /// How many routers a datagram may pass. An IPv6 socket sends IPv4 too.
    pub fn udp_ttl(&mut self, handle: Handle, ttl: u32) -> Result<()> {
        let udp = self.udp_mut(handle)?;
        let socket = udp.source.socket();
        if udp.ipv6 {
            socket.set_unicast_hops_v6(ttl)?;
            // Not every system lets an IPv6 socket have it.
            let _ = socket.set_ttl_v4(ttl);
            return Ok(());
        }
        Ok(socket.set_ttl_v4(ttl)?)
    }

    pub fn udp_traffic_class(&mut self, handle: Handle, class: u8) -> Result<()> {
        let udp = self.udp_mut(handle)?;
        Ok(datagram::set_traffic_class(&udp.source, udp.ipv6, class)?)
    }

    pub fn udp_multicast_ttl(&mut self, handle: Handle, ttl: u32) -> Result<()> {
        let udp = self.udp_mut(handle)?;
        let socket = udp.source.socket();
        if udp.ipv6 {
            socket.set_multicast_hops_v6(ttl)?;
            let _ = socket.set_multicast_ttl_v4(ttl);
            return Ok(());
        }
        Ok(socket.set_multicast_ttl_v4(ttl)?)
    }

    pub fn udp_multicast_loop(&mut self, handle: Handle, on: bool) -> Result<()> {
        let udp = self.udp_mut(handle)?;
        let socket = udp.source.socket();
        if udp.ipv6 {
            socket.set_multicast_loop_v6(on)?;
            let _ = socket.set_multicast_loop_v4(on);
            return Ok(());
        }
        Ok(socket.set_multicast_loop_v4(on)?)
    }

    pub fn udp_multicast_interface(&mut self, handle: Handle, text: Option<&CStr>) -> Result<()> {
        let udp = self.udp_mut(handle)?;
        Ok(datagram::set_multicast_interface(&udp.source, udp.ipv6, interface(text)?)?)
    }

    /// Joins a group, or leaves it. `from`: what this sender sends, nobody else.
    pub fn udp_membership(
        &mut self,
        handle: Handle,
        join: bool,
        group: &CStr,
        at: Option<&CStr>,
        from: Option<&CStr>,
    ) -> Result<()> {
        let udp = self.udp_mut(handle)?;
        let numeric = |text: &CStr| match text.is_empty() {
            true => Err(Error::EINVAL),
            false => address::numeric(text, 0).ok_or(Error::EAI_NONAME),
        };
        let group = numeric(group)?;
        let from = from.map(numeric).transpose()?.map(|from| from.ip());
        let mut at = interface(at)?;
        if let (std::net::SocketAddr::V6(group), Interface::Any) = (group, at)
            && group.scope_id() != 0
        {
            at = Interface::Index(group.scope_id());
        }
        let group = group.ip();
        if !group.is_multicast() || from.is_some_and(|from| from.is_ipv4() != group.is_ipv4()) {
            return Err(Error::EINVAL);
        }
        if group.is_ipv6() && !udp.ipv6 {
            return Err(Error::EAFNOSUPPORT);
        }
        if let (IpAddr::V6(_), Interface::Address(_)) = (group, at) {
            return Err(Error::EINVAL);
        }
        Ok(datagram::set_membership(&udp.source, join, group, at, from)?)
    }
}
