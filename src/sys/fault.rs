// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tells which task has overflowed its stack, before the process dies of it.
//!
//! A handler of SIGSEGV and SIGBUS on a stack of its own looks whether the address is in the guard of the stack that
//! runs on this thread. Whatever it is, it then puts back the handler that was there before, and the fault happens
//! again. It is installed only when somebody asks for it.

use std::cell::{Cell, OnceCell};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::null_mut;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

const NAME: usize = 64;

/// What runs on this thread.
#[derive(Clone, Copy)]
struct Present {
    low: usize,
    high: usize,
    size: usize,
    name: [u8; NAME],
    length: usize,
}

thread_local! {
    static PRESENT: Cell<Present> = const { Cell::new(Present { low: 0, high: 0, size: 0, name: [0; NAME], length: 0 }) };
    static OTHER_STACK: OnceCell<OtherStack> = const { OnceCell::new() };
}

static INSTALLED: AtomicBool = AtomicBool::new(false);
/// The handlers that were there before: SIGSEGV's and SIGBUS's.
static BEFORE: [AtomicPtr<libc::sigaction>; 2] = [const { AtomicPtr::new(null_mut()) }; 2];
const SIGNALS: [libc::c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

pub fn is_installed() -> bool {
    INSTALLED.load(Ordering::Relaxed)
}

/// Installs the handler for the process.
pub fn install() {
    static ONCE: Mutex<()> = Mutex::new(());
    // A child of a fork must not ask for the lock: another thread may have held it.
    if is_installed() {
        return;
    }
    let _once = ONCE.lock();
    if is_installed() {
        return;
    }
    for (signal, before) in SIGNALS.into_iter().zip(&BEFORE) {
        // SAFETY: a sigaction of zeros is valid; the handler has the signature that SA_SIGINFO asks for; the old action
        // is written to memory that is never freed.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction =
                on_fault as extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            let old = Box::leak(Box::new(std::mem::zeroed::<libc::sigaction>()));
            libc::sigaction(signal, null_mut(), old);
            before.store(old, Ordering::SeqCst);
            libc::sigaction(signal, &action, null_mut());
        }
    }
    INSTALLED.store(true, Ordering::SeqCst);
}

/// From now on this thread runs on a stack with this guard.
pub fn enter(guard: Range<usize>, size: usize, name: &str) {
    // In a handler of `atexit` it is gone: an overflow is then told by the system alone.
    let _ = OTHER_STACK.try_with(|stack| {
        stack.get_or_init(OtherStack::new);
    });
    let mut present =
        Present { low: guard.start, high: guard.end, size, name: [0; NAME], length: name.len().min(NAME) };
    present.name[..present.length].copy_from_slice(&name.as_bytes()[..present.length]);
    PRESENT.set(present);
}

pub fn leave() {
    PRESENT.set(Present { low: 0, high: 0, ..PRESENT.get() });
}

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo for these signals.
    let address = unsafe { (*info).si_addr() } as usize;
    let present = PRESENT.get();
    if (present.low..present.high).contains(&address) {
        tell(b"rondel: ");
        tell(&present.name[..present.length]);
        tell(b" has overflowed its stack of ");
        tell_number(present.size / 1024);
        tell(b" KiB; give it a larger one with rondel_task_spawn_sized\n");
    }
    super::ttys::reset();
    for (own, before) in SIGNALS.into_iter().zip(&BEFORE) {
        if own == signal {
            // SAFETY: the old action was stored before the handler was installed, and is never freed.
            unsafe { libc::sigaction(signal, before.load(Ordering::SeqCst), null_mut()) };
        }
    }
}

fn tell(bytes: &[u8]) {
    // SAFETY: write is safe in a handler, and the bytes are readable.
    unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
}

fn tell_number(mut number: usize) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    tell(&digits[at..]);
}

/// A stack for handlers of this thread, unless it has one.
struct OtherStack(Option<super::map::Map>);

const OTHER_STACK_SIZE: usize = 64 * 1024;

impl OtherStack {
    fn new() -> OtherStack {
        // SAFETY: sigaltstack fills the place it is given, and is given memory that lives until `drop`.
        unsafe {
            let mut present = MaybeUninit::<libc::stack_t>::uninit();
            let known = libc::sigaltstack(null_mut(), present.as_mut_ptr()) == 0;
            if !known || present.assume_init().ss_flags & libc::SS_DISABLE == 0 {
                return OtherStack(None);
            }
            let Ok(map) = super::map::Map::new(OTHER_STACK_SIZE) else { return OtherStack(None) };
            let mut stack: libc::stack_t = std::mem::zeroed();
            stack.ss_sp = map.start() as *mut libc::c_void;
            stack.ss_size = OTHER_STACK_SIZE;
            libc::sigaltstack(&stack, null_mut());
            OtherStack(Some(map))
        }
    }
}

impl Drop for OtherStack {
    fn drop(&mut self) {
        if self.0.is_some() {
            // SAFETY: the thread ends and gives its stack for handlers up, before the memory goes.
            unsafe {
                let mut none: libc::stack_t = std::mem::zeroed();
                none.ss_flags = libc::SS_DISABLE;
                none.ss_size = OTHER_STACK_SIZE;
                libc::sigaltstack(&none, null_mut());
            }
        }
    }
}
