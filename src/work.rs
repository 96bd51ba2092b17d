// SPDX-License-Identifier: MIT OR Apache-2.0
//! A caller's function on the pool, as an operation of a loop.

use crate::callback::{Notify, UserData, WorkFunction};
use crate::core::Core;
use crate::error::Result;
use crate::future::Op;
use crate::handle::Handle;
use crate::inbox::Message;
use crate::pool::{self, Lane};

impl Core {
    pub fn work(&mut self, work: WorkFunction, arg: UserData, notify: Notify) -> Result<Handle> {
        let future = self.insert_future(Op::Over, self.handle, notify)?;
        let inbox = self.inbox();
        let run = move || {
            let result = work(arg.pointer());
            // The loop waits for what runs before it goes, so it is there.
            let _ = inbox.post_from_worker(Message::Apply(Box::new(move |core| core.complete(future, result))));
        };
        match pool::submit(Lane::Work, run) {
            Ok(job) => {
                self.future_mut(future)?.op = Op::Work(job);
                Ok(future)
            }
            Err(error) => {
                self.withdraw_future(future);
                Err(error)
            }
        }
    }
}
