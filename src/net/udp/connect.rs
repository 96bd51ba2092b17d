// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sockets with a peer, by name. Nothing is sent: the first address to which there is a way is taken.

use super::{Udp, new_socket};
use crate::callback::Notify;
use crate::core::Core;
use crate::dns;
use crate::error::{Error, Result, to_code};
use crate::future::Op;
use crate::handle::Handle;
use crate::net::address;
use crate::sys::{Hints, Source, datagram};
use std::ffi::CStr;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

impl Core {
    /// The result is a new handle.
    pub fn udp_connect(&mut self, host: &CStr, port: i32, notify: Notify) -> Result<Handle> {
        let port = address::check_port(port)?;
        if port == 0 || host.is_empty() {
            return Err(Error::EINVAL);
        }
        let future = self.insert_future(Op::Over, self.handle, notify)?;
        self.future_mut(future)?.gives_handle = true;
        if let Some(address) = address::numeric(host, port) {
            self.udp_peer_found(future, Ok(vec![address]), port);
            return Ok(future);
        }
        match dns::look_up_on_pool(self, Some(host), None, Hints::default(), move |core, found| {
            core.udp_peer_found(future, found.map(|found| found.addresses), port)
        }) {
            Ok(job) => {
                self.future_mut(future)?.op = Op::LookUp(job);
                Ok(future)
            }
            Err(error) => {
                self.withdraw_future(future);
                Err(error)
            }
        }
    }

    fn udp_peer_found(&mut self, future: Handle, found: Result<Vec<SocketAddr>>, port: u16) {
        if !self.is_pending(future) {
            return;
        }
        let made = found.and_then(|found| {
            let mut last = Error::EAI_NODATA;
            for mut address in found {
                address.set_port(port);
                match connected(address) {
                    Ok(udp) => return self.insert_udp(udp),
                    Err(error) => last = error,
                }
            }
            Err(last)
        });
        self.complete(future, to_code(made.map(Handle::number)));
    }
}

fn connected(peer: SocketAddr) -> Result<Udp> {
    let source = Source::from_socket(new_socket(peer)?)?;
    datagram::set_peer(&source, &peer)?;
    let port = source.socket().local_addr()?.as_socket().map_or(0, |own| own.port());
    let own = match peer {
        SocketAddr::V4(_) => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port),
        SocketAddr::V6(_) => SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port),
    };
    let mut udp = Udp::new(source, own, Some(peer), false);
    // Not every system can, and then the next call on the socket tells such errors.
    let _ = udp.settle_returned();
    Ok(udp)
}
