/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Serves the files of a folder over HTTP/1.1, to browsers, curl and thousands of clients at once.
 *
 *     http_files [--port 8080] [--host 127.0.0.1] [--list] [--log] [--patience SECONDS] [--clients MOST] FOLDER
 *
 * Port 0 takes any free one; the first line of output says which. --list shows folders without an index.html, --log tells
 * of every request, --patience is how long a client may take for a request or for its next piece of an answer.
 *
 * GET and HEAD, connections kept alive, requests sent ahead, ranges, ETag and If-Modified-Since. Nothing outside of the
 * folder is served, wherever symbolic links may lead. One task a client, in straight lines; whatever waits for the disk
 * does so on the pool, and the kernel moves a file's bytes to the client by itself. Ctrl-C ends it. What has nothing to do
 * with a loop, the words of HTTP, is in http.h. */
#define _DEFAULT_SOURCE 1
#include "http.h"
#include <rondel.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_SIZE = 8 * 1024, PIECE = 256 * 1024 };

struct server {
    rondel_loop loop;
    char root[PATH_MAX]; /* without symbolic links, and without a slash at its end */
    int list, log;
    int64_t patience, most, clients, served;
    struct client *first; /* of all there are */
};

/* What the pool finds for a path. */
struct found {
    const struct server *server;
    const char *path;
    char real[PATH_MAX];
    int fd;             /* of a file to send, or -1 */
    struct stat about;  /* of that file */
    char *listing;      /* or this to send */
    size_t length;
};

struct client {
    struct server *server;
    struct client *next, *before;
    rondel_tcp tcp;
    int64_t last; /* the status of the last answer */
    char head[HEAD_SIZE + 1];
    struct request request;
    struct found found;
};

/* ---- answers */

static void format_etag(char text[64], const struct stat *about) {
    snprintf(text, 64, "\"%llx-%llx-%llx\"", (unsigned long long)about->st_ino, (unsigned long long)about->st_size,
             (unsigned long long)about->st_mtim.tv_sec * 1000000000u + (unsigned long long)about->st_mtim.tv_nsec);
}

/* Queues the head of an answer; it leaves together with what is queued behind it. `extra`: further lines, each with its
 * end. */
static int64_t write_head(struct client *client, int status, int64_t length, const char *extra, ...) {
    char text[2 * PATH_SIZE + 1024], date[40];
    va_list arguments;
    format_date(date, time(NULL));
    int n = snprintf(text, sizeof text, "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: %s\r\n", status, reason(status), date,
                     client->request.keep_alive ? "keep-alive" : "close");
    if (status != 304) n += snprintf(text + n, sizeof text - (size_t)n, "Content-Length: %lld\r\n", (long long)length);
    va_start(arguments, extra);
    n += vsnprintf(text + n, sizeof text - (size_t)n, extra, arguments);
    va_end(arguments);
    if ((size_t)n + 3 > sizeof text) return RONDEL_EMSGSIZE;
    n += snprintf(text + n, sizeof text - (size_t)n, "\r\n");
    client->last = status;
    client->server->served++;
    return rondel_write(client->tcp, text, (size_t)n, NULL, NULL);
}

static int is_head(const struct client *client) {
    return client->request.method && !strcmp(client->request.method, "HEAD");
}

/* A short answer in words. */
static int64_t say(struct client *client, int status, const char *extra) {
    char text[64];
    int n = snprintf(text, sizeof text, "%d %s\n", status, reason(status));
    int64_t code = write_head(client, status, n, "Content-Type: text/plain; charset=utf-8\r\n%s", extra);
    return code < 0 || is_head(client) ? code : rondel_write(client->tcp, text, (size_t)n, NULL, NULL);
}

/* ---- on the pool: what a path leads to */

static void put(struct found *found, size_t *room, const char *text, int escaped) {
    for (; *text; text++) {
        char one[8];
        int plain = !escaped || isalnum((unsigned char)*text) || strchr("-_.~/ ", *text);
        const char *format = plain && !(escaped == 1 && *text == ' ') ? "%c" : escaped == 1 ? "%%%02X" : "&#%d;";
        size_t n = (size_t)snprintf(one, sizeof one, format, (unsigned char)*text);
        if (escaped == 2 && (unsigned char)*text >= 0x80) one[0] = *text, n = 1; /* UTF-8 goes as it is */
        if (found->length + n + 1 > *room) {
            char *more = realloc(found->listing, *room = 2 * *room + 1024);
            if (!more) return;
            found->listing = more;
        }
        memcpy(found->listing + found->length, one, n);
        found->length += n;
    }
}

/* A folder as a page. 1: as an address, 2: as text. */
static int list_folder(struct found *found) {
    struct dirent **entries;
    size_t room = 0;
    int count = scandir(found->real, &entries, NULL, alphasort);
    if (count < 0) return 404;
    put(found, &room, "<!DOCTYPE html><meta charset=utf-8><title>", 0), put(found, &room, found->path, 2);
    put(found, &room, "</title>\n<ul>\n", 0);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            put(found, &room, "<li><a href=\"./", 0), put(found, &room, entries[i]->d_name, 1);
            put(found, &room, "\">", 0), put(found, &room, entries[i]->d_name, 2), put(found, &room, "</a>\n", 0);
        }
        free(entries[i]);
    }
    free(entries);
    put(found, &room, "</ul>\n", 0);
    return 200;
}

/* Gives a status; with 200 there is a descriptor or a listing. */
static int64_t find(void *arg) {
    struct found *found = arg;
    const struct server *server = found->server;
    char path[PATH_MAX + PATH_SIZE + 16];
    size_t root = strlen(server->root);
    snprintf(path, sizeof path, "%s%s", server->root, found->path);
    for (int index = 0; index < 2; index++) {
        if (!realpath(path, found->real)) break;
        /* Where symbolic links lead is known now; it has to be inside. */
        if (strncmp(found->real, server->root, root) != 0 || (found->real[root] != '/' && found->real[root] != 0))
            return 404;
        if (stat(found->real, &found->about) < 0) break;
        if (!S_ISDIR(found->about.st_mode)) {
            int slash = found->path[strlen(found->path) - 1] == '/' && !index;
            if (slash || !S_ISREG(found->about.st_mode)) return 404;
            found->fd = open(found->real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
            if (found->fd < 0) return errno == EACCES ? 403 : 404;
            return fstat(found->fd, &found->about) < 0 ? 500 : 200;
        }
        if (found->path[strlen(found->path) - 1] != '/') return 301;
        snprintf(path, sizeof path, "%s%sindex.html", server->root, found->path);
        if (access(path, F_OK) < 0) return server->list ? list_folder(found) : 404;
    }
    return errno == EACCES ? 403 : 404;
}

/* ---- serving */

/* Sends a piece at a time, so that a client may be slow, but not as slow as it likes. */
static int64_t send_pieces(struct client *client, rondel_file file, int64_t first, int64_t length) {
    while (length > 0) {
        int64_t piece = length < PIECE ? length : PIECE;
        int64_t sent = rondel_await(rondel_timeout(
            rondel_send_file(client->tcp, file, first, piece, RONDEL_FUTURE), client->server->patience));
        if (sent < 0) return sent;
        if (sent < piece) return RONDEL_EOF; /* it has shrunk: all we can do is to break our word audibly */
        first += sent, length -= sent;
    }
    return 0;
}

static int64_t send_found_file(struct client *client) {
    const struct request *request = &client->request;
    struct found *found = &client->found;
    int64_t size = found->about.st_size, first = 0, last = size - 1, code;
    int status = 200, unchanged;
    char modified[40], etag[64], range[96] = "";
    format_date(modified, found->about.st_mtime);
    format_etag(etag, &found->about);
    if (request->if_none_match)
        unchanged = !strcmp(request->if_none_match, "*") || strstr(request->if_none_match, etag) != NULL;
    else
        unchanged = request->if_modified_since && parse_date(request->if_modified_since) >= found->about.st_mtime;
    if (unchanged) return write_head(client, 304, 0, "ETag: %s\r\nLast-Modified: %s\r\n", etag, modified);
    int same = !request->if_range || !strcmp(request->if_range, etag) || !strcmp(request->if_range, modified);
    if (request->range && same) {
        int known = parse_range(request->range, size, &first, &last);
        if (known < 0) {
            snprintf(range, sizeof range, "Content-Range: bytes */%lld\r\n", (long long)size);
            return say(client, 416, range);
        }
        if (known > 0) {
            status = 206;
            snprintf(range, sizeof range, "Content-Range: bytes %lld-%lld/%lld\r\n", (long long)first, (long long)last,
                     (long long)size);
        } else {
            first = 0, last = size - 1;
        }
    }
    code = write_head(client, status, last - first + 1,
                      "Content-Type: %s\r\nETag: %s\r\nLast-Modified: %s\r\nAccept-Ranges: bytes\r\n%s",
                      content_type(found->real), etag, modified, range);
    if (code < 0 || is_head(client)) return code;
    rondel_file file = rondel_file_open_fd(client->server->loop, found->fd);
    if (file < 0) return file;
    found->fd = -1; /* the handle's now */
    code = send_pieces(client, file, first, last - first + 1);
    rondel_close(file);
    return code;
}

static int64_t redirect_to_folder(struct client *client) {
    char extra[PATH_SIZE + 32];
    const char *target = client->request.target;
    if (*target != '/') return say(client, 400, "");
    target += strspn(target, "/") - 1; /* two slashes in front would be another server's name */
    int n = snprintf(extra, sizeof extra, "Location: %.*s/\r\n", (int)strcspn(target, "?#"), target);
    return say(client, (size_t)n < sizeof extra ? 301 : 414, (size_t)n < sizeof extra ? extra : "");
}

static int64_t send_listing(struct client *client) {
    struct found *found = &client->found;
    int64_t code = write_head(client, 200, (int64_t)found->length, "Content-Type: text/html; charset=utf-8\r\n");
    if (code < 0 || is_head(client)) return code;
    return rondel_await(rondel_timeout(
        rondel_write_borrowed(client->tcp, found->listing, found->length, RONDEL_FUTURE), client->server->patience));
}

static int64_t answer(struct client *client) {
    struct request *request = &client->request;
    struct found *found = &client->found;
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
        return say(client, 405, "Allow: GET, HEAD\r\n");
    memset(found, 0, sizeof *found);
    found->server = client->server, found->path = request->path, found->fd = -1;
    /* If the client goes or the server ends meanwhile, this waits for the pool all the same: it has our memory. */
    int64_t code = rondel_await(rondel_work(client->server->loop, find, found, RONDEL_FUTURE));
    if (code == 200) code = found->fd < 0 ? send_listing(client) : send_found_file(client);
    else if (code == 301) code = redirect_to_folder(client);
    else if (code > 0) code = say(client, (int)code, "");
    if (found->fd >= 0) close(found->fd);
    free(found->listing);
    return code;
}

/* One request and its answer. Whether another one may follow, or a negative code. */
static int64_t serve_request(struct client *client) {
    struct server *server = client->server;
    struct request *request = &client->request;
    int64_t n = rondel_await(rondel_timeout(
        rondel_read_until(client->tcp, client->head, HEAD_SIZE, "\r\n\r\n", 4, RONDEL_FUTURE), server->patience));
    request->keep_alive = 0;
    request->method = NULL;
    if (n == RONDEL_EMSGSIZE) return n = say(client, 431, ""), n < 0 ? n : 0;
    if (n == RONDEL_ETIMEDOUT) return n = say(client, 408, ""), n < 0 ? n : 0;
    if (n < 0) return n; /* gone, in order or not */
    client->head[n] = 0;
    int status = parse(request, client->head, (size_t)n);
    if (status) request->keep_alive = 0;
    int64_t code = status ? say(client, status, "") : answer(client);
    if (server->log)
        printf("%lld %s %s\n", (long long)(code < 0 ? code : client->last), request->method ? request->method : "-",
               request->target ? request->target : "-");
    return code < 0 ? code : request->keep_alive;
}

/* A client that is still sending would get a reset instead of our last answer: it is heard out, for a while. */
static void see_off(rondel_tcp tcp, char *room, size_t size) {
    int64_t until = rondel_clock() + 2 * RONDEL_SECOND, left;
    int64_t code = rondel_await(rondel_timeout(rondel_shutdown(tcp, RONDEL_FUTURE), 2 * RONDEL_SECOND));
    for (int i = 0; code >= 0 && i < 256 && (left = until - rondel_clock()) > 0; i++)
        code = rondel_await(rondel_timeout(rondel_read(tcp, room, size, RONDEL_FUTURE), left));
}

static struct client *come(struct server *server, rondel_tcp tcp) {
    struct client *client = server->clients < server->most ? malloc(sizeof *client) : NULL;
    if (!client) return NULL;
    client->server = server;
    client->tcp = tcp;
    client->before = NULL;
    client->next = server->first;
    if (client->next) client->next->before = client;
    server->first = client;
    /* Who takes no answers is read no further, and meets the deadline for the next request. */
    rondel_set_watermarks(tcp, 64 * 1024, 1024 * 1024, NULL, NULL);
    server->clients++;
    return client;
}

static void go(struct client *client) {
    struct server *server = client->server;
    if (client->next) client->next->before = client->before;
    *(client->before ? &client->before->next : &server->first) = client->next;
    server->clients--;
    free(client);
}

static int64_t serve(void *arg) {
    struct client *client = arg;
    int64_t more;
    while ((more = serve_request(client)) > 0) continue;
    if (more == 0) see_off(client->tcp, client->head, HEAD_SIZE);
    rondel_close(client->tcp);
    go(client);
    return 0;
}

static void on_accept(rondel_tcp listener, int64_t tcp, void *user_data) {
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    struct server *server = user_data;
    (void)listener;
    if (tcp < 0) {
        fprintf(stderr, "http_files: accept: %s\n", rondel_error_message(tcp)); /* out of descriptors, say */
        return;
    }
    struct client *client = come(server, tcp);
    if (client && rondel_release(rondel_task_spawn(server->loop, serve, client)) >= 0) return;
    if (client) go(client);
    rondel_write(tcp, busy, sizeof busy - 1, NULL, NULL);
    rondel_close_when_sent(tcp);
}

/* ---- start and end */

static void on_signal(rondel_signal signal, int64_t number, void *user_data) {
    (void)signal, (void)number;
    rondel_stop(((struct server *)user_data)->loop);
}

static int usage(void) {
    fprintf(stderr, "usage: http_files [--port 8080] [--host 127.0.0.1] [--list] [--log] [--patience SECONDS] "
                    "[--clients MOST] FOLDER\n");
    return 2;
}

int main(int argc, char **argv) {
    static struct server server = {.patience = 30 * RONDEL_SECOND, .most = 20000};
    const char *host = "127.0.0.1", *folder = NULL;
    int port = 8080, bound = 0;
    struct rlimit limit;
    for (int i = 1; i < argc; i++) {
        int more = i + 1 < argc;
        if (!strcmp(argv[i], "--list")) server.list = 1;
        else if (!strcmp(argv[i], "--log")) server.log = 1;
        else if (!strcmp(argv[i], "--port") && more) port = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--host") && more) host = argv[++i];
        else if (!strcmp(argv[i], "--patience") && more) server.patience = atoll(argv[++i]) * RONDEL_SECOND;
        else if (!strcmp(argv[i], "--clients") && more) server.most = atoll(argv[++i]);
        else if (argv[i][0] != '-' && !folder) folder = argv[i];
        else return usage();
    }
    if (!folder || server.patience <= 0 || server.most <= 0) return usage();
    if (!realpath(folder, server.root) || access(server.root, X_OK) < 0) {
        fprintf(stderr, "http_files: %s: %s\n", folder, strerror(errno));
        return 1;
    }
    if (!strcmp(server.root, "/")) server.root[0] = 0;
    /* A client is a descriptor, and the file that it gets another one. */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);

    rondel_loop loop = server.loop = rondel_loop_new();
    rondel_tcp listener = rondel_tcp_listen(loop, host, port, on_accept, &server);
    int64_t code = rondel_local_addr(listener, NULL, 0, &bound);
    if (code >= 0) code = rondel_signal_start(loop, SIGINT, on_signal, &server);
    if (code >= 0) code = rondel_signal_start(loop, SIGTERM, on_signal, &server);
    if (code >= 0) {
        printf("serving %s at http://%s:%d/\n", folder, host, bound);
        code = rondel_run(loop, RONDEL_RUN_DEFAULT);
    }
    if (code < 0) fprintf(stderr, "http_files: %s\n", rondel_error_message(code));
    /* Cancels what goes on: every task comes to its end, and frees what it has. */
    int64_t freed = rondel_loop_free(loop);
    while (server.first) go(server.first); /* whose tasks had not even begun */
    printf("served %lld requests\n", (long long)server.served);
    return code < 0 || freed < 0;
}
