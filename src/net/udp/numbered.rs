// SPDX-License-Identifier: MIT OR Apache-2.0
//! A line out of whose middle things can be taken: each has a number, by which its place is found.

use crate::error::{Error, Result};
use std::collections::VecDeque;

pub struct Numbered<T> {
    /// Ascending numbers, which begin anew some time. A place whose thing was taken out stays empty until its turn comes,
    /// or until too many are; the first one never is.
    places: VecDeque<(u32, Option<T>)>,
    next: u32,
    count: usize,
}

impl<T> Default for Numbered<T> {
    fn default() -> Numbered<T> {
        Numbered { places: VecDeque::new(), next: 0, count: 0 }
    }
}

/// In a shorter line, empty places are not worth the search.
const WORTH_SEARCHING: usize = 32;

impl<T> Numbered<T> {
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// The number that the next thing will have.
    pub fn next_number(&self) -> u32 {
        self.next
    }

    /// Has room for one more, or fails for want of memory.
    pub fn make_room(&mut self) -> Result<()> {
        self.places.try_reserve(1).map_err(|_| Error::ENOMEM)
    }

    /// Puts a thing at the end; its number.
    pub fn push(&mut self, thing: T) -> u32 {
        let number = self.next;
        self.places.push_back((number, Some(thing)));
        self.next = number.wrapping_add(1);
        self.count += 1;
        number
    }

    /// Takes the first one out.
    pub fn pop(&mut self) -> Option<T> {
        let (_, thing) = self.places.pop_front()?;
        self.count -= 1;
        self.clear_up();
        thing
    }

    /// Takes out what belongs together and stands together, from this number on or, if that has left, from the first.
    pub fn take_out(&mut self, number: u32, belongs: impl Fn(&T) -> bool, mut taken: impl FnMut(T)) {
        let first = self.places.partition_point(|(other, _)| (other.wrapping_sub(number) as i32) < 0);
        for (_, place) in self.places.range_mut(first..) {
            if !place.as_ref().is_some_and(&belongs) {
                break;
            }
            place.take().into_iter().for_each(&mut taken);
            self.count -= 1;
        }
        self.clear_up();
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> + Clone {
        self.places.iter().filter_map(|(_, thing)| thing.as_ref())
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().filter_map(|(_, thing)| thing.as_mut())
    }

    fn clear_up(&mut self) {
        while let Some((_, None)) = self.places.front() {
            self.places.pop_front();
        }
        if self.places.len() > WORTH_SEARCHING && self.count < self.places.len() / 2 {
            self.places.retain(|(_, thing)| thing.is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(things: &[u32], first_number: u32) -> (Numbered<u32>, Vec<u32>) {
        let mut line = Numbered { next: first_number, ..Numbered::default() };
        let numbers = things.iter().map(|thing| line.push(*thing)).collect();
        (line, numbers)
    }

    fn take_out(line: &mut Numbered<u32>, number: u32, thing: u32) -> usize {
        let before = line.count();
        line.take_out(number, |other| *other == thing, |taken| assert_eq!(taken, thing));
        before - line.count()
    }

    #[test]
    fn what_is_taken_out_is_found_wherever_the_numbers_are() {
        for first_number in [0, u32::MAX - 500, u32::MAX / 2 - 500] {
            let things: Vec<u32> = (0..1000).collect();
            let (mut line, numbers) = line_of(&things, first_number);
            for thing in (0..1000).map(|n| (n * 377) % 1000).filter(|thing| thing % 5 != 0) {
                assert_eq!(take_out(&mut line, numbers[thing as usize], thing + 1000), 0);
                assert_eq!(take_out(&mut line, numbers[thing as usize], thing), 1);
                assert_eq!(take_out(&mut line, numbers[thing as usize], thing), 0);
                assert!(line.places.len() <= 2 * line.count() + WORTH_SEARCHING);
            }
            let left: Vec<u32> = line.iter().copied().collect();
            assert_eq!(left, (0..1000).filter(|thing| thing % 5 == 0).collect::<Vec<_>>());
            for thing in left {
                assert_eq!(line.pop(), Some(thing));
            }
            assert!(line.pop().is_none() && line.is_empty() && line.places.is_empty());
        }
    }

    #[test]
    fn what_belongs_together_goes_together_also_when_its_first_have_left() {
        let (mut line, numbers) = line_of(&[1, 1, 2, 2, 2, 3, 2], u32::MAX - 3);
        assert_eq!((line.pop(), line.pop(), line.pop()), (Some(1), Some(1), Some(2)));
        assert_eq!(take_out(&mut line, numbers[2], 2), 2);
        assert_eq!(line.iter().copied().collect::<Vec<_>>(), [3, 2]);
        assert_eq!(take_out(&mut line, numbers[2], 2), 0);
        assert_eq!(take_out(&mut line, numbers[0], 1), 0);
    }
}
