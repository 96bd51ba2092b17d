// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks: functions that can wait, each on a stack of its own.
//!
//! A task is a future whose operation is the function. It runs until it awaits something that is not done; then it is a
//! waiter of that future, and goes on when the future tells. Cancelling a task cancels what it awaits, so that the
//! await ends and the function can clean up. A task that has begun is never dropped: it runs to its end.

use crate::callback::{Notify, UserData, WorkFunction};
use crate::combine::Verdict;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::{Awaited, Op, State, Waiter};
use crate::handle::Handle;
use crate::stack::{self, Fiber};

pub struct Task {
    function: WorkFunction,
    arg: UserData,
    stack_size: usize,
    /// There between the first step and the last, except while it runs.
    fiber: Option<Fiber>,
    awaits: Option<Awaited>,
    /// Cancelled while it did not wait for anything: the next wait is cancelled.
    cancel_next: bool,
}

impl Task {
    pub fn awaited(&self) -> Option<Handle> {
        self.awaits.map(|awaited| awaited.future)
    }
}

/// How an await goes on.
pub enum Await {
    Done(i64),
    /// The task is to be suspended; when it goes on, `end_await` has the result.
    Suspend(Handle),
}

impl Core {
    /// A task that starts in the next turn; its future is kept.
    pub fn spawn(&mut self, function: WorkFunction, arg: UserData, stack_size: usize) -> Result<Handle> {
        let task = self.new_task(function, arg, stack_size)?;
        let handle = self.insert_future(Op::Task(task), self.handle, Notify::Keep)?;
        self.ready.push_task(handle);
        Ok(handle)
    }

    pub fn new_task(&mut self, function: WorkFunction, arg: UserData, stack_size: usize) -> Result<Box<Task>> {
        let stack_size = stack::round_size(stack_size)?;
        Ok(Box::new(Task { function, arg, stack_size, fiber: None, awaits: None, cancel_next: false }))
    }

    /// What the driver is to resume for the task's next step, if there is one.
    pub fn begin_step(&mut self, handle: Handle) -> Option<Fiber> {
        let future = self.future_mut(handle).ok()?;
        let begun = future.state() == State::Running;
        let Op::Task(task) = &mut future.op else { return None };
        task.awaits = None;
        if let Some(fiber) = task.fiber.take() {
            self.current_task = Some(handle);
            return Some(fiber);
        }
        let (function, arg, stack_size) = (task.function, task.arg, task.stack_size);
        if begun {
            return None;
        }
        match self.stacks.take(stack_size) {
            Ok(stack) => {
                self.future_mut(handle).ok()?.begin();
                self.current_task = Some(handle);
                Some(Fiber::new(stack, move || function(arg.pointer())))
            }
            Err(error) => {
                self.complete(handle, error.code());
                None
            }
        }
    }

    /// The step is over: the function returned, or waits.
    pub fn end_step(&mut self, handle: Handle, fiber: Fiber, result: Option<i64>) {
        self.current_task = None;
        match result {
            Some(result) => {
                self.stacks.put(fiber.into_stack());
                self.complete(handle, result);
            }
            None => {
                if let Some(task) = self.task_mut(handle) {
                    task.fiber = Some(fiber);
                }
            }
        }
    }

    fn task_mut(&mut self, handle: Handle) -> Option<&mut Task> {
        match &mut self.future_mut(handle).ok()?.op {
            Op::Task(task) => Some(task),
            _ => None,
        }
    }

    /// The current task waits for a future of this loop. What it holds of the future goes with the result.
    pub fn begin_await(&mut self, future: Handle) -> Result<Await> {
        let me = self.current_task.ok_or(Error::ENOTASK)?;
        if future.loop_index() != me.loop_index() {
            return Err(Error::EINVAL);
        }
        if future == me {
            return Err(Error::EDEADLK);
        }
        match self.take_result(future) {
            Err(Error::EAGAIN) => {}
            result => return result.map(Await::Done),
        }
        if self.freeing {
            // The task is to come to its end. It waits only for what has to end before it: work that runs, perhaps with
            // memory of its stack.
            let _ = self.cancel(future, Error::ECANCELED);
            match self.take_result(future) {
                Err(Error::EAGAIN) => {}
                result => return Ok(Await::Done(result.unwrap_or(Error::ECANCELED.code()))),
            }
        }
        let awaited = self.wait_in_line(future, Waiter::Task(me))?;
        let Some(task) = self.task_mut(me) else { return Err(Error::ENOTASK) };
        task.awaits = Some(awaited);
        if std::mem::take(&mut task.cancel_next) {
            self.cancel_awaited(me, future);
        }
        Ok(Await::Suspend(future))
    }

    /// The current task goes on when its turn among all that is ready comes.
    pub fn begin_yield(&mut self) -> Result<()> {
        let me = self.current_task.ok_or(Error::ENOTASK)?;
        if self.freeing {
            // Nothing is waited for any more.
            return Err(Error::ECANCELED);
        }
        self.ready.push_task(me);
        Ok(())
    }

    pub fn end_yield(&mut self) -> Result<()> {
        let task = self.current_task.and_then(|me| self.task_mut(me));
        let cancelled = task.is_some_and(|task| std::mem::take(&mut task.cancel_next));
        if cancelled { Err(Error::ECANCELED) } else { Ok(()) }
    }

    /// The result of what the current task waited for.
    pub fn end_await(&mut self, future: Handle) -> Result<i64> {
        self.end_wake(future);
        let result = match self.take_result(future) {
            // Only `end_await_of` ends it before there is a result.
            Err(Error::EAGAIN) => {
                // Nobody may hold it, as when it was started with a function.
                let _ = self.release(future);
                Ok(Error::ECANCELED.code())
            }
            result => result,
        };
        // Cancelled again before it could hear of the first time, it has heard of both now.
        if result == Ok(Error::ECANCELED.code())
            && let Some(task) = self.current_task.and_then(|me| self.task_mut(me))
        {
            task.cancel_next = false;
        }
        result
    }

    /// Asks a task to end. Whether it has ended: one that has not begun never does.
    pub fn cancel_task(&mut self, handle: Handle, reason: Error) -> bool {
        let Ok(future) = self.future_mut(handle) else { return true };
        if future.state() == State::Pending {
            return true;
        }
        // If it ends by being cancelled, this is why.
        future.given_up.get_or_insert(reason);
        let Op::Task(task) = &mut future.op else { return true };
        let awaited = task.awaits.map(|awaited| awaited.future);
        match awaited.filter(|awaited| self.is_pending(*awaited)) {
            Some(awaited) => self.cancel_too(awaited, Some(handle)),
            // It runs, or what it waited for is done already, and that result shall not be lost.
            None => self.cancel_next_await(handle),
        }
        false
    }

    /// A task is cancelled that cannot be now: its next await is.
    pub fn cancel_next_await(&mut self, handle: Handle) {
        if let Some(task) = self.task_mut(handle) {
            task.cancel_next = true;
        }
    }

    /// Ends the await of a task before what it waits for is done.
    pub fn end_await_of(&mut self, handle: Handle) {
        // If that is done, the task is on its way already.
        if let Some(awaited) = self.task_mut(handle).and_then(|task| task.awaits)
            && self.is_pending(awaited.future)
        {
            if self.is_whole(awaited.future) {
                // What gathers into memory of the task's must not do so after that: it ends.
                self.end_whole(awaited.future, Verdict::Result(Error::ECANCELED.code()));
                return;
            }
            // Its place in the line is free for another one, and not to be left again.
            let _ = self.task_mut(handle).map(|task| task.awaits.take());
            self.stop_waiting(awaited);
            self.ready.push_task(handle);
        }
    }

    /// The tasks that are not done.
    pub fn tasks(&self) -> impl Iterator<Item = Handle> {
        self.table.handles().filter(|(_, entry)| entry.is_pending_task()).map(|(handle, _)| handle)
    }
}
