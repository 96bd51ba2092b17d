// SPDX-License-Identifier: MIT OR Apache-2.0
//! Work on the pool, a caller's function or the library's own, as an operation of a loop.

use crate::callback::{Notify, UserData, WorkFunction};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::file::Was;
use crate::future::Op;
use crate::handle::Handle;
use crate::inbox::Message;
use crate::lifecycle::Object;
use crate::pool::{self, Lane};
use crate::ready::Step;

impl Core {
    pub fn work(&mut self, work: WorkFunction, arg: UserData, notify: Notify) -> Result<Handle> {
        self.run_on_pool(Lane::Work, self.handle, notify, move || work(arg.pointer()))
    }

    /// Runs `run` on the pool: the future completes with what it gives. Once it runs it completes when it returns, and
    /// only then, so that `run` may use callers' memory.
    pub fn run_on_pool(
        &mut self,
        lane: Lane,
        origin: Handle,
        notify: Notify,
        run: impl FnOnce() -> i64 + Send + 'static,
    ) -> Result<Handle> {
        let future = self.insert_future(Op::Over, origin, notify)?;
        let inbox = self.inbox();
        let submitted = pool::submit(lane, move || {
            let result = run();
            // The loop waits for what runs before it goes, so it is there.
            let _ = inbox.post_from_worker(Message::Done(future, result));
        });
        match submitted {
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

    /// Work is done, which is told in this step.
    pub fn work_done(&mut self, future: Handle, result: i64) -> Step {
        let Ok(state) = self.future_mut(future) else { return Step::Nothing };
        if !state.is_pending() {
            return Step::Nothing;
        }
        let (was, origin) = (state.op.on_file(), state.origin);
        let step = self.complete_now(future, result);
        self.after_on_file(was, origin, future);
        step
    }

    /// In a child after a fork, where the pool's threads are not: cancels what waits for them.
    pub fn forget_workers(&mut self) {
        let waits = |op: &Op| match op {
            Op::Work(_) | Op::LookUp(_) | Op::OnFile(_) | Op::Closing => true,
            Op::Connect(connecting) => connecting.is_looking_up(),
            _ => false,
        };
        let lost = self.table.handles().filter_map(|(handle, entry)| match &entry.object {
            Object::Future(future) if future.is_pending() && waits(&future.op) => {
                Some((!matches!(future.op, Op::OnFile(None)), handle))
            }
            _ => None,
        });
        let mut lost: Vec<(bool, Handle)> = lost.collect();
        // Those that wait for their turn on a file first, lest one begins because the one before it ends.
        lost.sort_by_key(|row| row.0);
        for (_, handle) in lost {
            let _ = self.cancel(handle, Error::ECANCELED);
            // Work that ran would be waited for.
            if self.is_pending(handle) {
                match self.future_mut(handle).map(|future| future.op.on_file()) {
                    Ok(Was::OnFile | Was::Closing) => self.forget_file_work(handle),
                    _ => self.complete(handle, Error::ECANCELED.code()),
                }
            }
        }
    }
}
