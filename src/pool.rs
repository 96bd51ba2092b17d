// SPDX-License-Identifier: MIT OR Apache-2.0
//! Worker threads, for what blocks.
//!
//! One pool for the process, in lanes: each kind of work has its own queue and its own limit, so a slow name look-up
//! never holds up a caller's work. Threads start when there is more to do than threads that wait for it, and leave
//! when they have had nothing to do for a while, or when the last loop of the process is gone.

use crate::error::{Error, Result};
use once_cell::sync::Lazy;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a piece of work shares with whoever waits for it.
pub struct Job(AtomicU8);

const QUEUED: u8 = 0;
const RUNNING: u8 = 1;
/// Given up before it began: it never runs.
const DROPPED: u8 = 2;
/// Given up while it runs: it may look, and end early.
const UNWANTED: u8 = 3;

impl Job {
    fn begin(&self) -> bool {
        self.0.compare_exchange(QUEUED, RUNNING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Whether it will never run. If it runs already it is told that nobody wants it any more.
    pub fn give_up(&self) -> bool {
        match self.0.compare_exchange(QUEUED, DROPPED, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(_) => {
                let _ = self.0.compare_exchange(RUNNING, UNWANTED, Ordering::AcqRel, Ordering::Acquire);
                self.0.load(Ordering::Acquire) == DROPPED
            }
        }
    }

    fn is_unwanted(&self) -> bool {
        self.0.load(Ordering::Acquire) == UNWANTED
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Callers' functions.
    Work,
    /// Name look-ups.
    Names,
}

const LANES: usize = 2;
/// Most look-ups wait for a server somewhere, not for a processor.
const NAME_THREADS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_millis(10);
/// The most threads a caller may ask for.
pub const MOST_THREADS: usize = 1024;

type Run = Box<dyn FnOnce() + Send>;

struct Queue {
    jobs: VecDeque<(Arc<Job>, Run)>,
    limit: usize,
    threads: usize,
    waiting: usize,
    /// Whoever has nothing to do is to leave.
    closed: bool,
    handles: Vec<JoinHandle<()>>,
}

struct Desk {
    queue: Mutex<Queue>,
    bell: Condvar,
    /// Rung by a thread that leaves.
    door: Condvar,
}

static POOL: Lazy<[Desk; LANES]> = Lazy::new(|| {
    let processors = std::thread::available_parallelism().map_or(4, |n| n.get());
    [processors.max(4), NAME_THREADS].map(|limit| Desk {
        queue: Mutex::new(Queue {
            jobs: VecDeque::new(),
            limit,
            threads: 0,
            waiting: 0,
            closed: false,
            handles: Vec::new(),
        }),
        bell: Condvar::new(),
        door: Condvar::new(),
    })
});

thread_local! {
    static PRESENT: RefCell<Option<Arc<Job>>> = const { RefCell::new(None) };
}

/// Queues work. It runs on a thread of the pool, unless it is given up before.
pub fn submit(lane: Lane, run: impl FnOnce() + Send + 'static) -> Result<Arc<Job>> {
    let job = Arc::new(Job(AtomicU8::new(QUEUED)));
    let desk = &POOL[lane as usize];
    let mut queue = lock(desk);
    queue.closed = false;
    queue.jobs.push_back((job.clone(), Box::new(run)));
    if queue.waiting >= queue.jobs.len() {
        desk.bell.notify_one();
    } else if queue.threads < queue.limit
        && let Err(error) = start_thread(lane, &mut queue)
    {
        // Without any thread it would never run.
        if queue.threads == 0 {
            queue.jobs.pop_back();
            return Err(error);
        }
    }
    Ok(job)
}

/// Sets how many threads run callers' work at most; gives what is in force. 0 changes nothing.
pub fn set_size(threads: usize) -> usize {
    let desk = &POOL[Lane::Work as usize];
    let mut queue = lock(desk);
    if threads > 0 {
        queue.limit = threads.min(MOST_THREADS);
        // One for each job that no waiting thread will take; all present threads may be busy for long.
        let unserved = queue.jobs.len().saturating_sub(queue.waiting);
        for _ in 0..unserved.min(queue.limit.saturating_sub(queue.threads)) {
            if start_thread(Lane::Work, &mut queue).is_err() {
                break;
            }
        }
        desk.bell.notify_all();
    }
    queue.limit
}

/// Whether the work that runs on this thread has been given up.
pub fn is_unwanted() -> Option<bool> {
    PRESENT.with_borrow(|job| job.as_ref().map(|job| job.is_unwanted()))
}

/// The last loop is gone: the threads that have nothing to do leave, and are gone when this returns. One that is in the
/// middle of a look-up nobody wants any more leaves when it comes back from it.
pub fn rest() {
    for (lane, desk) in Lazy::get(&POOL).into_iter().flatten().enumerate() {
        // Its loop has waited for all work, so who is not idle yet will be in a moment; a look-up may take long.
        let stays = |queue: &Queue| queue.waiting > 0 || (lane == Lane::Work as usize && queue.threads > 0);
        let mut queue = lock(desk);
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
        lock(desk).handles.append(&mut handles);
    }
}

fn lock(desk: &Desk) -> MutexGuard<'_, Queue> {
    desk.queue.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start_thread(lane: Lane, queue: &mut Queue) -> Result<()> {
    let name = if lane == Lane::Work { "rondel-work" } else { "rondel-names" };
    let thread = std::thread::Builder::new().name(name.into()).spawn(move || serve(lane)).map_err(Error::from)?;
    queue.handles.retain(|handle| !handle.is_finished());
    queue.handles.push(thread);
    queue.threads += 1;
    Ok(())
}

fn serve(lane: Lane) {
    // They are for the program's own threads.
    crate::sys::signals::block_all();
    let desk = &POOL[lane as usize];
    let mut queue = lock(desk);
    loop {
        if queue.threads > queue.limit {
            break;
        }
        if let Some((job, run)) = queue.jobs.pop_front() {
            drop(queue);
            if job.begin() {
                PRESENT.set(Some(job));
                run();
                PRESENT.set(None);
            }
            queue = lock(desk);
            continue;
        }
        if queue.closed {
            break;
        }
        queue.waiting += 1;
        let (again, patience) = desk.bell.wait_timeout(queue, PATIENCE).unwrap_or_else(PoisonError::into_inner);
        queue = again;
        queue.waiting -= 1;
        if patience.timed_out() && queue.jobs.is_empty() {
            break;
        }
    }
    queue.threads -= 1;
    desk.door.notify_all();
}
