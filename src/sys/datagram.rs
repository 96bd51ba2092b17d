// SPDX-License-Identifier: MIT OR Apache-2.0
//! Datagrams on Unix: many a system call where the system can (`recvmmsg`, `sendmmsg`), with what the system tells
//! beside their bytes.
//!
//! `Sender` joins neighbours of one length to one destination into one message that the system cuts up again, where it
//! can (UDP_SEGMENT): the network sees the same datagrams. `Arrivals` may be given several in one message the same way
//! (UDP_GRO); `Message::segment` tells where to cut.

pub use super::datagram_types::*;
use super::{Source, local, raw_source, retry};
use crate::error::{Error, Result};
use control::Controls;
use socket2::{SockAddr, SockRef};
use std::io;
use std::mem::zeroed;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::BorrowedFd;

#[path = "datagram_control.rs"]
mod control;
#[path = "datagram_options.rs"]
mod options;
pub use options::*;

/// How many messages one call sends at most.
const MESSAGES: usize = 64;
/// How many datagrams one message is cut into at most, as the system has it.
const SEGMENTS: usize = 64;
/// How many bytes one message has at most. (A little less than the system takes.)
const MESSAGE: usize = 65_000;
const PIECES: usize = 512;

/// What a socket has shown of its way out: whether datagrams can be joined, and up to which length each.
#[derive(Clone, Copy)]
pub struct Joining {
    pub on: bool,
    pub longest: usize,
}

impl Joining {
    pub const OFF: Joining = Joining { on: false, longest: 0 };

    /// As it is before anything was tried.
    pub fn new() -> Joining {
        Joining { on: cfg!(any(target_os = "linux", target_os = "android")), longest: MESSAGE / 2 }
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
type Header = libc::mmsghdr;

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
struct Header {
    msg_hdr: libc::msghdr,
    msg_len: usize,
}

/// Places for messages to arrive at. Memory that nothing arrived at is never touched, and so costs nothing.
pub struct Arrivals {
    memory: Box<[u8]>,
    headers: Box<[Header]>,
    names: Box<[libc::sockaddr_storage]>,
    controls: Box<[Controls]>,
    _slices: Box<[libc::iovec]>,
    /// How many headers the last call has changed.
    used: usize,
    /// They have room for what is told beside the bytes.
    told: bool,
}

// SAFETY: its pointers lead to its own boxes, which move with it.
unsafe impl Send for Arrivals {}

impl Arrivals {
    pub fn new() -> Arrivals {
        let mut memory = vec![0u8; SLOTS * SLOT].into_boxed_slice();
        // SAFETY: all of these are plain data for which zeros are valid.
        let mut names: Box<[libc::sockaddr_storage]> = (0..SLOTS).map(|_| unsafe { zeroed() }).collect();
        let mut controls: Box<[Controls]> = (0..SLOTS).map(|_| Controls::new()).collect();
        let mut slices: Box<[libc::iovec]> = memory
            .chunks_exact_mut(SLOT)
            .map(|slot| libc::iovec { iov_base: slot.as_mut_ptr().cast(), iov_len: SLOT })
            .collect();
        let headers = (0..SLOTS)
            .map(|i| {
                // SAFETY: as above.
                let mut header: Header = unsafe { zeroed() };
                header.msg_hdr.msg_name = (&raw mut names[i]).cast();
                header.msg_hdr.msg_iov = &raw mut slices[i];
                header.msg_hdr.msg_iovlen = 1;
                header.msg_hdr.msg_control = controls[i].start();
                header
            })
            .collect();
        Arrivals { memory, headers, names, controls, _slices: slices, used: SLOTS, told: true }
    }

    /// Receives up to `most` messages; how many came. `local`: from a socket of this machine.
    pub fn receive(&mut self, source: &Source, most: usize, local: bool) -> io::Result<usize> {
        if self.told == local {
            self.tell(!local);
        }
        let room = if self.told { control::ROOM } else { 0 };
        for header in &mut self.headers[..self.used] {
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_hdr.msg_controllen = room as _;
            header.msg_hdr.msg_flags = 0;
        }
        self.used = 0;
        let most = most.clamp(1, SLOTS);
        let came = receive_many(source, &mut self.headers[..most])?;
        self.used = came;
        Ok(came)
    }

    /// Makes room for what is told beside the bytes, or takes it away: what comes through this machine are descriptors,
    /// which nobody here would close, and the system does where there is no room.
    #[cold]
    fn tell(&mut self, on: bool) {
        for (header, controls) in self.headers.iter_mut().zip(&mut self.controls) {
            header.msg_hdr.msg_control = if on { controls.start() } else { std::ptr::null_mut() };
        }
        self.told = on;
        self.used = SLOTS;
    }

    /// One of the messages that the last call brought.
    pub fn message(&self, index: usize) -> Message<'_> {
        assert!(index < self.used);
        let header = &self.headers[index];
        let start = index * SLOT;
        let length = (header.msg_len as usize).min(SLOT);
        let told = self.controls[index].read(&header.msg_hdr);
        Message {
            bytes: &self.memory[start..start + length],
            peer: socket_address(&self.names[index], header.msg_hdr.msg_namelen),
            local: told.local,
            ecn: told.ecn,
            segment: if told.segment < length { told.segment } else { 0 },
            truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
        }
    }
}

impl Arrivals {
    /// Who sent one of the messages that the last call brought, for a socket of this machine; empty without a name.
    pub fn sender(&self, index: usize) -> Vec<u8> {
        assert!(index < self.used);
        let length = self.headers[index].msg_hdr.msg_namelen;
        if (length as usize) < size_of::<libc::sa_family_t>() {
            return Vec::new();
        }
        // SAFETY: the system has written an address of this length there, and both places are of the system's one type.
        let address = unsafe {
            SockAddr::try_init(|place, size| {
                place.cast::<libc::sockaddr_storage>().write(self.names[index]);
                *size = length;
                Ok(())
            })
        };
        address.ok().and_then(|((), address)| local::name(&address)).unwrap_or_default()
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn receive_many(source: &Source, headers: &mut [Header]) -> io::Result<usize> {
    let count = headers.len();
    retry(|| {
        // SAFETY: each header points to room of the sizes it says, which its owner keeps. No timeout is passed.
        unsafe {
            let flags = libc::MSG_DONTWAIT as _;
            libc::recvmmsg(source.raw(), headers.as_mut_ptr(), count as _, flags, std::ptr::null_mut()) as isize
        }
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn receive_many(source: &Source, headers: &mut [Header]) -> io::Result<usize> {
    for (index, header) in headers.iter_mut().enumerate() {
        // SAFETY: the header points to room of the sizes it says, which its owner keeps.
        match retry(|| unsafe { libc::recvmsg(source.raw(), &mut header.msg_hdr, 0) }) {
            Ok(length) => header.msg_len = length,
            // The next call meets it again: an error stays until it is told, and nothing more to read stays too.
            Err(error) if index == 0 || error.kind() != io::ErrorKind::WouldBlock && index == 0 => return Err(error),
            Err(_) => return Ok(index),
        }
    }
    Ok(headers.len())
}

/// What a call that sends is put together in.
pub struct Sender {
    headers: Box<[Header]>,
    names: Box<[libc::sockaddr_storage]>,
    controls: Box<[Controls]>,
    slices: Box<[libc::iovec]>,
    /// How many datagrams each message has.
    counts: [u16; MESSAGES],
}

// SAFETY: its pointers lead to its own boxes, or nowhere that is used after the call which set them.
unsafe impl Send for Sender {}

impl Sender {
    pub fn new() -> Sender {
        // SAFETY: all of these are plain data for which zeros are valid.
        unsafe {
            Sender {
                headers: (0..MESSAGES).map(|_| zeroed()).collect(),
                names: (0..MESSAGES).map(|_| zeroed()).collect(),
                controls: (0..MESSAGES).map(|_| Controls::new()).collect(),
                slices: (0..PIECES).map(|_| zeroed()).collect(),
                counts: [0; MESSAGES],
            }
        }
    }

    /// Sends what it can of these in one call: how many left, at least one. An error is the first one's.
    pub fn send<'a>(
        &mut self,
        source: &Source,
        list: impl Iterator<Item = Outgoing<'a>> + Clone,
        joining: &mut Joining,
    ) -> io::Result<usize> {
        let messages = self.put_together(list.clone(), joining);
        if messages == 0 {
            return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        match send_many(source, &mut self.headers[..messages]) {
            Ok(sent) => Ok(self.counts[..sent].iter().map(|count| usize::from(*count)).sum()),
            Err(error) if self.counts[0] > 1 && error.kind() != io::ErrorKind::WouldBlock => {
                let length = list.clone().next().map_or(0, |first| first.bytes.len());
                match error.raw_os_error() {
                    // The way out takes no joined ones of this length: they are longer than what it takes in one piece.
                    Some(libc::EINVAL | libc::EMSGSIZE) => joining.longest = joining.longest.min(length.max(1) - 1),
                    // Or none at all.
                    Some(libc::EIO | libc::EOPNOTSUPP | libc::ENOPROTOOPT) => joining.on = false,
                    _ => return Err(error),
                }
                let messages = self.put_together(list, joining);
                send_many(source, &mut self.headers[..messages])
                    .map(|sent| self.counts[..sent].iter().map(|count| usize::from(*count)).sum())
            }
            Err(error) => Err(error),
        }
    }

    /// How many messages there are: up to one that is too long.
    fn put_together<'a>(&mut self, list: impl Iterator<Item = Outgoing<'a>>, joining: &Joining) -> usize {
        let (mut messages, mut pieces) = (0, 0);
        let mut open: Option<Open<'a>> = None;
        for outgoing in list.take_while(|outgoing| outgoing.bytes.len() <= LONGEST) {
            let slice =
                libc::iovec { iov_base: outgoing.bytes.as_ptr().cast_mut().cast(), iov_len: outgoing.bytes.len() };
            if let Some(open) = open.as_mut().filter(|open| open.takes(&outgoing)) {
                let last = &mut self.slices[pieces - 1];
                let follows = last.iov_base as usize + last.iov_len == slice.iov_base as usize;
                if follows || pieces < PIECES {
                    open.length += outgoing.bytes.len();
                    open.ended = outgoing.bytes.len() < open.first.bytes.len();
                    self.counts[messages - 1] += 1;
                    if follows {
                        last.iov_len += slice.iov_len;
                    } else {
                        self.slices[pieces] = slice;
                        pieces += 1;
                        self.headers[messages - 1].msg_hdr.msg_iovlen += 1;
                    }
                    open.count += 1;
                    continue;
                }
            }
            self.close(&open, messages);
            open = None;
            if messages == MESSAGES || pieces == PIECES {
                break;
            }
            self.slices[pieces] = slice;
            let header = &mut self.headers[messages].msg_hdr;
            header.msg_iov = &raw mut self.slices[pieces];
            header.msg_iovlen = 1;
            (header.msg_name, header.msg_namelen) = match outgoing.to {
                Name::Peer => (std::ptr::null_mut(), 0),
                Name::Inet(address) => {
                    let place = &mut self.names[messages];
                    let length = put_address(address, place);
                    ((&raw mut *place).cast(), length)
                }
                Name::Other(name) => (name.as_ptr().cast_mut().cast(), name.len()),
            };
            header.msg_control = std::ptr::null_mut();
            header.msg_controllen = 0;
            self.counts[messages] = 1;
            messages += 1;
            pieces += 1;
            let joins = joining.on && (1..=joining.longest).contains(&outgoing.bytes.len());
            open = Some(Open { first: outgoing, length: outgoing.bytes.len(), count: 1, ended: !joins });
        }
        self.close(&open, messages);
        messages
    }

    /// Adds to the last message what the system must know of it.
    fn close(&mut self, open: &Option<Open<'_>>, messages: usize) {
        let Some(open) = open else { return };
        let segment = if open.count > 1 { open.first.bytes.len() as u16 } else { 0 };
        if segment == 0 && open.first.ecn == 0 && open.first.local.is_none() {
            return;
        }
        let index = messages - 1;
        self.controls[index].write(&mut self.headers[index].msg_hdr, &open.first, segment);
    }
}

/// A message that may still grow.
struct Open<'a> {
    first: Outgoing<'a>,
    length: usize,
    count: usize,
    /// A shorter one was the last.
    ended: bool,
}

impl Open<'_> {
    fn takes(&self, next: &Outgoing<'_>) -> bool {
        let length = next.bytes.len();
        !self.ended
            && self.count < SEGMENTS
            && length > 0
            && length <= self.first.bytes.len()
            && self.length + length <= MESSAGE
            && next.ecn == self.first.ecn
            && next.to == self.first.to
            && next.local == self.first.local
    }
}

fn send_many(source: &Source, headers: &mut [Header]) -> io::Result<usize> {
    match headers {
        [] => Ok(0),
        // SAFETY: the header points to bytes, a name and controls that live through the call.
        [one] => retry(|| unsafe { libc::sendmsg(source.raw(), &one.msg_hdr, super::SEND_FLAGS) }).map(|_| 1),
        many => send_several(source, many),
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn send_several(source: &Source, headers: &mut [Header]) -> io::Result<usize> {
    let count = headers.len();
    // SAFETY: each header points to bytes, a name and controls that live through the call.
    retry(|| unsafe { libc::sendmmsg(source.raw(), headers.as_mut_ptr(), count as _, super::SEND_FLAGS as _) as isize })
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn send_several(source: &Source, headers: &mut [Header]) -> io::Result<usize> {
    for (index, header) in headers.iter().enumerate() {
        // SAFETY: the header points to bytes, a name and controls that live through the call.
        match retry(|| unsafe { libc::sendmsg(source.raw(), &header.msg_hdr, super::SEND_FLAGS) }) {
            Ok(_) => {}
            Err(error) if index == 0 => return Err(error),
            // The next call begins with this one, and meets the error again, or does not.
            Err(_) => return Ok(index),
        }
    }
    Ok(headers.len())
}

/// An address as the system has it; how long it is.
fn put_address(address: &SocketAddr, place: &mut libc::sockaddr_storage) -> libc::socklen_t {
    let address = SockAddr::from(*address);
    let length = address.len() as usize;
    // SAFETY: an address of the internet's families is shorter than the place, which is made for all.
    unsafe {
        std::ptr::copy_nonoverlapping(address.as_ptr().cast::<u8>(), (&raw mut *place).cast::<u8>(), length);
    }
    length as libc::socklen_t
}

/// The internet address in a place that the system has filled.
fn socket_address(place: &libc::sockaddr_storage, length: libc::socklen_t) -> Option<SocketAddr> {
    match libc::c_int::from(place.ss_family) {
        libc::AF_INET if length as usize >= size_of::<libc::sockaddr_in>() => {
            // SAFETY: a place of this family holds an address of this type.
            let raw = unsafe { &*(&raw const *place).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(raw.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(raw.sin_port)).into())
        }
        libc::AF_INET6 if length as usize >= size_of::<libc::sockaddr_in6>() => {
            // SAFETY: as above.
            let raw = unsafe { &*(&raw const *place).cast::<libc::sockaddr_in6>() };
            let (ip, port) = (Ipv6Addr::from(raw.sin6_addr.s6_addr), u16::from_be(raw.sin6_port));
            Some(SocketAddrV6::new(ip, port, 0, raw.sin6_scope_id).into())
        }
        _ => None,
    }
}

/// Looks at a caller's datagram socket without changing it: its own address, and its peer's if it has one.
pub fn look_at_datagram_socket(number: i64) -> Result<(SocketAddr, Option<SocketAddr>)> {
    let number = raw_source(number)?;
    // SAFETY: borrowed for this call only; a number that is no open descriptor makes the first look fail.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let socket = SockRef::from(&borrowed);
    if socket.r#type()? != socket2::Type::DGRAM {
        return Err(Error::EPROTOTYPE);
    }
    let own = socket.local_addr()?.as_socket().ok_or(Error::EAFNOSUPPORT)?;
    Ok((own, socket.peer_addr().ok().and_then(|peer| peer.as_socket())))
}

/// The next error in the socket's queue of them. `None`: there is none.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn next_returned(source: &Source) -> Option<Returned> {
    let mut room = [0u8; 1];
    // SAFETY: plain data, for which zeros are valid.
    let (mut name, mut message): (libc::sockaddr_storage, libc::msghdr) = unsafe { (zeroed(), zeroed()) };
    let mut slice = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
    let mut controls = Controls::new();
    loop {
        message.msg_name = (&raw mut name).cast();
        message.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        message.msg_iov = &raw mut slice;
        message.msg_iovlen = 1;
        message.msg_control = controls.start();
        message.msg_controllen = control::ROOM as _;
        // SAFETY: the message points to room of the sizes it says.
        retry(|| unsafe { libc::recvmsg(source.raw(), &mut message, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT) }).ok()?;
        if let Some(error) = controls.returned_error(&message) {
            return Some(Returned { error, to: socket_address(&name, message.msg_namelen) });
        }
        // It was of this machine's own making: whoever sent it has been told by the call.
    }
}

/// Systems without such a queue.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn next_returned(_source: &Source) -> Option<Returned> {
    None
}
