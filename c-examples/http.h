/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The words of HTTP/1.1, for http_files.c: requests and ranges taken apart, dates, types of files, reasons. Nothing here
 * knows of loops, sockets or files. */
#ifndef HTTP_H
#define HTTP_H

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { PATH_SIZE = 2048 };

/* ---- requests */

struct request {
    const char *method, *target;
    int version; /* 0 or 1, after the dot */
    int keep_alive, has_body;
    const char *host, *range, *if_range, *if_none_match, *if_modified_since;
    char path[PATH_SIZE]; /* decoded: begins with a slash */
};

static int hex(int c) { return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1; }

/* Decodes the path of a target. 0, or the status that it deserves. */
static int decode_path(const char *target, char *path) {
    size_t n = 0;
    if (!strncasecmp(target, "http://", 7)) { /* as clients of proxies have it */
        target += 7;
        target += strcspn(target, "/?");
    }
    if (*target != '/') return 400;
    for (; *target && *target != '?' && *target != '#'; target++) {
        int c = (unsigned char)*target;
        if (c == '%') {
            int high = hex((unsigned char)target[1]), low = high < 0 ? -1 : hex((unsigned char)target[2]);
            if (low < 0) return 400;
            c = high * 16 + low;
            target += 2;
        }
        if (c == 0 || c == '\\') return 400;
        if (n + 1 >= PATH_SIZE) return 414;
        path[n++] = (char)c;
    }
    path[n] = 0;
    /* However it was spelled, the way up is not a way. */
    for (const char *at = path; (at = strstr(at, "/..")) != NULL; at++)
        if (at[3] == '/' || at[3] == 0) return 400;
    return 0;
}

static int has_word(const char *list, const char *word) {
    for (size_t length = strlen(word); *list; list += strcspn(list, ","), list += *list == ',') {
        list += strspn(list, " \t");
        if (!strncasecmp(list, word, length) && strspn(list + length, " \t,") >= (list[length] != 0)) return 1;
    }
    return 0;
}

/* Takes a head apart, in its place. 0, or the status that it deserves. */
static int parse(struct request *request, char *head, size_t length) {
    int hosts = 0;
    memset(request, 0, sizeof *request);
    if (memchr(head, 0, length)) return 400;
    head[length - 2] = 0; /* the empty line; each other line still has its end */
    char *line = head, *end = strstr(head, "\r\n"), *space, *version;
    *end = 0;
    for (const char *c = line; c < end; c++)
        if (iscntrl((unsigned char)*c)) return 400;
    request->method = line;
    if (!(space = strchr(line, ' ')) || !(version = strchr(space + 1, ' ')) || space == line) return 400;
    *space = *version++ = 0;
    request->target = space + 1;
    if (strncmp(version, "HTTP/", 5) != 0) return 400;
    if (strncmp(version, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)version[7]) || version[8]) return 505;
    request->version = version[7] > '0';
    request->keep_alive = request->version;
    for (line = end + 2; *line; line = end + 2) {
        char *name = line, *value = strchr(line, ':');
        if (!(end = strstr(line, "\r\n"))) return 400;
        *end = 0;
        /* A name is one word: neither a line that goes on with the last one nor a blank before the colon. */
        if (!value || value > end || value == name || strcspn(name, " \t") < (size_t)(value - name)) return 400;
        *value++ = 0;
        value += strspn(value, " \t");
        for (char *last = end; last > value && (last[-1] == ' ' || last[-1] == '\t');) *--last = 0;
        if (!strcasecmp(name, "host")) request->host = value, hosts++;
        else if (!strcasecmp(name, "range")) request->range = value;
        else if (!strcasecmp(name, "if-range")) request->if_range = value;
        else if (!strcasecmp(name, "if-none-match")) request->if_none_match = value;
        else if (!strcasecmp(name, "if-modified-since")) request->if_modified_since = value;
        else if (!strcasecmp(name, "transfer-encoding")) request->has_body = 1;
        else if (!strcasecmp(name, "content-length")) request->has_body |= strcmp(value, "0") != 0;
        else if (!strcasecmp(name, "connection"))
            request->keep_alive = has_word(value, "close") ? 0 : request->keep_alive | has_word(value, "keep-alive");
    }
    /* What a body says is nothing to us, and where it ends might be a matter of opinion: it ends the connection. */
    if (request->has_body) request->keep_alive = 0;
    if (hosts > 1 || (request->version && !hosts)) return 400;
    return decode_path(request->target, request->path);
}

/* Of "bytes=first-last": 1 for a range that can be had, -1 for one that cannot, 0 for what is better ignored. */
static int parse_range(const char *text, int64_t size, int64_t *first, int64_t *last) {
    char *end;
    if (strncmp(text, "bytes=", 6) != 0) return 0;
    text += 6;
    errno = 0;
    if (*text == '-' && isdigit((unsigned char)text[1])) { /* so many at the end */
        int64_t count = strtoll(text + 1, &end, 10);
        if (*end || errno) return 0;
        *first = count < size ? size - count : 0;
        *last = size - 1;
        return count > 0 && size > 0 ? 1 : -1;
    }
    if (!isdigit((unsigned char)*text)) return 0;
    *first = strtoll(text, &end, 10);
    if (*end++ != '-' || errno) return 0;
    *last = size - 1;
    if (*end) {
        text = end;
        if (!isdigit((unsigned char)*text)) return 0;
        int64_t wanted = strtoll(text, &end, 10);
        if (*end || errno || wanted < *first) return 0; /* several ranges: the whole is an answer too */
        if (wanted < *last) *last = wanted;
    }
    return *first < size ? 1 : -1;
}

/* ---- answers */

static const char *content_type(const char *path) {
    static const char *const types[][2] = {
        {"html", "text/html; charset=utf-8"}, {"htm", "text/html; charset=utf-8"}, {"css", "text/css; charset=utf-8"},
        {"js", "text/javascript; charset=utf-8"}, {"mjs", "text/javascript; charset=utf-8"},
        {"json", "application/json"}, {"txt", "text/plain; charset=utf-8"}, {"md", "text/markdown; charset=utf-8"},
        {"xml", "application/xml"}, {"csv", "text/csv; charset=utf-8"}, {"svg", "image/svg+xml"}, {"png", "image/png"},
        {"jpg", "image/jpeg"}, {"jpeg", "image/jpeg"}, {"gif", "image/gif"}, {"webp", "image/webp"},
        {"avif", "image/avif"}, {"ico", "image/x-icon"}, {"woff2", "font/woff2"}, {"wasm", "application/wasm"},
        {"pdf", "application/pdf"}, {"mp3", "audio/mpeg"}, {"ogg", "audio/ogg"}, {"mp4", "video/mp4"},
        {"webm", "video/webm"}, {"zip", "application/zip"}, {"gz", "application/gzip"}};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (!strcasecmp(dot + 1, types[i][0])) return types[i][1];
    return "application/octet-stream";
}

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static void format_date(char text[40], time_t when) {
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    struct tm t;
    gmtime_r(&when, &t);
    snprintf(text, 40, "%s, %02d %s %d %02d:%02d:%02d GMT", days[t.tm_wday], t.tm_mday, months[t.tm_mon],
             t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

/* -1 for anything but the one format that clients send. */
static time_t parse_date(const char *text) {
    struct tm t = {0};
    char month[4] = "";
    if (sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &t.tm_mday, month, &t.tm_year, &t.tm_hour, &t.tm_min,
               &t.tm_sec) != 6)
        return -1;
    for (t.tm_mon = 0; t.tm_mon < 12 && strcmp(months[t.tm_mon], month) != 0;) t.tm_mon++;
    t.tm_year -= 1900;
    return t.tm_mon < 12 ? timegm(&t) : -1;
}

static const char *reason(int status) {
    switch (status) {
    case 200: return "OK";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 414: return "URI Too Long";
    case 416: return "Range Not Satisfiable";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    default: return "HTTP Version Not Supported";
    }
}

#endif
