// SPDX-License-Identifier: MIT OR Apache-2.0
//! Name look-ups: numeric addresses at once, everything else on the pool's own lane for it.

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::inbox::Message;
use crate::net::address;
use crate::pool::{self, Job, Lane};
use crate::sys::{self, Hints};
use std::ffi::{CStr, CString};
use std::net::SocketAddr;
use std::sync::Arc;

/// A DNS name is at most 253 characters; whatever is much longer is a mistake, not a name.
const LONGEST: usize = 1024;

/// Looks up on the pool; `done` gets the result on the loop, unless the task is given up before.
pub fn look_up_on_pool(
    core: &Core,
    host: Option<&CStr>,
    service: Option<&CStr>,
    hints: Hints,
    done: impl FnOnce(&mut Core, Result<Vec<SocketAddr>>) + Send + 'static,
) -> Result<Arc<Job>> {
    let own = |text: Option<&CStr>| match text {
        Some(text) if text.is_empty() || text.count_bytes() > LONGEST => Err(Error::EINVAL),
        text => Ok(text.map(CStr::to_owned)),
    };
    let (host, service): (Option<CString>, Option<CString>) = (own(host)?, own(service)?);
    let inbox = core.inbox();
    pool::submit(Lane::Names, move || {
        let found = sys::look_up(host.as_deref(), service.as_deref(), hints);
        if pool::is_unwanted() != Some(true) {
            // A loop that is gone does not care any more.
            let _ = inbox.post_from_worker(Message::Apply(Box::new(move |core| done(core, found))));
        }
    })
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
        let future = self.insert_future(Op::Over, self.handle, notify)?;
        let numeric_port = service.map_or(Some(0), |service| service.to_str().ok()?.parse::<u16>().ok());
        if let (Some(host), Some(port)) = (host, numeric_port)
            && let Some(found) = address::numeric(host, port).filter(|found| hints.allow(found))
        {
            self.look_up_done(future, Ok(vec![found]));
            return Ok(future);
        }
        match look_up_on_pool(self, host, service, hints, move |core, found| core.look_up_done(future, found)) {
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

    fn look_up_done(&mut self, handle: Handle, found: Result<Vec<SocketAddr>>) {
        let result = match found {
            Ok(found) => {
                let count = found.len() as i64;
                if let Ok(future) = self.future_mut(handle)
                    && future.is_pending()
                {
                    future.op = Op::Found(found.into());
                }
                count
            }
            Err(error) => error.code(),
        };
        self.complete(handle, result);
    }

    /// One of the addresses that a look-up found.
    pub fn found_address(&mut self, handle: Handle, index: usize) -> Result<SocketAddr> {
        let future = self.future_mut(handle)?;
        let failed = future.look().is_ok_and(|result| result < 0);
        match &future.op {
            Op::Found(found) => found.get(index).copied().ok_or(Error::EINVAL),
            Op::LookUp(_) => Err(Error::EAGAIN),
            // A look-up that failed has no addresses; any other future never had.
            _ if failed => Err(Error::EINVAL),
            _ => Err(Error::EKIND),
        }
    }
}

impl Hints {
    fn allow(&self, address: &SocketAddr) -> bool {
        self.ipv4 == self.ipv6 || self.ipv4 == address.is_ipv4()
    }
}
