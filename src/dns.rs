// SPDX-License-Identifier: MIT OR Apache-2.0
//! Look-ups of names and addresses: what nobody need be asked for at once, everything else on the pool's own lane for
//! it.

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::inbox::Message;
use crate::net::address;
use crate::pool::{self, Job, Lane};
use crate::sys::{self, Found, Hints, NameFlags};
use std::ffi::CStr;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// A DNS name is at most 253 characters; whatever is much longer is a mistake, not a name.
const LONGEST: usize = 1024;

/// Looks up on the pool; `done` gets the result on the loop, unless the task is given up before.
pub fn look_up_on_pool(
    core: &Core,
    host: Option<&CStr>,
    service: Option<&CStr>,
    hints: Hints,
    done: impl FnOnce(&mut Core, Result<Found>) + Send + 'static,
) -> Result<Arc<Job>> {
    check(host, service)?;
    let (host, service) = (host.map(CStr::to_owned), service.map(CStr::to_owned));
    // For a name of this machine, no more is read than a file: it need not wait behind those that ask a dead server.
    let lane = if host.as_deref().is_some_and(is_local) { Lane::Files } else { Lane::Names };
    ask_on_pool(core, lane, move || look_up(host.as_deref(), service.as_deref(), hints), done)
}

fn check(host: Option<&CStr>, service: Option<&CStr>) -> Result<()> {
    let is_name = |text: &CStr| !text.is_empty() && text.count_bytes() <= LONGEST;
    if host.into_iter().chain(service).all(is_name) { Ok(()) } else { Err(Error::EINVAL) }
}

fn ask_on_pool(
    core: &Core,
    lane: Lane,
    ask: impl FnOnce() -> Result<Found> + Send + 'static,
    done: impl FnOnce(&mut Core, Result<Found>) + Send + 'static,
) -> Result<Arc<Job>> {
    let inbox = core.inbox();
    pool::submit(lane, move || {
        let found = ask();
        if pool::is_unwanted() != Some(true) {
            // A loop that is gone does not care any more.
            let _ = inbox.post_from_worker(Message::Apply(Box::new(move |core| done(core, found))));
        }
    })
}

/// Names below "localhost" are this machine, and no name server need hear of them (RFC 6761, section 6.3).
fn look_up(host: Option<&CStr>, service: Option<&CStr>, hints: Hints) -> Result<Found> {
    match host {
        Some(name) if !hints.numeric && is_local(name) => {
            sys::look_up(Some(c"localhost"), service, hints).or_else(|error| match error {
                Error::EAI_NONAME | Error::EAI_NODATA | Error::EAI_AGAIN | Error::EAI_FAIL => {
                    look_up_loopback(service, hints)
                }
                error => Err(error),
            })
        }
        _ => sys::look_up(host, service, hints),
    }
}

fn is_local(name: &CStr) -> bool {
    let name = name.to_bytes();
    let name = name.strip_suffix(b".").unwrap_or(name);
    let Some(start) = name.len().checked_sub(b"localhost".len()) else { return false };
    name[start..].eq_ignore_ascii_case(b"localhost") && (start == 0 || name[start - 1] == b'.')
}

/// For a system that does not know of localhost.
fn look_up_loopback(service: Option<&CStr>, hints: Hints) -> Result<Found> {
    let hints = Hints { passive: false, ..hints };
    let port = match service {
        Some(_) => sys::look_up(None, service, Hints { canonical: false, ..hints })?
            .addresses
            .first()
            .map_or(0, SocketAddr::port),
        None => 0,
    };
    let all = [SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port), SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port)];
    let addresses = all.into_iter().filter(|address| hints.allow(address)).collect();
    Ok(Found { addresses, host: hints.canonical.then(|| "localhost".into()), service: None })
}

/// What can be told without asking anybody.
#[inline(never)]
fn known(host: Option<&CStr>, service: Option<&CStr>, hints: Hints) -> Option<Result<Found>> {
    let port = match service.map(CStr::to_bytes) {
        None => 0,
        Some(digits) if !digits.iter().all(u8::is_ascii_digit) => return None,
        // A system may take the port that is left of a larger number.
        Some(digits) => match str::from_utf8(digits).ok()?.parse::<u16>() {
            Ok(port) => port,
            Err(_) => return Some(Err(Error::EAI_SERVICE)),
        },
    };
    match host {
        Some(name) => match address::numeric(name, port) {
            Some(address) if hints.allow(&address) => {
                let host = hints.canonical.then(|| name.to_string_lossy().into());
                Some(Ok(Found { addresses: vec![address], host, service: None }))
            }
            Some(_) => Some(Err(Error::EAI_FAMILY)),
            None if hints.numeric => Some(sys::look_up(host, service, hints)),
            None => None,
        },
        None => Some(sys::look_up(host, service, hints)),
    }
}

impl Core {
    /// A look-up whose result is the number of addresses found.
    pub fn resolve(
        &mut self,
        host: Option<&CStr>,
        service: Option<&CStr>,
        hints: Hints,
        notify: Notify,
    ) -> Result<Handle> {
        if host.is_none() && service.is_none() {
            return Err(Error::EINVAL);
        }
        check(host, service)?;
        let known = known(host, service, hints);
        self.start_look_up(known, notify, |core, future| {
            look_up_on_pool(core, host, service, hints, move |core, found| core.look_up_done(future, found))
        })
    }

    /// A look-up of the names that belong to an address and its port; the result is 0.
    pub fn resolve_name(&mut self, address: SocketAddr, flags: NameFlags, notify: Notify) -> Result<Handle> {
        if flags.required && flags.numeric_host {
            return Err(Error::EINVAL);
        }
        let known = (flags.numeric_host && flags.numeric_service).then(|| sys::look_up_name(address, flags));
        self.start_look_up(known, notify, |core, future| {
            ask_on_pool(
                core,
                Lane::Names,
                move || sys::look_up_name(address, flags),
                move |core, found| core.look_up_done(future, found),
            )
        })
    }

    fn start_look_up(
        &mut self,
        known: Option<Result<Found>>,
        notify: Notify,
        ask: impl FnOnce(&Core, Handle) -> Result<Arc<Job>>,
    ) -> Result<Handle> {
        let future = self.insert_future(Op::Over, self.handle, notify)?;
        if let Some(known) = known {
            self.look_up_done(future, known);
            return Ok(future);
        }
        match ask(self, future) {
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

    fn look_up_done(&mut self, handle: Handle, found: Result<Found>) {
        let result = match found {
            Ok(found) => {
                let count = found.addresses.len() as i64;
                if let Ok(future) = self.future_mut(handle)
                    && future.is_pending()
                {
                    future.op = Op::Found(Box::new(found));
                }
                count
            }
            Err(error) => error.code(),
        };
        self.complete(handle, result);
    }

    /// What a look-up found.
    pub fn found(&mut self, handle: Handle) -> Result<&Found> {
        let future = self.future_mut(handle)?;
        let failed = future.look().is_ok_and(|result| result < 0);
        match &future.op {
            Op::Found(found) => Ok(found),
            Op::LookUp(_) => Err(Error::EAGAIN),
            // A look-up that failed has found nothing; any other future never could.
            _ if failed => Err(Error::EINVAL),
            _ => Err(Error::EKIND),
        }
    }

    /// What a look-up of addresses found.
    pub fn found_addresses(&mut self, handle: Handle) -> Result<&[SocketAddr]> {
        let found = self.found(handle)?;
        if found.service.is_some() { Err(Error::EKIND) } else { Ok(&found.addresses) }
    }

    /// The service that a look-up of names found.
    pub fn found_service(&mut self, handle: Handle) -> Result<&str> {
        self.found(handle)?.service.as_deref().ok_or(Error::EKIND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_below_localhost_are_local() {
        for name in [c"localhost", c"LocalHost", c"localhost.", c"a.localhost", c"a.b.localhost."] {
            assert!(is_local(name), "{name:?}");
        }
        for name in [c"", c".", c"host", c"xlocalhost", c"localhost.org", c"localhost.."] {
            assert!(!is_local(name), "{name:?}");
        }
    }

    #[test]
    fn a_system_without_localhost_has_it_all_the_same() {
        let found = look_up_loopback(Some(c"80"), Hints { canonical: true, ..Hints::default() }).unwrap();
        assert_eq!(found.addresses, ["127.0.0.1:80", "[::1]:80"].map(|text| text.parse().unwrap()));
        assert_eq!(found.host.as_deref(), Some("localhost"));
        let found = look_up_loopback(None, Hints { ipv6: true, ..Hints::default() }).unwrap();
        assert_eq!(found.addresses, ["[::1]:0".parse().unwrap()]);
        assert_eq!((found.host, found.service), (None, None));
    }
}
