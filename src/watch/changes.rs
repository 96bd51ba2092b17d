// SPDX-License-Identifier: MIT OR Apache-2.0
//! What has happened to paths, gathered until it is told: one entry for a path, whatever happened to it how often.

use std::collections::BTreeMap;
use std::ops::{BitOr, Bound};
use std::path::{Path, PathBuf};

/// The bits that callers see.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct What(pub i64);

impl What {
    pub const CREATED: What = What(1);
    pub const MODIFIED: What = What(2);
    pub const REMOVED: What = What(4);
    pub const RENAMED: What = What(8);
    pub const ATTRIBUTES: What = What(16);
    pub const OVERFLOW: What = What(32);
}

impl BitOr for What {
    type Output = What;

    fn bitor(self, other: What) -> What {
        What(self.0 | other.0)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    pub path: PathBuf,
    /// The name it had before it was renamed.
    pub old: Option<PathBuf>,
    pub what: What,
}

impl Change {
    pub fn new(path: PathBuf, what: What) -> Change {
        Change { path, old: None, what }
    }

    pub fn renamed(old: PathBuf, new: PathBuf) -> Change {
        Change { path: new, old: Some(old), what: What::RENAMED }
    }
}

/// How many are kept for one who does not ask for them: beyond that they are counted as lost.
const MOST: usize = 1 << 16;

#[derive(Default)]
pub struct Changes {
    list: Vec<Change>,
    /// The newest entry of a path, to be added to.
    newest: BTreeMap<PathBuf, usize>,
    pub what: What,
}

impl Changes {
    /// Takes in a change. `root`: the path to tell an overflow of.
    pub fn add(&mut self, change: Change, root: impl FnOnce() -> PathBuf) {
        self.what = self.what | change.what;
        let moves = What::REMOVED.0 | What::RENAMED.0;
        if change.what.0 & moves != 0 {
            // What comes below it from now on is another's, and comes after this; this, after what came before.
            let last = self.end_below(&change.path);
            if self.newest.get(&change.path).copied() < last {
                self.newest.remove(&change.path);
            }
        }
        if let (Some(&at), None) = (self.newest.get(&change.path), &change.old) {
            self.list[at].what = self.list[at].what | change.what;
            return;
        }
        if self.list.len() >= MOST {
            if self.list.len() == MOST {
                self.what = self.what | What::OVERFLOW;
                self.list.push(Change::new(root(), What::OVERFLOW));
            }
            return;
        }
        if let Some(old) = &change.old {
            self.end_below(old);
            // Nor are those of the folders it was in: if one is removed that is told after this.
            for place in old.ancestors() {
                self.newest.remove(place);
            }
        }
        self.newest.insert(change.path.clone(), self.list.len());
        self.list.push(change);
    }

    /// The entries of what is below a path are added to no more. Gives the last of them.
    fn end_below(&mut self, path: &Path) -> Option<usize> {
        let from = (Bound::Excluded(path), Bound::Unbounded);
        let below = self.newest.range::<Path, _>(from).take_while(|(other, _)| other.starts_with(path));
        let ended: Vec<PathBuf> = below.map(|(other, _)| other.clone()).collect();
        ended.iter().filter_map(|path| self.newest.remove(path)).max()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn get(&self, index: usize) -> Option<&Change> {
        self.list.get(index)
    }

    pub fn into_list(self) -> Vec<Change> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        "root".into()
    }

    #[test]
    fn what_happens_to_one_path_is_one_entry() {
        let mut changes = Changes::default();
        for what in [What::CREATED, What::MODIFIED, What::MODIFIED] {
            changes.add(Change::new("a".into(), what), root);
        }
        assert_eq!(changes.len(), 1);
        assert_eq!(changes.what, What::CREATED | What::MODIFIED);
        assert_eq!(changes.get(0).unwrap().what, changes.what);
    }

    #[test]
    fn a_name_that_was_left_can_be_another_files() {
        let mut changes = Changes::default();
        changes.add(Change::new("a".into(), What::MODIFIED), root);
        changes.add(Change::renamed("a".into(), "b".into()), root);
        changes.add(Change::new("a".into(), What::CREATED), root);
        changes.add(Change::new("b".into(), What::MODIFIED), root);
        let told: Vec<_> = changes.into_list().into_iter().map(|change| (change.path, change.what)).collect();
        assert_eq!(
            told,
            [
                ("a".into(), What::MODIFIED),
                ("b".into(), What::RENAMED | What::MODIFIED),
                (PathBuf::from("a"), What::CREATED)
            ]
        );
    }

    #[test]
    fn what_comes_below_another_folder_of_the_same_name_comes_after_it() {
        let mut changes = Changes::default();
        changes.add(Change::new("a/x".into(), What::MODIFIED), root);
        changes.add(Change::new("ab".into(), What::MODIFIED), root);
        changes.add(Change::renamed("a".into(), "b".into()), root);
        changes.add(Change::new("a/x".into(), What::CREATED), root);
        changes.add(Change::new("b/x".into(), What::CREATED), root);
        changes.add(Change::new("b".into(), What::REMOVED), root);
        changes.add(Change::new("b/x".into(), What::CREATED), root);
        changes.add(Change::new("ab".into(), What::MODIFIED), root);
        let paths: Vec<_> = changes.into_list().into_iter().map(|change| change.path).collect();
        assert_eq!(paths, ["a/x", "ab", "b", "a/x", "b/x", "b", "b/x"].map(PathBuf::from));
    }

    #[test]
    fn a_folder_is_removed_after_what_happened_in_it() {
        let mut changes = Changes::default();
        changes.add(Change::new("a".into(), What::CREATED), root);
        changes.add(Change::renamed("x".into(), "a/x".into()), root);
        changes.add(Change::new("a".into(), What::REMOVED), root);
        changes.add(Change::new("a".into(), What::CREATED), root);
        let told: Vec<_> = changes.into_list().into_iter().map(|change| (change.path, change.what)).collect();
        let last = What::REMOVED | What::CREATED;
        assert_eq!(told, [("a".into(), What::CREATED), ("a/x".into(), What::RENAMED), (PathBuf::from("a"), last)]);
    }

    #[test]
    fn a_folder_is_removed_after_what_has_left_it() {
        let mut changes = Changes::default();
        changes.add(Change::new("a".into(), What::ATTRIBUTES), root);
        changes.add(Change::renamed("a/b/x".into(), "x".into()), root);
        changes.add(Change::new("a/b".into(), What::REMOVED), root);
        changes.add(Change::new("a".into(), What::REMOVED), root);
        let told: Vec<_> = changes.into_list().into_iter().map(|change| (change.path, change.what)).collect();
        let [before, after] = [What::ATTRIBUTES, What::REMOVED].map(|what| (PathBuf::from("a"), what));
        assert_eq!(told, [before, ("x".into(), What::RENAMED), ("a/b".into(), What::REMOVED), after]);
    }

    #[test]
    fn too_many_are_told_as_lost_and_take_no_memory() {
        let mut changes = Changes::default();
        for number in 0..MOST + 10 {
            changes.add(Change::new(number.to_string().into(), What::CREATED), root);
        }
        assert_eq!(changes.len(), MOST + 1);
        assert_eq!(changes.get(MOST).unwrap(), &Change::new(root(), What::OVERFLOW));
        assert_eq!(changes.what, What::CREATED | What::OVERFLOW);
    }
}
