/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A network of the test's own, in a child: an interface whose frames the test reads, and neighbours that answer when the
 * test wants. What is sent to a neighbour that does not answer yet fills the sender's buffer, as nothing on loopback
 * does. Linux, and only where the child may have a network of its own.
 */
#ifndef RONDEL_TEST_TAP_H
#define RONDEL_TEST_TAP_H

#include "child.h"
#include "net.h"

enum { TAP_NOT_HERE = 77 };

#ifdef __linux__
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

enum { TAP_NEWNET = 0x40000000, TAP_NEWUSER = 0x10000000 };

static inline int tap_flags(int fd, const char *name, short flags) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    request.ifr_flags = flags;
    return ioctl(fd, SIOCSIFFLAGS, &request);
}

/* Gives the process a network with lo and, at 10.9.8.1/24, tap0; the descriptor of its frames. Without: the child ends. */
static inline int tap_open(void) {
    struct ifreq request;
    struct sockaddr_in address;
    int control, frames;
    if (syscall(SYS_unshare, TAP_NEWNET) < 0 && syscall(SYS_unshare, TAP_NEWUSER | TAP_NEWNET) < 0) _exit(TAP_NOT_HERE);
    frames = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    control = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&request, 0, sizeof request);
    snprintf(request.ifr_name, sizeof request.ifr_name, "tap0");
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (frames < 0 || control < 0 || ioctl(frames, TUNSETIFF, &request) < 0) _exit(TAP_NOT_HERE);
    /* Its IPv6 address is its own at once, without asking whether anybody else has it. */
    int dad = open("/proc/sys/net/ipv6/conf/tap0/accept_dad", O_WRONLY);
    if (dad >= 0) {
        CHECK_EQ(write(dad, "0", 1), 1);
        close(dad);
    }
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0x0a090801);
    memcpy(&request.ifr_addr, &address, sizeof address);
    if (ioctl(control, SIOCSIFADDR, &request) < 0) _exit(TAP_NOT_HERE);
    address.sin_addr.s_addr = htonl(0xffffff00);
    memcpy(&request.ifr_netmask, &address, sizeof address);
    if (ioctl(control, SIOCSIFNETMASK, &request) < 0) _exit(TAP_NOT_HERE);
    if (tap_flags(control, "lo", IFF_UP | IFF_RUNNING) < 0) _exit(TAP_NOT_HERE);
    if (tap_flags(control, "tap0", IFF_UP | IFF_RUNNING) < 0) _exit(TAP_NOT_HERE);
    close(control);
    return frames;
}

/* From now on 10.9.8.<last> is known to be there: what waits for it leaves. */
static inline void tap_answer(int last) {
    struct arpreq request;
    struct sockaddr_in address;
    int control = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&request, 0, sizeof request);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0x0a090800u + (unsigned)last);
    memcpy(&request.arp_pa, &address, sizeof address);
    request.arp_ha.sa_family = ARPHRD_ETHER;
    memcpy(request.arp_ha.sa_data, "\002\0\0\0\0\002", 6);
    request.arp_flags = ATF_COM | ATF_PERM;
    snprintf(request.arp_dev, sizeof request.arp_dev, "tap0");
    CHECK_EQ(ioctl(control, SIOCSARP, &request), 0);
    close(control);
}

/* The payload of the next UDP datagram that left over IPv4: its length; -1 if none is there. */
static inline int64_t tap_next(int frames, uint8_t *bytes, size_t capacity) {
    static uint8_t frame[70000];
    ssize_t n;
    while ((n = read(frames, frame, sizeof frame)) > 0) {
        const size_t ip = 14, head = ip + (size_t)(frame[ip] & 15) * 4 + 8;
        if ((size_t)n < head || frame[12] != 8 || frame[13] != 0 || frame[ip] >> 4 != 4 || frame[ip + 9] != 17) continue;
        const size_t length = ((size_t)frame[head - 4] << 8 | frame[head - 3]) - 8;
        CHECK(head + length <= (size_t)n && length <= capacity);
        memcpy(bytes, frame + head, length < capacity ? length : capacity);
        return (int64_t)length;
    }
    return -1;
}

#else
static inline int tap_open(void) { _exit(TAP_NOT_HERE); }
static inline void tap_answer(int last) { (void)last; }
static inline int64_t tap_next(int frames, uint8_t *bytes, size_t capacity) {
    (void)frames, (void)bytes, (void)capacity;
    return -1;
}
#endif

/* Runs `body` in a child; 0 if the child could not have what it needs. */
static inline int tap_run(int (*body)(void *arg), void *arg) {
    static struct child child;
    child_start(&child, body, arg);
    child_end(&child);
    if (WIFEXITED(child.status) && WEXITSTATUS(child.status) == TAP_NOT_HERE) return 0;
    CHECK(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 0);
    if (!WIFEXITED(child.status) || WEXITSTATUS(child.status) != 0)
        fprintf(stderr, "    status %d; the child said:\n%s\n", child.status, child.said);
    return 1;
}
#endif
