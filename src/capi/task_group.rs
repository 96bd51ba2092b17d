// SPDX-License-Identifier: MIT OR Apache-2.0
//! Task groups: futures that live and end together.

use super::combine::part_for;
use super::types::*;
use super::{done, notify, number, with_core, with_loop_core};
use crate::callback::UserData;
use crate::error::{Error, to_code};
use crate::handle::Handle;
use std::ffi::c_void;

/// Makes a group: tasks and other futures, its children, that end together. Close it with `rondel_close`.
///
/// When a child fails, with any error but `RONDEL_ECANCELED`, the others are cancelled; `rondel_group_join` tells when the
/// last has ended. What the group's maker awaits meanwhile is not cancelled (in asyncio it is, but C has no block that
/// belongs to a group): await the join, or make it a child too.
///
/// Closing it cancels the children; its close notices come after the last of them has ended. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_group_new(r#loop: rondel_loop) -> rondel_group {
    number(with_loop_core(r#loop, |core| core.new_group()))
}

/// Makes a future a child of the group, which takes it: retain it to look at its result later. Gives the same future.
///
/// A code, as a refused call gives, is a child that has failed with it, and comes back; so is a future that is gone
/// (`RONDEL_EGONE`). So a failure of your own ends the group by `rondel_group_add(group, code)`. What is added while the
/// group is being cancelled is cancelled at once.
///
/// Refused, and not taken: `RONDEL_ESTATE` after the join has completed, `RONDEL_EDEADLK` for the group's own join,
/// `RONDEL_EINVAL` for a future of another loop, `RONDEL_EKIND` for what is no future. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_group_add(group: rondel_group, future: rondel_future) -> rondel_future {
    number(with_core(group, |core, group| {
        core.check_group(group)?;
        let child = part_for(group, Handle::from_caller(future))?;
        core.add_to_group(group, child)
    }))
}

/// Spawns a task as a child of the group, as `rondel_task_spawn` and `rondel_group_add` do. Gives its future, which is the
/// group's: retain it to look at its result later.
///
/// Nothing is spawned, and `RONDEL_ECANCELED` comes back, while the group is being cancelled; `RONDEL_ESTATE` after the
/// join has completed. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_group_spawn(group: rondel_group, r#fn: rondel_task_fn, arg: *mut c_void) -> rondel_future {
    number(with_core(group, |core, handle| {
        core.check_group(handle)?;
        core.spawn_in_group(handle, r#fn.ok_or(Error::EINVAL)?, UserData::new(arg))
    }))
}

/// Completes when the last child has ended: with 0, or the error of the first that failed. More may be added meanwhile.
///
/// Cancelled, or over its `rondel_timeout`, it cancels the children, and completes once the last has ended: with the
/// first error if one failed all the same, else with `RONDEL_ECANCELED` or `RONDEL_ETIMEDOUT`. Once a child has failed, or
/// all are done, it cannot be cancelled any more: `RONDEL_ESTATE`; the next await of a task that was to be cancelled so is.
///
/// A group is joined once. When the join has completed, which without a child it does at once, the group takes no children
/// any more: `RONDEL_ESTATE`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_group_join(group: rondel_group, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_future {
    number(with_core(group, |core, handle| core.join_group(handle, notify(r#fn, user_data))))
}

/// Cancels the children, and whatever is still added. That alone is no error for the join.
///
/// Children are cancelled once: after this, or after one has failed, it does nothing. `RONDEL_ESTATE` after the join has
/// completed. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_group_cancel(group: rondel_group) -> i64 {
    done(with_core(group, |core, handle| core.cancel_group(handle)))
}

/// How many children have failed. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_group_error_count(group: rondel_group) -> i64 {
    to_code(with_core(group, |core, handle| core.group_errors(handle).map(|errors| errors.len() as i64)))
}

/// The error of a child, by the order in which they failed; 0 if fewer have. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_group_error(group: rondel_group, index: usize) -> i64 {
    to_code(with_core(group, |core, handle| {
        core.group_errors(handle).map(|errors| errors.get(index).copied().unwrap_or(0))
    }))
}
