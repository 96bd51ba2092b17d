// SPDX-License-Identifier: MIT OR Apache-2.0
//! Network interfaces.

use super::resolve::from_socket_addr;
use super::tcp::put_bytes;
use super::types::*;
use super::{done, notify, number, with_core, with_loop_core};
use crate::error::{Error, Result, to_code};
use crate::file::whole::stop_if_unwanted;
use crate::sys;
use crate::sys::interface_types::{Interface, InterfaceAddress};
use crate::sys::lent::c_string;
use std::ffi::{c_char, c_void};
use std::net::{IpAddr, SocketAddr};

/// An interface: it is switched on.
pub const RONDEL_INTERFACE_UP: u32 = 1;
/// An interface: it is switched on and connected, so that something can be sent.
pub const RONDEL_INTERFACE_RUNNING: u32 = 2;
/// An interface: what is sent comes back to this machine.
pub const RONDEL_INTERFACE_LOOPBACK: u32 = 4;
/// An interface: it can send to all in a network at once.
pub const RONDEL_INTERFACE_BROADCAST: u32 = 8;
/// An interface: it leads to one other machine.
pub const RONDEL_INTERFACE_POINT_TO_POINT: u32 = 16;
/// An interface: it can send to groups.
pub const RONDEL_INTERFACE_MULTICAST: u32 = 32;

/// A network interface of this machine. Set `size`; `rondel_interface_at` fills in the rest.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rondel_interface {
    /// `sizeof(rondel_interface)`.
    pub size: usize,
    /// Its name ("eth0", "Ethernet 2"), which belongs to the future.
    pub name: *const c_char,
    /// Its number, which is the scope of link-local addresses, and may be written after their `%`.
    pub index: u32,
    /// Any of `RONDEL_INTERFACE_`.
    pub flags: u32,
    /// How many bytes it sends in one piece at most; 0 where that is not known or has no limit.
    pub mtu: u32,
    /// How many bytes `hardware` has: mostly 6, or 0 if it has no such address.
    pub hardware_length: u32,
    /// The hardware address.
    pub hardware: [u8; 32],
    /// How many addresses it has; `rondel_interface_address_at` gives them.
    pub addresses: usize,
}

/// An address of an interface. Set `size`; `rondel_interface_address_at` fills in the rest.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rondel_interface_address {
    /// `sizeof(rondel_interface_address)`.
    pub size: usize,
    /// The address, with a port of 0. A link-local one has its scope.
    pub address: rondel_address,
    /// How many bits of it all addresses in its network have in common: 24 is a netmask of 255.255.255.0.
    pub prefix: u32,
    /// The address of all in its network; a `family` of 0 if there is none.
    pub broadcast: rondel_address,
    /// The address at the other end of a point-to-point link; a `family` of 0 if there is none.
    pub peer: rondel_address,
}

/// Looks at the network interfaces of this machine: the result is how many there are, and `rondel_interface_at` gives
/// them, in the order of their numbers. All are there, also those that are switched off and those without an address.
///
/// It runs on the worker pool, in the lane for files, since it takes a while on a machine with thousands of them. It
/// tells what is so at the moment. See getifaddrs(3), GetAdaptersAddresses on Windows; Android tells apps of neither
/// hardware addresses nor interfaces without an address. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_interfaces(r#loop: rondel_loop, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        core.on_path(notify(r#fn, user_data), || sys::interfaces::interfaces(stop_if_unwanted))
    }))
}

/// One of the interfaces that `rondel_interfaces` found, counted from 0. The future must still live: in its callback, or
/// kept. What is beyond the struct of this version, if `out->size` says so, is filled with zeros.
///
/// `RONDEL_EINVAL` beyond the last one, for NULL, or for a size too small; `RONDEL_EAGAIN` while it is pending,
/// `RONDEL_EKIND` for the future of another operation. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_interface_at(future: rondel_future, index: usize, out: *mut rondel_interface) -> i64 {
    done(with_core(future, |core, handle| {
        let found = from_interface(core.found_interface(handle, index)?);
        // SAFETY: what the caller of this function promises.
        unsafe { put_sized(out, found, |out| &mut out.size) }
    }))
}

/// One of the addresses of an interface that `rondel_interfaces` found, `which` counted from 0; else as
/// `rondel_interface_at`. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_interface_address_at(
    future: rondel_future,
    index: usize,
    which: usize,
    out: *mut rondel_interface_address,
) -> i64 {
    done(with_core(future, |core, handle| {
        let found = core.found_interface(handle, index)?.addresses.get(which).ok_or(Error::EINVAL)?;
        // SAFETY: what the caller of this function promises.
        unsafe { put_sized(out, from_interface_address(found), |out| &mut out.size) }
    }))
}

/// The number of the interface of this name; on Windows the name may be a number, too. `RONDEL_ENODEV` if there is none,
/// `RONDEL_EINVAL` for NULL or an empty name. See if_nametoindex(3). Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_interface_index(name: *const c_char) -> i64 {
    // SAFETY: the caller promises a string, or NULL.
    let name = unsafe { c_string(name) }.filter(|name| !name.is_empty()).ok_or(Error::EINVAL);
    to_code(name.and_then(sys::interfaces::interface_index).map(i64::from))
}

/// Writes the name of the interface of this number to `text` (which may be NULL), and gives its length without its NUL.
///
/// `RONDEL_ENODEV` if there is none, `RONDEL_ENOBUFS` if `size` is too small (on Unix 16 always do, on Windows 1024),
/// `RONDEL_EINVAL` for what is no number of an interface. See if_indextoname(3). Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_interface_name(index: i64, text: *mut c_char, size: usize) -> i64 {
    let index = u32::try_from(index).ok().filter(|index| *index > 0).ok_or(Error::EINVAL);
    // SAFETY: the caller promises `size` bytes of room at `text`, or NULL.
    to_code(index.and_then(sys::interfaces::interface_name).and_then(|name| unsafe { put_bytes(&name, text, size) }))
}

fn from_interface(found: &Interface) -> rondel_interface {
    let flag = |set: bool, flag: u32| if set { flag } else { 0 };
    let mut hardware = [0; 32];
    let length = found.hardware.len().min(hardware.len());
    hardware[..length].copy_from_slice(&found.hardware[..length]);
    rondel_interface {
        size: size_of::<rondel_interface>(),
        name: found.name.as_ptr(),
        index: found.index,
        flags: flag(found.flags.up, RONDEL_INTERFACE_UP)
            | flag(found.flags.running, RONDEL_INTERFACE_RUNNING)
            | flag(found.flags.loopback, RONDEL_INTERFACE_LOOPBACK)
            | flag(found.flags.broadcast, RONDEL_INTERFACE_BROADCAST)
            | flag(found.flags.point_to_point, RONDEL_INTERFACE_POINT_TO_POINT)
            | flag(found.flags.multicast, RONDEL_INTERFACE_MULTICAST),
        mtu: found.mtu,
        hardware_length: length as u32,
        hardware,
        addresses: found.addresses.len(),
    }
}

fn from_interface_address(found: &InterfaceAddress) -> rondel_interface_address {
    const NONE: rondel_address = rondel_address { family: 0, port: 0, scope: 0, bytes: [0; 16] };
    let other = |ip: Option<IpAddr>| ip.map_or(NONE, |ip| from_socket_addr(&SocketAddr::new(ip, 0)));
    rondel_interface_address {
        size: size_of::<rondel_interface_address>(),
        address: from_socket_addr(&found.address),
        prefix: found.prefix,
        broadcast: other(found.broadcast.map(IpAddr::V4)),
        peer: other(found.peer),
    }
}

/// Writes `value` to a caller's struct that may be of a later version, and leaves the size that the caller gave.
///
/// # Safety
/// `out` is NULL, or points to as many bytes as stand in the size at its beginning.
unsafe fn put_sized<T: Copy>(out: *mut T, mut value: T, size_in: impl Fn(&mut T) -> &mut usize) -> Result<()> {
    const MOST: usize = 4096;
    if out.is_null() {
        return Err(Error::EINVAL);
    }
    // SAFETY: the size stands first, and the promise of this function.
    unsafe {
        let size = out.cast::<usize>().read_unaligned();
        if !(size_of::<T>()..=MOST).contains(&size) {
            return Err(Error::EINVAL);
        }
        *size_in(&mut value) = size;
        out.write_unaligned(value);
        out.add(1).cast::<u8>().write_bytes(0, size - size_of::<T>());
    }
    Ok(())
}
