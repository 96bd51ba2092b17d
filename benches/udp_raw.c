/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The floor of the UDP servers: epoll, one recvmmsg, and what it brought back by one sendmmsg, straight from where it
 * arrived. No segmentation offload. */
#include "common.h"
#include <arpa/inet.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { BATCH = 32, ROOM = 65536 + 320 };

int main(void) {
    static uint8_t bytes[BATCH * ROOM];
    static struct mmsghdr messages[BATCH];
    static struct iovec slices[BATCH];
    static struct sockaddr_storage peers[BATCH];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (udp < 0 || bind(udp, (struct sockaddr *)&at, length) || epoll_ctl(poller, EPOLL_CTL_ADD, udp, &event)) fail("bind");
    setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &(int){1 << 22}, sizeof(int));
    getsockname(udp, (struct sockaddr *)&at, &length);
    tell_port(ntohs(at.sin_port));
    for (int i = 0; i < BATCH; i++) messages[i].msg_hdr = (struct msghdr){.msg_name = &peers[i], .msg_iov = &slices[i], .msg_iovlen = 1};
    for (;;) {
        if (epoll_wait(poller, &event, 1, -1) < 1) continue;
        for (;;) {
            for (int i = 0; i < BATCH; i++) {
                slices[i] = (struct iovec){bytes + (size_t)i * ROOM, ROOM};
                messages[i].msg_hdr.msg_namelen = sizeof peers[i];
            }
            int n = recvmmsg(udp, messages, BATCH, MSG_DONTWAIT, NULL);
            if (n <= 0) break;
            for (int i = 0; i < n; i++) slices[i].iov_len = messages[i].msg_len;
            for (int sent = 0; sent < n;) {
                int more = sendmmsg(udp, messages + sent, (unsigned)(n - sent), 0);
                if (more < 0 && errno != EINTR) break; /* a full buffer: a datagram may be lost */
                if (more > 0) sent += more;
            }
            if (n < BATCH) break;
        }
    }
}
