// SPDX-License-Identifier: MIT OR Apache-2.0
//! Queues: items on their way from those who put to those who get.

use super::types::*;
use super::{done, notify, number, with_core, with_loop_core};
use crate::error::{Error, Result, to_code};
use crate::sync::queue::Order;
use std::ffi::{c_int, c_void};

/// Makes a queue that holds up to `capacity` items (0: any number) and gives them out in the order that `how` names, a
/// `RONDEL_QUEUE_`.
///
/// An item is a number, 0 or more, so that it can be a result: an index, a handle, or `(int64_t)(uintptr_t)pointer`.
/// (Where pointers may have their highest bit set, as tagged ones of Android have, shift them right by one.)
///
/// `rondel_close` ends it: who waits gets `RONDEL_ECANCELED`, and items that are still in it are dropped. See
/// `rondel_queue_shutdown` for a milder end. `RONDEL_EINVAL` for a negative capacity or another order. Loop thread
/// only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_queue_new(r#loop: rondel_loop, capacity: i64, how: c_int) -> rondel_queue {
    number(with_loop_core(r#loop, |core| core.new_queue(capacity, order(how)?)))
}

fn order(how: c_int) -> Result<Order> {
    match how {
        RONDEL_QUEUE_FIFO => Ok(Order::FirstIn),
        RONDEL_QUEUE_LIFO => Ok(Order::LastIn),
        RONDEL_QUEUE_PRIORITY => Ok(Order::Priority),
        _ => Err(Error::EINVAL),
    }
}

/// Puts an item into a queue, waiting while it is full: the result is 0. In a queue by priority it has priority 0.
///
/// Those who wait come in the order in which they began to. An item whose put is cancelled or times out is not in the
/// queue. Waiting does not keep `rondel_run` going. `RONDEL_EINVAL` for a negative item, `RONDEL_ESHUTDOWN` after
/// `rondel_queue_shutdown`, and as the result if that comes while it waits. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_queue_put(
    queue: rondel_queue,
    item: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(queue, |core, handle| core.put(handle, None, item, notify(r#fn, user_data))))
}

/// As `rondel_queue_put`, with a priority: a lower one is got first. `RONDEL_EINVAL` if the queue is of another order.
/// Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_queue_put_priority(
    queue: rondel_queue,
    priority: i64,
    item: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(queue, |core, handle| core.put(handle, Some(priority), item, notify(r#fn, user_data))))
}

/// Puts an item if there is room: 0, or `RONDEL_EAGAIN` if the queue is full. Otherwise as `rondel_queue_put`. Loop
/// thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_queue_try_put(queue: rondel_queue, item: i64) -> i64 {
    done(with_core(queue, |core, handle| core.try_put(handle, None, item)))
}

/// Puts an item with a priority if there is room: 0, or `RONDEL_EAGAIN` if the queue is full. Otherwise as
/// `rondel_queue_put_priority`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_queue_try_put_priority(queue: rondel_queue, priority: i64, item: i64) -> i64 {
    done(with_core(queue, |core, handle| core.try_put(handle, Some(priority), item)))
}

/// Takes an item out of a queue, waiting while it is empty: the result is the item.
///
/// Those who wait get the items in the order in which they came: each the next that is put. No item is lost: one whose
/// future was let go before anybody heard of its result (by a function, an await, `rondel_future_result`…) goes back to
/// its place or to the next who waits, also when the get was done just before it was cancelled. Waiting does not keep
/// `rondel_run` going.
///
/// `RONDEL_ESHUTDOWN` if the queue is empty after `rondel_queue_shutdown`, and as the result if that comes while it
/// waits. `RONDEL_EINVAL` if `fn` is NULL: nobody would get the item. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_queue_get(queue: rondel_queue, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_future {
    number(with_core(queue, |core, handle| core.get(handle, notify(r#fn, user_data))))
}

/// Takes an item out of a queue and gives it; `RONDEL_EAGAIN` if there is none, `RONDEL_ESHUTDOWN` if there will be
/// none. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_queue_try_get(queue: rondel_queue) -> i64 {
    to_code(with_core(queue, |core, handle| core.try_get(handle)))
}

/// How many items are in the queue; those of puts that wait are not. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_queue_size(queue: rondel_queue) -> i64 {
    to_code(with_core(queue, |core, handle| core.queue_size(handle)))
}

/// Says that what an item that was got stood for is done: see `rondel_queue_join`.
///
/// `RONDEL_ESTATE` if it was said of every item that was put. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_queue_task_done(queue: rondel_queue) -> i64 {
    done(with_core(queue, |core, handle| core.task_done(handle)))
}

/// Waits until `rondel_queue_task_done` was called for every item that was put: the result is 0.
///
/// Waiting does not keep `rondel_run` going. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_queue_join(queue: rondel_queue, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_future {
    number(with_core(queue, |core, handle| core.join_queue(handle, notify(r#fn, user_data))))
}

/// Ends a queue in order: nothing more can be put, and puts that wait end with `RONDEL_ESHUTDOWN`; what is in it can be
/// got, and then gets end so as well.
///
/// With `immediate` what is in it is dropped, and counts as done for `rondel_queue_join`. It may be called again. Loop
/// thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_queue_shutdown(queue: rondel_queue, immediate: c_int) -> i64 {
    done(with_core(queue, |core, handle| core.shut_queue(handle, immediate != 0)))
}
