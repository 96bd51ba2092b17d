// SPDX-License-Identifier: MIT OR Apache-2.0
//! Worker threads, for what blocks.
//!
//! One pool for the process, in lanes: each kind of work has its own queue and its own limit, so slow name look-ups
//! never hold up files, nor files a caller's work. Threads start when there is more to do than threads that wait for
//! it, and leave when they have had nothing to do for a while, or when the last loop of the process is gone. A process
//! made by fork has a pool of its own, which is empty at first.

use crate::error::{Error, Result};
use crate::sys::{self, per_process::PerProcess};
use std::any::type_name_of_val;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Callers' functions.
    Work,
    /// File operations.
    Files,
    /// Name look-ups.
    Names,
}

pub const LANES: [Lane; 3] = [Lane::Work, Lane::Files, Lane::Names];
/// Most look-ups wait for a server somewhere, not for a processor.
const NAME_THREADS: usize = 16;
/// How many times the limit of a lane there may be threads, with those that wait for what nobody wants any more.
const STAND_INS: usize = 4;
/// What a main thread mostly has, so that callers' functions find as much as they are used to. What is not touched takes
/// no memory.
const CALLERS_STACK: usize = 8 << 20;
const OWN_STACK: usize = 2 << 20;
const PATIENCE: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_millis(10);
/// The most threads a caller may ask for, in one lane.
pub const MOST_THREADS: usize = 1024;

/// A piece of work, shared by the queue and whoever waits for it.
pub struct Job<R: ?Sized = dyn Run> {
    state: AtomicU8,
    desk: &'static Desk,
    /// When it was queued.
    since: i64,
    /// The type of what it runs, which names the functions that it was made in: for people.
    what: &'static str,
    run: R,
}

/// A function that is called once, by whoever comes for it first.
pub trait Run: Send + Sync {
    fn run(&self);
}

impl<F: FnOnce() + Send> Run for Mutex<Option<F>> {
    fn run(&self) {
        let function = self.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(function) = function {
            function();
        }
    }
}

const QUEUED: u8 = 0;
const RUNNING: u8 = 1;
/// Given up before it began: it never runs.
const DROPPED: u8 = 2;
/// Given up while it runs: it may look, and end early.
const UNWANTED: u8 = 3;
const OVER: u8 = 4;

impl Job {
    /// What it is in a word: the function that it was made in, which is of the API mostly, if that can be seen.
    pub fn word(&self) -> &'static str {
        let after = |mark: &str| self.what.split_once(mark).map(|(_, rest)| rest);
        let first = |rest: &'static str| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next();
        match (self.desk.lane, after("::rondel_").and_then(first)) {
            (Lane::Work, _) => "work",
            _ if self.what.contains("::resolve_name::") => "resolve_name",
            _ if self.what.contains("::dns::") => "resolve",
            (_, Some(word)) => word,
            (Lane::Files, None) if self.what.contains("::file_path::stat::") => "file_stat",
            (Lane::Files, None) if self.what.contains("::file_path::chown::") => "file_chown",
            (Lane::Files, None) if self.what.contains("::folder::scan") => "dir_scan",
            (Lane::Files, None) if self.what.contains("::read_file::") => "file_read",
            (Lane::Files, None) if self.what.contains("::write_file::") => "file_write",
            (Lane::Files, None) => "file_operation",
            (Lane::Names, None) => "resolve",
        }
    }

    /// In words.
    pub fn doing(&self) -> String {
        if self.state.load(Ordering::Relaxed) == QUEUED { "waits for a thread" } else { "on a thread" }.to_owned()
    }

    fn begin(&self) -> bool {
        self.state.compare_exchange(QUEUED, RUNNING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Whether it will never run. If it runs already it is told that nobody wants it any more.
    pub fn give_up(&self) -> bool {
        match self.state.compare_exchange(QUEUED, DROPPED, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                self.desk.dropped.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(DROPPED) => true,
            Err(_) => {
                if self.state.compare_exchange(RUNNING, UNWANTED, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                    self.desk.stand_in();
                }
                false
            }
        }
    }

    /// Whether it was given up meanwhile.
    fn run_to_end(&self) -> bool {
        self.run.run();
        self.state.swap(OVER, Ordering::AcqRel) == UNWANTED
    }

    fn is_unwanted(&self) -> bool {
        self.state.load(Ordering::Acquire) == UNWANTED
    }
}

struct Queue {
    jobs: VecDeque<Arc<Job>>,
    limit: usize,
    threads: usize,
    /// How many of them have nothing to do.
    waiting: usize,
    /// How many of those were woken and are on their way.
    woken: usize,
    /// How many wait for an answer that nobody wants any more, or stand aside, and have others in their stead.
    unwanted: i64,
    /// Whoever has nothing to do is to leave.
    closed: bool,
    handles: Vec<JoinHandle<()>>,
    done: i64,
    last_wait: i64,
    total_wait: i64,
    longest_wait: i64,
}

struct Desk {
    lane: Lane,
    queue: Mutex<Queue>,
    bell: Condvar,
    /// Rung by a thread that leaves.
    door: Condvar,
    /// How many in the queue were given up.
    dropped: AtomicUsize,
}

/// What a lane tells of itself.
#[derive(Clone, Copy)]
pub enum Measure {
    /// How many threads there are.
    Threads,
    /// How many of them have nothing to do.
    Idle,
    /// How many jobs wait for a thread.
    Queued,
    /// How many jobs were ever done.
    Done,
    /// How long the job that began last had waited, in nanoseconds.
    LastWait,
    /// How long all of them had waited together.
    TotalWait,
    LongestWait,
}

static POOL: PerProcess<[Desk; LANES.len()]> = PerProcess::new();
/// What callers asked for, also for a child's pool; 0: nothing.
static LIMITS: [AtomicUsize; LANES.len()] = [const { AtomicUsize::new(0) }; LANES.len()];

thread_local! {
    static PRESENT: RefCell<Option<Arc<Job>>> = const { RefCell::new(None) };
}

fn desk(lane: Lane) -> &'static Desk {
    let pool = POOL.get(|| {
        let processors = std::thread::available_parallelism().map_or(4, |n| n.get()).clamp(4, MOST_THREADS);
        LANES.map(|lane| match LIMITS[lane as usize].load(Ordering::Relaxed) {
            0 => Desk::new(lane, if lane == Lane::Names { NAME_THREADS } else { processors }),
            limit => Desk::new(lane, limit),
        })
    });
    &pool[lane as usize]
}

/// Queues work. It runs on a thread of the pool, unless it is given up before.
pub fn submit(lane: Lane, run: impl FnOnce() + Send + 'static) -> Result<Arc<Job>> {
    queue(lane, run).map_err(|(error, _)| error)
}

/// As `submit`, of work that must be done: without a thread it is done right here.
pub fn submit_or_run(lane: Lane, run: impl FnOnce() + Send + 'static) -> Arc<Job> {
    queue(lane, run).unwrap_or_else(|(_, job)| {
        job.begin();
        job.run_to_end();
        job
    })
}

fn queue(lane: Lane, run: impl FnOnce() + Send + 'static) -> std::result::Result<Arc<Job>, (Error, Arc<Job>)> {
    let desk = desk(lane);
    let what = type_name_of_val(&run);
    let run = Mutex::new(Some(run));
    let job: Arc<Job> = Arc::new(Job { state: AtomicU8::new(QUEUED), desk, since: sys::clock(), what, run });
    let mut queue = desk.lock();
    queue.closed = false;
    desk.clear_out(&mut queue);
    queue.jobs.push_back(job.clone());
    if queue.waiting < queue.jobs.len()
        && queue.may_grow()
        && let Err(error) = desk.start_thread(&mut queue)
    {
        // Without any thread it would never run.
        if queue.threads == 0 {
            queue.jobs.pop_back();
            drop(queue);
            return Err((error, job));
        }
    }
    desk.wake_next(queue);
    Ok(job)
}

/// Sets how many threads a lane has at most; gives what is in force. 0 changes nothing.
pub fn set_size(lane: Lane, threads: usize) -> usize {
    let desk = desk(lane);
    let mut queue = desk.lock();
    if threads > 0 {
        queue.limit = threads.min(MOST_THREADS);
        LIMITS[lane as usize].store(queue.limit, Ordering::Relaxed);
        // One for each job that no waiting thread will take; all present threads may be busy for long.
        let mut unserved = queue.jobs.len().saturating_sub(queue.waiting);
        while unserved > 0 && queue.may_grow() && desk.start_thread(&mut queue).is_ok() {
            unserved -= 1;
        }
        desk.bell.notify_all();
    }
    queue.limit
}

pub fn measure(lane: Lane, what: Measure) -> i64 {
    let desk = desk(lane);
    let queue = desk.lock();
    match what {
        Measure::Threads => queue.threads as i64,
        Measure::Idle => queue.waiting as i64,
        Measure::Queued => queue.jobs.len().saturating_sub(desk.dropped.load(Ordering::Relaxed)) as i64,
        Measure::Done => queue.done,
        Measure::LastWait => queue.last_wait,
        Measure::TotalWait => queue.total_wait,
        Measure::LongestWait => queue.longest_wait,
    }
}

/// Whether the work that runs on this thread has been given up.
pub fn is_unwanted() -> Option<bool> {
    // At the very end of a thread it is gone, and no work runs on it.
    PRESENT.try_with(|job| job.borrow().as_ref().map(|job| job.is_unwanted())).ok().flatten()
}

/// As long as it lives another thread may do what this one would.
pub struct Aside(Option<&'static Desk>);

/// For work that waits for somebody else, and needs neither a processor nor a disk meanwhile.
pub fn stand_aside() -> Aside {
    let desk = PRESENT.try_with(|job| job.borrow().as_ref().map(|job| job.desk)).ok().flatten();
    if let Some(desk) = desk {
        desk.let_another_in();
    }
    Aside(desk)
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Some(desk) = self.0 {
            desk.lock().unwanted -= 1;
        }
    }
}

/// The last loop is gone: the threads that have nothing to do leave, and are gone when this returns. One that is in the
/// middle of a look-up nobody wants any more leaves when it comes back from it.
pub fn rest() {
    for desk in POOL.present().into_iter().flatten() {
        // Its loop has waited for all work, so who is not idle yet will be in a moment; a look-up may take long.
        let stays = |queue: &Queue| queue.waiting > 0 || (desk.lane != Lane::Names && queue.threads > 0);
        let mut queue = desk.lock();
        queue.closed = true;
        desk.bell.notify_all();
        // A new loop that has work ends this: then they are needed again.
        while queue.closed && stays(&queue) {
            let (again, _) = desk.door.wait_timeout(queue, MOMENT).unwrap_or_else(PoisonError::into_inner);
            queue = again;
        }
        if !queue.closed {
            continue;
        }
        let busy = queue.threads;
        let mut handles = std::mem::take(&mut queue.handles);
        drop(queue);
        // Those that have gone through the door have only to end.
        while handles.iter().filter(|handle| !handle.is_finished()).count() > busy {
            std::thread::yield_now();
        }
        for handle in handles.extract_if(.., |handle| handle.is_finished()) {
            let _ = handle.join();
        }
        desk.lock().handles.append(&mut handles);
    }
}

impl Desk {
    fn new(lane: Lane, limit: usize) -> Desk {
        let queue = Queue {
            jobs: VecDeque::new(),
            limit,
            threads: 0,
            waiting: 0,
            woken: 0,
            unwanted: 0,
            closed: false,
            handles: Vec::new(),
            done: 0,
            last_wait: 0,
            total_wait: 0,
            longest_wait: 0,
        };
        let dropped = AtomicUsize::new(0);
        Desk { lane, queue: Mutex::new(queue), bell: Condvar::new(), door: Condvar::new(), dropped }
    }

    /// Whether it is this process's.
    fn is_present(&self) -> bool {
        POOL.present().is_some_and(|pool| pool.as_ptr_range().contains(&std::ptr::from_ref(self)))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes a thread if there is a job for it and none is on its way: that one wakes the next. So small jobs that come
    /// faster than a thread wakes are not paid for with a wake-up each. The lock goes first, or the thread would wait
    /// for it.
    fn wake_next(&self, mut queue: MutexGuard<'_, Queue>) {
        let wakes = queue.woken == 0 && queue.waiting > 0 && !queue.jobs.is_empty();
        if wakes {
            queue.woken = 1;
        }
        drop(queue);
        if wakes {
            self.bell.notify_one();
        }
    }

    /// One of the threads waits for an answer that nobody wants any more, which may take long. Callers' work and files
    /// are another matter: they need a processor or a disk.
    fn stand_in(&'static self) {
        // In a child it is the parent's: its threads are not there, its lock may be held for ever, and its queue is none
        // of the child's business.
        if self.lane != Lane::Names || !self.is_present() {
            return;
        }
        self.let_another_in();
    }

    fn let_another_in(&'static self) {
        let mut queue = self.lock();
        queue.unwanted += 1;
        if queue.waiting < queue.jobs.len() && queue.may_grow() {
            // It fails for want of threads; those that are there go on.
            let _ = self.start_thread(&mut queue);
        }
    }

    /// Throws out what was given up, once it is most of a long queue.
    fn clear_out(&self, queue: &mut Queue) {
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped >= 64 && dropped > queue.jobs.len() / 2 {
            let before = queue.jobs.len();
            queue.jobs.retain(|job| job.state.load(Ordering::Acquire) != DROPPED);
            self.dropped.fetch_sub(before - queue.jobs.len(), Ordering::Relaxed);
        }
    }

    fn start_thread(&'static self, queue: &mut Queue) -> Result<()> {
        let (name, stack_size) = match self.lane {
            Lane::Work => ("rondel-work", CALLERS_STACK),
            Lane::Files => ("rondel-files", OWN_STACK),
            Lane::Names => ("rondel-names", OWN_STACK),
        };
        let builder = std::thread::Builder::new().name(name.into()).stack_size(stack_size);
        let thread = builder.spawn(|| self.serve()).map_err(Error::from)?;
        queue.handles.retain(|handle| !handle.is_finished());
        queue.handles.push(thread);
        queue.threads += 1;
        Ok(())
    }

    fn serve(&self) {
        // They are for the program's own threads.
        sys::signals::block_all();
        let mut queue = self.lock();
        loop {
            if queue.is_too_large() {
                break;
            }
            if let Some(job) = queue.jobs.pop_front() {
                if job.begin() {
                    queue.begins(sys::clock() - job.since);
                    self.wake_next(queue);
                    PRESENT.set(Some(job));
                    let unwanted = PRESENT.with_borrow(|job| job.as_ref().is_some_and(|job| job.run_to_end()));
                    PRESENT.set(None);
                    queue = self.lock();
                    queue.done += 1;
                    if unwanted && self.lane == Lane::Names {
                        queue.unwanted -= 1;
                    }
                } else {
                    self.dropped.fetch_sub(1, Ordering::Relaxed);
                    drop(queue);
                    drop(job);
                    queue = self.lock();
                }
                continue;
            }
            if queue.closed {
                break;
            }
            queue.waiting += 1;
            let (again, patience) = self.bell.wait_timeout(queue, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            queue = again;
            queue.waiting -= 1;
            queue.woken = queue.woken.saturating_sub(1);
            if patience.timed_out() && queue.jobs.is_empty() {
                break;
            }
        }
        queue.threads -= 1;
        self.door.notify_all();
        // What it was woken for is there for another.
        self.wake_next(queue);
    }
}

impl Queue {
    /// How many threads do what somebody wants, or could.
    fn useful(&self) -> i64 {
        self.threads as i64 - self.unwanted
    }

    fn may_grow(&self) -> bool {
        self.useful() < self.limit as i64 && self.threads < self.limit * STAND_INS
    }

    fn is_too_large(&self) -> bool {
        self.useful() > self.limit as i64
    }

    fn begins(&mut self, waited: i64) {
        self.last_wait = waited;
        self.total_wait += waited;
        self.longest_wait = self.longest_wait.max(waited);
    }
}
