// SPDX-License-Identifier: MIT OR Apache-2.0
//! Queues: items on their way from those who put to those who get.
//!
//! An item goes straight to a get that waits. It is not lost there either: until somebody has heard of that get's
//! result, its future knows which place the item had, and gives it back if it is let go unheard.

use super::{Claim, Line, Waiting, check_hearer};
use crate::callback::Notify;
use crate::core::Core;
use crate::dump::count;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Order {
    FirstIn,
    LastIn,
    Priority,
}

/// Where an item stands: the lower priority first, then the earlier put.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    priority: i64,
    number: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    rank: Rank,
    value: i64,
}

enum Items {
    /// In the order of the puts.
    FirstIn(VecDeque<Item>),
    LastIn(VecDeque<Item>),
    Priority(BinaryHeap<Reverse<Item>>),
}

impl Items {
    fn new(order: Order) -> Items {
        match order {
            Order::FirstIn => Items::FirstIn(VecDeque::new()),
            Order::LastIn => Items::LastIn(VecDeque::new()),
            Order::Priority => Items::Priority(BinaryHeap::new()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Items::FirstIn(items) | Items::LastIn(items) => items.len(),
            Items::Priority(heap) => heap.len(),
        }
    }

    fn reserve(&mut self) -> Result<()> {
        let reserved = match self {
            Items::FirstIn(items) | Items::LastIn(items) => items.try_reserve(1),
            Items::Priority(heap) => heap.try_reserve(1),
        };
        reserved.map_err(|_| Error::ENOMEM)
    }

    fn push(&mut self, item: Item) {
        match self {
            Items::FirstIn(items) | Items::LastIn(items) => items.push_back(item),
            Items::Priority(heap) => heap.push(Reverse(item)),
        }
    }

    /// Puts an item back to where it was.
    fn put_back(&mut self, item: Item) {
        match self {
            Items::FirstIn(items) | Items::LastIn(items) => {
                let place = items.partition_point(|other| other.rank.number < item.rank.number);
                items.insert(place, item);
            }
            Items::Priority(heap) => heap.push(Reverse(item)),
        }
    }

    fn pop(&mut self) -> Option<Item> {
        match self {
            Items::FirstIn(items) => items.pop_front(),
            Items::LastIn(items) => items.pop_back(),
            Items::Priority(heap) => heap.pop().map(|Reverse(item)| item),
        }
    }
}

pub struct Queue {
    items: Items,
    /// More wait to be put; `usize::MAX` when there is always room.
    capacity: usize,
    /// Items put so far.
    puts: u64,
    /// Items that nobody has said to be done with.
    unfinished: u64,
    shut: bool,
    /// The items were given up, and those that come back are.
    discards: bool,
    pub putting: Waiting,
    pub getting: Waiting,
    pub joining: Waiting,
}

impl Queue {
    fn is_full(&self) -> bool {
        self.items.len() >= self.capacity
    }

    /// Takes in a new item, for which there is room. It is to be stored, or given to a get that waits.
    fn take_in(&mut self, priority: i64, value: i64) -> Item {
        self.puts += 1;
        self.unfinished += 1;
        Item { rank: Rank { priority, number: self.puts }, value }
    }

    /// Whether an item may be put, and it and its priority make sense here. What there is no priority for has 0.
    fn check_put(&self, priority: Option<i64>, value: i64) -> Result<i64> {
        if value < 0 || (priority.is_some() && !matches!(self.items, Items::Priority(_))) {
            return Err(Error::EINVAL);
        }
        if self.shut { Err(Error::ESHUTDOWN) } else { Ok(priority.unwrap_or(0)) }
    }
}

impl Queue {
    /// In words.
    pub fn doing(&self) -> String {
        let (putting, getting) = (self.putting.count(), self.getting.count());
        let shut = if self.shut { ", shut" } else { "" };
        let items = count(self.items.len(), "item", "items");
        format!("{items}, {putting} putting, {getting} getting, {} unfinished{shut}", self.unfinished)
    }
}

impl Core {
    /// `capacity` 0: there is always room.
    pub fn new_queue(&mut self, capacity: i64, order: Order) -> Result<Handle> {
        let capacity = match capacity {
            ..0 => return Err(Error::EINVAL),
            0 => usize::MAX,
            _ => usize::try_from(capacity).unwrap_or(usize::MAX),
        };
        let queue = Queue {
            items: Items::new(order),
            capacity,
            puts: 0,
            unfinished: 0,
            shut: false,
            discards: false,
            putting: Waiting::default(),
            getting: Waiting::default(),
            joining: Waiting::default(),
        };
        self.insert(Kind::Queue, Object::Queue(Box::new(queue)))
    }

    fn queue_mut(&mut self, handle: Handle) -> Result<&mut Queue> {
        match &mut self.open_entry(handle)?.object {
            Object::Queue(queue) => Ok(queue),
            _ => Err(Error::EKIND),
        }
    }

    pub fn queue_size(&mut self, handle: Handle) -> Result<i64> {
        Ok(self.queue_mut(handle)?.items.len() as i64)
    }

    pub fn put(&mut self, handle: Handle, priority: Option<i64>, value: i64, notify: Notify) -> Result<Handle> {
        // Nothing may fail any more once the item is in the queue.
        self.make_room()?;
        match self.try_put(handle, priority, value) {
            Ok(()) => self.insert_done(Op::Over, handle, notify, 0),
            Err(Error::EAGAIN) => {
                let claim = Claim::Put { priority: priority.unwrap_or(0), value };
                self.line_up(handle, claim, notify)
            }
            Err(error) => Err(error),
        }
    }

    pub fn try_put(&mut self, handle: Handle, priority: Option<i64>, value: i64) -> Result<()> {
        let queue = self.queue_mut(handle)?;
        let priority = queue.check_put(priority, value)?;
        if queue.is_full() {
            return Err(Error::EAGAIN);
        }
        queue.items.reserve()?;
        let item = queue.take_in(priority, value);
        if queue.getting.line.is_empty() {
            queue.items.push(item);
        } else {
            self.give_or_keep(handle, item);
        }
        Ok(())
    }

    /// Gives an item to a get that waits, or to its place in the queue.
    fn give_or_keep(&mut self, handle: Handle, item: Item) {
        match self.next_in_line(handle, Line::Get) {
            Some(get) => {
                if let Ok(future) = self.future_mut(get) {
                    future.op = Op::Got(item.rank);
                }
                self.complete(get, item.value);
            }
            None => {
                if let Ok(queue) = self.queue_mut(handle) {
                    queue.items.put_back(item);
                }
            }
        }
    }

    pub fn get(&mut self, handle: Handle, notify: Notify) -> Result<Handle> {
        let queue = self.queue_mut(handle)?;
        check_hearer(notify)?;
        let Some(item) = queue.items.pop() else {
            return if queue.shut { Err(Error::ESHUTDOWN) } else { self.line_up(handle, Claim::Get, notify) };
        };
        let others_wait = !queue.putting.line.is_empty();
        match self.insert_done(Op::Got(item.rank), handle, notify, item.value) {
            Ok(future) => {
                if others_wait {
                    self.fill_up(handle);
                }
                Ok(future)
            }
            Err(error) => {
                self.queue_mut(handle)?.items.put_back(item);
                Err(error)
            }
        }
    }

    pub fn try_get(&mut self, handle: Handle) -> Result<i64> {
        let queue = self.queue_mut(handle)?;
        let Some(item) = queue.items.pop() else {
            return Err(if queue.shut { Error::ESHUTDOWN } else { Error::EAGAIN });
        };
        if !queue.putting.line.is_empty() {
            self.fill_up(handle);
        }
        Ok(item.value)
    }

    /// There may be room for a put that waits: for one, as one item was taken.
    fn fill_up(&mut self, handle: Handle) {
        if self.queue_mut(handle).is_ok_and(|queue| queue.is_full()) {
            return;
        }
        let Some(put) = self.next_in_line(handle, Line::Put) else { return };
        let Ok(&Op::InLine(Claim::Put { priority, value })) = self.future_mut(put).map(|future| &future.op) else {
            return;
        };
        if let Ok(queue) = self.queue_mut(handle) {
            // There was an item, so no get waits.
            let item = queue.take_in(priority, value);
            queue.items.push(item);
        }
        self.complete(put, 0);
    }

    /// A get was let go before anybody had heard of its item.
    #[cold]
    pub fn give_back(&mut self, handle: Handle, rank: Rank, value: i64) {
        let Ok(queue) = self.queue_mut(handle) else { return };
        if queue.discards {
            let _ = self.finish_items(handle, 1);
            return;
        }
        self.give_or_keep(handle, Item { rank, value });
    }

    pub fn task_done(&mut self, handle: Handle) -> Result<()> {
        if self.queue_mut(handle)?.unfinished == 0 {
            return Err(Error::ESTATE);
        }
        self.finish_items(handle, 1)
    }

    fn finish_items(&mut self, handle: Handle, count: u64) -> Result<()> {
        let queue = self.queue_mut(handle)?;
        queue.unfinished = queue.unfinished.saturating_sub(count);
        if queue.unfinished == 0 {
            self.complete_line(handle, Line::Join, |_| 0);
        }
        Ok(())
    }

    pub fn join_queue(&mut self, handle: Handle, notify: Notify) -> Result<Handle> {
        match self.queue_mut(handle)?.unfinished {
            0 => self.insert_done(Op::Over, handle, notify, 0),
            _ => self.line_up(handle, Claim::Join, notify),
        }
    }

    /// Nothing more is put. What is in the queue can still be got, unless it is to be dropped `now`.
    pub fn shut_queue(&mut self, handle: Handle, now: bool) -> Result<()> {
        let queue = self.queue_mut(handle)?;
        queue.shut = true;
        if now {
            queue.discards = true;
            let mut count = 0;
            while queue.items.pop().is_some() {
                count += 1;
            }
            self.finish_items(handle, count)?;
        }
        for line in [Line::Put, Line::Get] {
            self.complete_line(handle, line, |_| Error::ESHUTDOWN.code());
        }
        Ok(())
    }

    pub fn close_queue(&mut self, handle: Handle) {
        for line in [Line::Put, Line::Get, Line::Join] {
            self.cancel_line(handle, line);
        }
    }
}
