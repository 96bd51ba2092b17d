// SPDX-License-Identifier: MIT OR Apache-2.0
//! Handles: numbers that name objects and never reach freed memory.
//!
//! From the low end a handle holds 24 bits of slot, 27 of generation and 12 of loop; it is positive. A slot's
//! generation grows each time its object goes, so an old handle finds nothing. A slot whose generations are used
//! up is retired, so no number ever comes back.
//!
//! The slots of the high end are handed out by the inbox, to threads that may not touch the table.

use crate::error::{Error, Result};

const SLOT_BITS: u32 = 24;
const GENERATION_BITS: u32 = 27;
const LOOP_BITS: u32 = 12;

/// How many loops can live at a time.
pub const LOOPS: usize = 1 << LOOP_BITS;
/// The last generation a slot can have.
pub const LAST_GENERATION: u32 = (1 << GENERATION_BITS) - 1;
const LAST_SLOT: u32 = (1 << SLOT_BITS) - 1;
/// How many slots, from the last one down, are for other threads.
pub const HIGH_SLOTS: u32 = 1 << 20;

/// A number that names an object of a loop. Always positive, as the first generation is 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Handle(i64);

impl Handle {
    fn new(loop_index: usize, generation: u32, slot: u32) -> Handle {
        Handle(
            ((loop_index as i64) << (SLOT_BITS + GENERATION_BITS))
                | (i64::from(generation) << SLOT_BITS)
                | i64::from(slot),
        )
    }

    /// Takes what a caller gave: a negative code goes back as it came, so that calls chain.
    pub fn from_caller(number: i64) -> Result<Handle> {
        match number {
            0 => Err(Error::EINVAL),
            n => Error::from_code(n).map_or(Ok(Handle(n)), Err),
        }
    }

    pub fn number(self) -> i64 {
        self.0
    }

    pub fn loop_index(self) -> usize {
        (self.0 >> (SLOT_BITS + GENERATION_BITS)) as usize & (LOOPS - 1)
    }

    /// The handle of the same loop and generation in a slot of the high end, counted from the last one.
    pub fn high(self, place: u32) -> Handle {
        Handle::new(self.loop_index(), self.generation(), LAST_SLOT - place)
    }

    /// No smaller than any that a loop gave out which was there before.
    #[inline]
    pub fn generation(self) -> u32 {
        (self.0 >> SLOT_BITS) as u32 & LAST_GENERATION
    }

    fn slot(self) -> u32 {
        self.0 as u32 & LAST_SLOT
    }

    /// The number under which the reactor knows the object: on a 32-bit machine the slot and 8 bits of generation.
    pub fn key(self) -> usize {
        self.0 as usize
    }
}

struct Slot<T> {
    generation: u32,
    next_free: u32,
    object: Option<T>,
}

const NO_SLOT: u32 = u32::MAX;

/// The objects of one loop, by handle.
pub struct Table<T> {
    loop_index: usize,
    first_generation: u32,
    highest_generation: u32,
    free: u32,
    live: usize,
    slots: Vec<Slot<T>>,
    /// Those of the high end, from the last one down.
    high: Vec<Slot<T>>,
    /// Handles of theirs that can be handed out again.
    high_free: Vec<Handle>,
}

impl<T> Table<T> {
    /// `first_generation` lies beyond every generation that an earlier loop of this index gave out.
    pub fn new(loop_index: usize, first_generation: u32) -> Table<T> {
        Table {
            loop_index,
            first_generation,
            highest_generation: first_generation,
            free: NO_SLOT,
            live: 0,
            slots: Vec::new(),
            high: Vec::new(),
            high_free: Vec::new(),
        }
    }

    pub fn insert(&mut self, object: T) -> Result<Handle> {
        self.make_room()?;
        Ok(self.place(object))
    }

    /// Makes sure that there is a place for one more object.
    #[inline]
    pub fn make_room(&mut self) -> Result<()> {
        if self.free == NO_SLOT { self.grow() } else { Ok(()) }
    }

    /// Places an object for which room was made. It is made where it is to stand only if no error can come in between.
    #[inline(always)]
    pub fn place(&mut self, object: T) -> Handle {
        let index = self.free;
        let slot = &mut self.slots[index as usize];
        self.free = slot.next_free;
        slot.object = Some(object);
        self.live += 1;
        Handle::new(self.loop_index, slot.generation, index)
    }

    /// Places an object under a handle that another thread was given.
    pub fn place_high(&mut self, handle: Handle, object: T) -> Result<()> {
        let place = (LAST_SLOT - handle.slot()) as usize;
        if place >= HIGH_SLOTS as usize {
            return Err(Error::EGONE);
        }
        let missing = (place + 1).saturating_sub(self.high.len());
        // Freeing a slot must not fail for want of memory.
        let reserved = self.high.try_reserve(missing).and_then(|()| self.high_free.try_reserve(place + 1));
        reserved.map_err(|_| Error::ENOMEM)?;
        for _ in 0..missing {
            self.high.push(Slot { generation: self.first_generation, next_free: NO_SLOT, object: None });
        }
        let slot = &mut self.high[place];
        if slot.generation != handle.generation() || slot.object.is_some() {
            return Err(Error::EGONE);
        }
        slot.object = Some(object);
        self.live += 1;
        Ok(())
    }

    /// Handles of the high end whose objects are gone: the next ones of their slots.
    pub fn high_free(&mut self) -> &mut Vec<Handle> {
        &mut self.high_free
    }

    /// The handle of an object that has come and gone already. Room was made for it.
    #[inline]
    pub fn spend(&mut self) -> Handle {
        let index = self.free;
        let slot = &mut self.slots[index as usize];
        self.free = slot.next_free;
        self.live += 1;
        let handle = Handle::new(self.loop_index, slot.generation, index);
        self.free_slot(handle);
        handle
    }

    #[cold]
    fn grow(&mut self) -> Result<()> {
        let index = self.slots.len() as u32;
        if index > LAST_SLOT - HIGH_SLOTS || self.slots.try_reserve(1).is_err() {
            return Err(Error::ENOMEM);
        }
        self.slots.push(Slot { generation: self.first_generation, next_free: NO_SLOT, object: None });
        self.free = index;
        Ok(())
    }

    #[inline(always)]
    fn slot(&self, index: u32) -> Option<&Slot<T>> {
        match self.slots.get(index as usize) {
            None => self.high_slot(index),
            slot => slot,
        }
    }

    #[inline(always)]
    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot<T>> {
        if (index as usize) < self.slots.len() { self.slots.get_mut(index as usize) } else { self.high_slot_mut(index) }
    }

    #[cold]
    fn high_slot(&self, index: u32) -> Option<&Slot<T>> {
        self.high.get((LAST_SLOT - index) as usize)
    }

    #[cold]
    fn high_slot_mut(&mut self, index: u32) -> Option<&mut Slot<T>> {
        self.high.get_mut((LAST_SLOT - index) as usize)
    }

    #[inline]
    pub fn get(&self, handle: Handle) -> Result<&T> {
        match self.slot(handle.slot()) {
            Some(Slot { generation, object: Some(object), .. }) if *generation == handle.generation() => Ok(object),
            _ => Err(Error::EGONE),
        }
    }

    #[inline]
    pub fn get_mut(&mut self, handle: Handle) -> Result<&mut T> {
        match self.slot_mut(handle.slot()) {
            Some(Slot { generation, object: Some(object), .. }) if *generation == handle.generation() => Ok(object),
            _ => Err(Error::EGONE),
        }
    }

    pub fn remove(&mut self, handle: Handle) -> Option<T> {
        let object = self.get_slot(handle)?.object.take();
        self.free_slot(handle);
        object
    }

    /// As `remove`, for an object that nobody wants: it is dropped where it is.
    #[inline]
    pub fn discard(&mut self, handle: Handle) {
        if let Some(slot) = self.get_slot(handle) {
            slot.object = None;
            self.free_slot(handle);
        }
    }

    /// As `discard`, in one go with a look at the object: only if `spent` says that it owns nothing, so that there is
    /// nothing to drop. Whether it did.
    #[inline]
    pub fn forget_if(&mut self, handle: Handle, spent: impl FnOnce(&T) -> bool) -> bool {
        let index = handle.slot();
        let Some(slot) = self.slots.get_mut(index as usize) else { return false };
        match &slot.object {
            Some(object) if slot.generation == handle.generation() && spent(object) => {}
            _ => return false,
        }
        std::mem::forget(slot.object.take());
        self.live -= 1;
        slot.generation += 1;
        self.highest_generation = self.highest_generation.max(slot.generation);
        if slot.generation < LAST_GENERATION {
            slot.next_free = self.free;
            self.free = index;
        }
        true
    }

    #[inline]
    fn get_slot(&mut self, handle: Handle) -> Option<&mut Slot<T>> {
        let slot = self.slot_mut(handle.slot())?;
        (slot.generation == handle.generation() && slot.object.is_some()).then_some(slot)
    }

    #[inline]
    fn free_slot(&mut self, handle: Handle) {
        let index = handle.slot();
        let Some(slot) = self.slots.get_mut(index as usize) else { return self.free_high_slot(handle) };
        self.live -= 1;
        slot.generation += 1;
        self.highest_generation = self.highest_generation.max(slot.generation);
        if slot.generation < LAST_GENERATION {
            slot.next_free = self.free;
            self.free = index;
        }
    }

    #[cold]
    fn free_high_slot(&mut self, handle: Handle) {
        let Some(slot) = self.high_slot_mut(handle.slot()) else { return };
        slot.generation += 1;
        let generation = slot.generation;
        self.live -= 1;
        self.highest_generation = self.highest_generation.max(generation);
        if generation < LAST_GENERATION {
            self.high_free.push(Handle::new(self.loop_index, generation, handle.slot()));
        }
    }

    /// The handle behind a number the reactor reports, if its object still lives.
    #[inline]
    pub fn by_key(&self, key: usize) -> Option<Handle> {
        let index = key as u32 & LAST_SLOT;
        let slot = self.slot(index)?;
        let handle = Handle::new(self.loop_index, slot.generation, index);
        (slot.object.is_some() && handle.key() == key).then_some(handle)
    }

    pub fn live(&self) -> usize {
        self.live
    }

    pub fn handles(&self) -> impl Iterator<Item = (Handle, &T)> {
        let low = (0..).zip(&self.slots);
        let high = (0..=LAST_SLOT).rev().zip(&self.high);
        low.chain(high).filter_map(|(index, slot)| {
            slot.object.as_ref().map(|object| (Handle::new(self.loop_index, slot.generation, index), object))
        })
    }

    /// A generation that no handle of this table has had.
    pub fn unused_generation(&self) -> u32 {
        self.highest_generation + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_object_is_gone_for_its_old_handle() {
        let mut table = Table::new(3, 1);
        let first = table.insert('a').unwrap();
        assert_eq!(table.remove(first), Some('a'));
        assert_eq!(table.remove(first), None);
        let second = table.insert('b').unwrap();
        assert_eq!(first.slot(), second.slot());
        assert_eq!(table.get(first), Err(Error::EGONE));
        assert_eq!(table.get(second), Ok(&'b'));
        assert_eq!(table.by_key(second.key()), Some(second));
        assert_eq!(table.by_key(first.key()), None);
        table.discard(second);
        table.discard(second);
        assert_eq!((table.get(second), table.live()), (Err(Error::EGONE), 0));
        let spent = table.spend();
        assert_eq!((table.get(spent), table.live()), (Err(Error::EGONE), 0));
        assert_ne!(table.insert('c'), Ok(spent));
    }

    #[test]
    fn a_slot_is_retired_before_a_generation_repeats() {
        let mut table = Table::new(0, LAST_GENERATION - 2);
        let a = table.insert(()).unwrap();
        table.remove(a);
        let b = table.insert(()).unwrap();
        assert_eq!(a.slot(), b.slot());
        table.remove(b);
        let c = table.insert(()).unwrap();
        assert_ne!(b.slot(), c.slot());
        assert_ne!(a, c);
    }

    #[test]
    fn a_handle_of_the_high_end_is_used_once_and_then_the_next_of_its_slot() {
        let mut table = Table::new(3, 5);
        let low = table.insert('a').unwrap();
        let high = low.high(2);
        assert_eq!(table.get(high), Err(Error::EGONE));
        assert_eq!(table.place_high(low, 'b'), Err(Error::EGONE));
        assert_eq!(table.place_high(high, 'b'), Ok(()));
        assert_eq!(table.place_high(high, 'c'), Err(Error::EGONE));
        assert_eq!((table.get(high), table.get(low.high(1)), table.live()), (Ok(&'b'), Err(Error::EGONE), 2));
        assert_eq!(table.by_key(high.key()), Some(high));
        assert!(table.handles().map(|(handle, object)| (handle, *object)).eq([(low, 'a'), (high, 'b')]));
        table.discard(high);
        assert_eq!((table.get(high), table.live()), (Err(Error::EGONE), 1));
        assert_eq!(table.place_high(high, 'd'), Err(Error::EGONE));
        let again = table.high_free().pop().unwrap();
        assert_eq!(again.slot(), high.slot());
        assert_eq!(table.place_high(again, 'e'), Ok(()));
        assert_eq!(table.unused_generation(), 7);
    }

    #[test]
    fn a_handle_is_positive_and_tells_its_parts() {
        let handle = Handle::new(LOOPS - 1, LAST_GENERATION, LAST_SLOT);
        assert!(handle.number() > 0);
        assert_eq!((handle.loop_index(), handle.generation(), handle.slot()), (LOOPS - 1, LAST_GENERATION, LAST_SLOT));
        assert_eq!(Handle::from_caller(-22), Err(Error::EINVAL));
        assert_eq!(Handle::from_caller(0), Err(Error::EINVAL));
    }
}
