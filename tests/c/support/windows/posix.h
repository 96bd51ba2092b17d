/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What the tests use of POSIX, on Windows: sockets under their POSIX names, with errno, and the harness's alarm. The
 * headers beside this one stand in for those that Windows lacks. Threads come from winpthreads.
 *
 * A descriptor is a socket or a HANDLE of a file here, and a pipe is a pair of sockets; below 32 are the C library's.
 */
#ifndef RONDEL_TEST_POSIX_H
#define RONDEL_TEST_POSIX_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN 1
#endif
#define SIZE windows_size /* a name that tests use */
#include <winsock2.h>
#include <ws2tcpip.h>
#undef SIZE

#include <errno.h>
#include <direct.h>
#include <fcntl.h>
#include <io.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#undef near
#undef far

#define SHUT_RD SD_RECEIVE
#define SHUT_WR SD_SEND
#define SHUT_RDWR SD_BOTH
#define F_GETFD 1
#define F_GETFL 3
#define F_SETFL 4
#define O_NONBLOCK 04000
#define MSG_DONTWAIT 0x40000000
#define MSG_NOSIGNAL 0
/* A datagram's length although there is no room for it, which recv does not tell: it fails with WSAEMSGSIZE. */
#define MSG_TRUNC 0
#define SIGALRM 14
/* Stands for "a signal that can be watched and that nobody sends". */
#define SIGURG SIGINT
#define SIGUSR1 SIGBREAK
#define SIGUSR2 SIGBREAK
#define SIGWINCH SIGBREAK
/* Nobody here fails with it. */
#define EAI_OVERFLOW (-12)

/* Winsock asks for one; `main` has not begun yet. */
__attribute__((constructor)) static void posix_start(void) {
    WSADATA data;
    WSAStartup(MAKEWORD(2, 2), &data);
}

#define ON_WINE (GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != NULL)

/* What a call of Winsock gave, as POSIX would: -1 and errno. */
static inline int posix_told(int64_t result) {
    if (result >= 0) return (int)result;
    switch (WSAGetLastError()) {
    case WSAEWOULDBLOCK: errno = EAGAIN; break;
    case WSAEINTR: errno = EINTR; break;
    case WSAENOTSOCK: errno = EBADF; break;
    case WSAECONNRESET: errno = ECONNRESET; break;
    case WSAECONNABORTED: errno = ECONNABORTED; break;
    case WSAECONNREFUSED: errno = ECONNREFUSED; break;
    case WSAENOTCONN: errno = ENOTCONN; break;
    case WSAEADDRINUSE: errno = EADDRINUSE; break;
    case WSAEMFILE: errno = EMFILE; break;
    default: errno = EINVAL;
    }
    return -1;
}

static inline SOCKET posix_socket_of(int fd) { return fd < 0 ? INVALID_SOCKET : (SOCKET)fd; }

static inline int posix_fd(SOCKET made) { return made == INVALID_SOCKET ? posix_told(-1) : (int)made; }

static inline int posix_socket(int family, int type, int protocol) { return posix_fd(socket(family, type, protocol)); }

static inline int posix_bind(int fd, const struct sockaddr *address, socklen_t size) {
    return posix_told(bind(posix_socket_of(fd), address, size));
}

static inline int posix_listen(int fd, int backlog) { return posix_told(listen(posix_socket_of(fd), backlog)); }

static inline int posix_accept(int fd, struct sockaddr *address, socklen_t *size) {
    return posix_fd(accept(posix_socket_of(fd), address, size));
}

static inline int posix_connect(int fd, const struct sockaddr *address, socklen_t size) {
    int result = posix_told(connect(posix_socket_of(fd), address, size));
    if (result < 0 && errno == EAGAIN) errno = EINPROGRESS;
    return result;
}

static inline int posix_getsockname(int fd, struct sockaddr *address, socklen_t *size) {
    return posix_told(getsockname(posix_socket_of(fd), address, size));
}

static inline int posix_getpeername(int fd, struct sockaddr *address, socklen_t *size) {
    return posix_told(getpeername(posix_socket_of(fd), address, size));
}

/* Windows lets a listener that starts again have its port; SO_REUSEADDR would let two listeners share one. */
static inline int posix_setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
    if (level == SOL_SOCKET && name == SO_REUSEADDR) return 0;
    return posix_told(setsockopt(posix_socket_of(fd), level, name, value, size));
}

static inline int posix_getsockopt(int fd, int level, int name, void *value, socklen_t *size) {
    return posix_told(getsockopt(posix_socket_of(fd), level, name, value, size));
}

static inline int posix_shutdown(int fd, int how) { return posix_told(shutdown(posix_socket_of(fd), how)); }

/* What the C library numbers. Handles of sockets are larger by far. */
static inline int posix_is_file(int fd) { return fd >= 0 && fd < 32; }

static inline HANDLE posix_handle(int fd) { return (HANDLE)(intptr_t)fd; }

static inline int posix_close(int fd) {
    if (posix_is_file(fd)) return _close(fd);
    if (closesocket(posix_socket_of(fd)) == 0) return 0;
    if (WSAGetLastError() == WSAENOTSOCK && CloseHandle(posix_handle(fd))) return 0;
    return posix_told(-1);
}

/* A file as the C library opens it, by its HANDLE. */
static inline int posix_open(const char *path, int flags, ...) {
    HANDLE copy = NULL;
    int fd = _open(strcmp(path, "/dev/null") ? path : "NUL", flags | _O_BINARY, _S_IREAD | _S_IWRITE);
    if (fd < 0) return -1;
    DuplicateHandle(GetCurrentProcess(), (HANDLE)_get_osfhandle(fd), GetCurrentProcess(), &copy, 0, FALSE,
                    DUPLICATE_SAME_ACCESS);
    _close(fd);
    return (int)(intptr_t)copy;
}

static inline int posix_set_nonblocking(int fd, unsigned long on) {
    return posix_told(ioctlsocket(posix_socket_of(fd), (long)FIONBIO, &on));
}

/* O_NONBLOCK is all that is set, and Winsock does not tell it: nothing is what is asked for, but whether there is such a
 * socket. */
static inline int posix_fcntl(int fd, int command, int flags, ...) {
    int type;
    socklen_t size = sizeof type;
    if (command == F_SETFL) return posix_set_nonblocking(fd, (flags & O_NONBLOCK) != 0);
    return posix_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
}

static inline int posix_ioctl(int fd, long command, int *value) {
    unsigned long number = (unsigned long)*value;
    int result = posix_told(ioctlsocket(posix_socket_of(fd), command, &number));
    *value = (int)number;
    return result;
}

struct posix_pollfd {
    int fd;
    short events, revents;
};

static inline int posix_poll(struct posix_pollfd *fds, unsigned count, int timeout) {
    WSAPOLLFD native[64];
    if (count > 64) return errno = EINVAL, -1;
    for (unsigned i = 0; i < count; i++)
        native[i] = (WSAPOLLFD){posix_socket_of(fds[i].fd), (short)(fds[i].events & ~POLLPRI), 0};
    int found = posix_told(WSAPoll(native, count, timeout));
    for (unsigned i = 0; i < count; i++) fds[i].revents = native[i].revents;
    return found;
}

/* A call that must not wait, on a socket that otherwise does: the tests ask for it on such only. */
static inline ssize_t posix_send(int fd, const void *bytes, size_t length, int flags) {
    int now = flags & MSG_DONTWAIT;
    if (now && posix_set_nonblocking(fd, 1) < 0) return -1;
    ssize_t n = posix_told(send(posix_socket_of(fd), bytes, (int)length, flags & ~MSG_DONTWAIT));
    int error = errno;
    if (now) posix_set_nonblocking(fd, 0);
    errno = error;
    return n;
}

static inline ssize_t posix_recv(int fd, void *bytes, size_t length, int flags) {
    if (flags & MSG_DONTWAIT) {
        struct posix_pollfd ready = {fd, POLLIN, 0};
        if (posix_poll(&ready, 1, 0) == 0) return errno = EAGAIN, -1;
    }
    return posix_told(recv(posix_socket_of(fd), bytes, (int)length, flags & ~MSG_DONTWAIT));
}

static inline ssize_t posix_sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *address,
                                   socklen_t size) {
    return posix_told(sendto(posix_socket_of(fd), bytes, (int)length, flags, address, size));
}

static inline ssize_t posix_recvfrom(int fd, void *bytes, size_t capacity, int flags, struct sockaddr *address,
                                     socklen_t *size) {
    return posix_told(recvfrom(posix_socket_of(fd), bytes, (int)capacity, flags, address, size));
}

static inline ssize_t posix_write(int fd, const void *bytes, size_t length) {
    DWORD count;
    if (posix_is_file(fd)) return _write(fd, bytes, (unsigned)length);
    ssize_t n = posix_send(fd, bytes, length, 0);
    if (n >= 0 || WSAGetLastError() != WSAENOTSOCK) return n;
    return WriteFile(posix_handle(fd), bytes, (DWORD)length, &count, NULL) ? (ssize_t)count : -1;
}

static inline ssize_t posix_read(int fd, void *bytes, size_t length) {
    DWORD count;
    if (posix_is_file(fd)) return _read(fd, bytes, (unsigned)length);
    ssize_t n = posix_recv(fd, bytes, length, 0);
    if (n >= 0 || WSAGetLastError() != WSAENOTSOCK) return n;
    return ReadFile(posix_handle(fd), bytes, (DWORD)length, &count, NULL) ? (ssize_t)count : -1;
}

static inline ssize_t pread(int fd, void *bytes, size_t length, off_t at) {
    return _lseek(fd, at, SEEK_SET) < 0 ? -1 : _read(fd, bytes, (unsigned)length);
}

/* No descriptor tells its name. */
static inline ssize_t readlink(const char *path, char *text, size_t size) {
    return (void)path, (void)text, (void)size, errno = ENOSYS, -1;
}

static inline int lstat(const char *path, struct stat *about) { return stat(path, about); }

/* A mode keeps nobody out. */
static inline unsigned geteuid(void) { return 0; }

static inline int posix_mkdir(const char *path, unsigned mode) { return (void)mode, _mkdir(path); }

/* There are no FIFOs, and links take rights that users do not have. */
static inline int mkfifo(const char *path, unsigned mode) { return (void)path, (void)mode, errno = ENOSYS, -1; }
static inline int symlink(const char *to, const char *path) { return (void)to, (void)path, errno = ENOSYS, -1; }

/* Folders too. */
static inline int posix_remove(const char *path) { return remove(path) == 0 ? 0 : _rmdir(path); }

static inline char *mkdtemp(char *path) {
    static unsigned made;
    do snprintf(path + strlen(path) - 6, 7, "%06u", (unsigned)(GetCurrentProcessId() * 97 + made++) % 1000000);
    while (_mkdir(path) < 0 && errno == EEXIST);
    return _access(path, 0) == 0 ? path : NULL;
}

/* The one interface that every machine has. */
static inline unsigned if_nametoindex(const char *name) { return strcmp(name, "lo") ? 0 : 1; }

enum { _SC_PAGESIZE };

static inline long sysconf(int name) { return (void)name, 4096; }

/* Two connected sockets; what is asked for besides does not matter here. */
static inline int posix_pair(int fds[2]) {
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    int listener = posix_socket(AF_INET, SOCK_STREAM, 0);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fds[0] = fds[1] = -1;
    if (listener >= 0 && posix_bind(listener, (struct sockaddr *)&address, size) == 0 && posix_listen(listener, 1) == 0 &&
        posix_getsockname(listener, (struct sockaddr *)&address, &size) == 0) {
        fds[1] = posix_socket(AF_INET, SOCK_STREAM, 0);
        if (posix_connect(fds[1], (struct sockaddr *)&address, size) == 0) fds[0] = posix_accept(listener, NULL, NULL);
    }
    if (listener >= 0) posix_close(listener);
    if (fds[0] < 0 && fds[1] >= 0) posix_close(fds[1]);
    return fds[0] < 0 ? -1 : 0;
}

/* How many sockets are open, among the first thousand handles. */
static inline int posix_open_sockets(void) {
    int count = 0;
    for (SOCKET handle = 4; handle < 4096; handle += 4) {
        int type, size = sizeof type;
        count += getsockopt(handle, SOL_SOCKET, SO_TYPE, (char *)&type, &size) == 0;
    }
    return count;
}

/* ---- the harness's alarm: one at a time, from a thread that waits for it or for its end */

struct sigaction {
    void (*sa_handler)(int);
    int sa_flags;
};

static void (*posix_alarm_handler)(int);
static HANDLE posix_alarm_thread, posix_alarm_ended;

static inline int sigaction(int signum, const struct sigaction *action, struct sigaction *before) {
    if (signum != SIGALRM || before) return errno = EINVAL, -1;
    posix_alarm_handler = action->sa_handler;
    return 0;
}

static inline DWORD WINAPI posix_alarm_wait(void *seconds) {
    if (WaitForSingleObject(posix_alarm_ended, (DWORD)(uintptr_t)seconds * 1000) == WAIT_TIMEOUT)
        posix_alarm_handler(SIGALRM);
    return 0;
}

static inline unsigned alarm(unsigned seconds) {
    if (posix_alarm_thread) {
        SetEvent(posix_alarm_ended);
        WaitForSingleObject(posix_alarm_thread, INFINITE);
        CloseHandle(posix_alarm_thread);
        CloseHandle(posix_alarm_ended);
        posix_alarm_thread = NULL;
    }
    if (seconds > 0) {
        posix_alarm_ended = CreateEvent(NULL, TRUE, FALSE, NULL);
        posix_alarm_thread = CreateThread(NULL, 0, posix_alarm_wait, (void *)(uintptr_t)seconds, 0, NULL);
    }
    return 0;
}

static inline int setenv(const char *name, const char *value, int overwrite) {
    return (void)overwrite, SetEnvironmentVariableA(name, value) ? 0 : -1;
}

static inline int unsetenv(const char *name) { return SetEnvironmentVariableA(name, NULL) ? 0 : -1; }

#define socket posix_socket
#define bind posix_bind
#define listen posix_listen
#define accept posix_accept
#define connect posix_connect
#define getsockname posix_getsockname
#define getpeername posix_getpeername
#define setsockopt posix_setsockopt
#define getsockopt posix_getsockopt
#define shutdown posix_shutdown
#define send posix_send
#define recv posix_recv
#define sendto posix_sendto
#define recvfrom posix_recvfrom
#define read posix_read
#define write posix_write
#define close posix_close
#define mkdir posix_mkdir
#define remove posix_remove
#define open posix_open
#define dup2(from, to) (_dup2((from), (to)) < 0 ? -1 : (to))
#define fcntl(...) posix_fcntl(__VA_ARGS__, 0)
#define ioctl posix_ioctl
#define pollfd posix_pollfd
#define poll posix_poll
#define pipe posix_pair
#define socketpair(family, type, protocol, fds) posix_pair(fds)

#endif
