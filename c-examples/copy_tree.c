/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copies a folder and all that is in it: files, folders and symbolic links, with their permissions and times, and their
 * owners if it may. So many files are copied at once, each by a task; one that cannot be copied is told of, and the rest
 * goes on.
 *
 *     copy_tree [--at-once N] [--progress] FROM TO
 *
 * TO must not be there yet. Ctrl-C ends it; no file is left half written. Ends with 0 if everything was copied. */
#include <rondel.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 4096 };

/* One thing that is being copied: a path here, a path there, and what is known of it. */
struct item {
    struct copying *copying;
    char from[LONGEST], to[LONGEST];
    rondel_stat about;
    int busy;
};

/* A folder whose permissions and times are set at the end: until then it must be writable, and changes. */
struct folder {
    struct folder *before;
    rondel_stat about;
    char to[];
};

struct copying {
    int64_t at_once;
    int progress;
    rondel_loop loop;
    rondel_semaphore places;
    rondel_group group;
    struct item *items; /* as many as are copied at once */
    struct item walk;   /* where the walk is */
    struct folder *folders;
    rondel_stat copy; /* the outermost folder made */
    int64_t files, folder_count, links, bytes, failed;
};

static void tell_failure(struct copying *copying, const char *path, int64_t code) {
    if (code != RONDEL_ECANCELED) fprintf(stderr, "copy_tree: %s: %s\n", path, rondel_error_message(code));
    copying->failed++;
}

/* Gives what was copied the owner, permissions and times of what it was copied from. */
static int64_t dress(struct copying *copying, const char *to, const rondel_stat *about) {
    int64_t result = rondel_await(rondel_file_lchown(copying->loop, to, about->uid, about->gid, RONDEL_FUTURE));
    if (result == RONDEL_EPERM || result == RONDEL_ENOSYS) result = 0; /* only root may give files away */
    if (result == 0 && about->type != RONDEL_FILE_LINK)
        result = rondel_await(rondel_file_chmod(copying->loop, to, (int32_t)(about->mode & 07777), RONDEL_FUTURE));
    if (result == 0)
        result = rondel_await(rondel_file_lutime(copying->loop, to, about->atime, about->mtime, RONDEL_FUTURE));
    return result;
}

/* Makes the same symbolic link. */
static int64_t copy_link(struct item *item) {
    const uint8_t *target;
    rondel_future found = rondel_file_readlink(item->copying->loop, item->from, RONDEL_FUTURE);
    rondel_retain(found); /* the await takes one hold of it, and the bytes are still to be read */
    int64_t result = rondel_await(found);
    if (result >= 0) result = rondel_future_bytes(found, &target);
    if (result >= 0)
        result = rondel_await(
            rondel_file_symlink(item->copying->loop, (const char *)target, item->to, 0, RONDEL_FUTURE));
    rondel_release(found);
    return result;
}

/* A task: copies one file or link. */
static int64_t copy_item(void *arg) {
    struct item *item = arg;
    struct copying *copying = item->copying;
    int64_t result = rondel_await(rondel_file_lstat(copying->loop, item->from, &item->about, RONDEL_FUTURE));
    if (result == 0) {
        if (item->about.type == RONDEL_FILE_REGULAR)
            result = rondel_await(
                rondel_file_copy(copying->loop, item->from, item->to, RONDEL_COPY_EXCLUSIVE, RONDEL_FUTURE));
        else if (item->about.type == RONDEL_FILE_LINK)
            result = copy_link(item);
        else
            result = RONDEL_EOPNOTSUPP; /* a device, a fifo, a socket */
    }
    int64_t bytes = result;
    if (result >= 0) result = dress(copying, item->to, &item->about);
    if (result < 0) {
        tell_failure(copying, item->from, result);
    } else if (item->about.type == RONDEL_FILE_LINK) {
        copying->links++;
    } else {
        copying->files++;
        copying->bytes += bytes;
    }
    item->busy = 0;
    rondel_semaphore_release(copying->places);
    return 0; /* an error would end the others */
}

/* Waits for a place, and has what the walk stands at copied there. */
static int64_t start_item(struct copying *copying) {
    int64_t result = rondel_await(rondel_semaphore_acquire(copying->places, RONDEL_FUTURE));
    if (result < 0) return result;
    struct item *item = copying->items;
    while (item->busy) item++;
    item->busy = 1;
    item->copying = copying;
    memcpy(item->from, copying->walk.from, LONGEST);
    memcpy(item->to, copying->walk.to, LONGEST);
    rondel_future task = rondel_group_spawn(copying->group, copy_item, item);
    return task < 0 ? task : 0;
}

static int64_t copy_folder(struct copying *copying);

/* Goes on to one name in the folder where the walk stands, and comes back. */
static int64_t visit(struct copying *copying, const rondel_dirent *entry) {
    struct item *walk = &copying->walk;
    size_t from = strlen(walk->from), to = strlen(walk->to);
    if (from + entry->length + 2 > LONGEST || to + entry->length + 2 > LONGEST) {
        tell_failure(copying, walk->from, RONDEL_ENAMETOOLONG);
        return 0;
    }
    sprintf(walk->from + from, "/%s", entry->name);
    sprintf(walk->to + to, "/%s", entry->name);
    int64_t result = 0, type = entry->type;
    if (type == RONDEL_FILE_UNKNOWN) { /* not every file system tells */
        result = rondel_await(rondel_file_lstat(copying->loop, walk->from, &walk->about, RONDEL_FUTURE));
        type = walk->about.type;
    }
    if (result == 0) result = type == RONDEL_FILE_FOLDER ? copy_folder(copying) : start_item(copying);
    walk->from[from] = walk->to[to] = '\0';
    return result;
}

/* Whether somebody copies a folder into itself, and it would never end. */
static int is_the_copy(const struct copying *copying, const rondel_stat *about) {
    return copying->folder_count > 0 && about->ino == copying->copy.ino && about->dev == copying->copy.dev;
}

/* Makes the folder where the walk stands, and goes through what is in it. Gives a code only when all is to end. */
static int64_t copy_folder(struct copying *copying) {
    struct item *walk = &copying->walk;
    struct folder *folder = malloc(sizeof *folder + strlen(walk->to) + 1);
    if (!folder) return RONDEL_ENOMEM;
    int64_t result = rondel_await(rondel_file_stat(copying->loop, walk->from, &folder->about, RONDEL_FUTURE));
    if (result == 0 && folder->about.type != RONDEL_FILE_FOLDER) result = RONDEL_ENOTDIR;
    if (result == 0 && is_the_copy(copying, &folder->about)) result = RONDEL_ELOOP;
    if (result == 0) result = rondel_await(rondel_dir_make(copying->loop, walk->to, 0700, RONDEL_FUTURE));
    if (result == 0 && copying->folder_count == 0)
        result = rondel_await(rondel_file_stat(copying->loop, walk->to, &copying->copy, RONDEL_FUTURE));
    if (result < 0) {
        free(folder);
    } else {
        strcpy(folder->to, walk->to);
        folder->before = copying->folders;
        copying->folders = folder;
        copying->folder_count++;
        rondel_future scan = rondel_dir_scan(copying->loop, walk->from, RONDEL_FUTURE);
        rondel_dirent entry;
        rondel_retain(scan);
        result = rondel_await(scan);
        for (int64_t i = 0, count = result; result >= 0 && i < count; i++) {
            result = rondel_dir_entry(scan, (size_t)i, &entry);
            if (result >= 0) result = visit(copying, &entry);
            if (result < 0) break;
        }
        rondel_release(scan);
    }
    if (result >= 0 || result == RONDEL_ECANCELED) return result < 0 ? result : 0;
    tell_failure(copying, walk->from, result);
    return 0;
}

static void show_progress(rondel_handle timer, int64_t result, void *user_data) {
    struct copying *copying = user_data;
    (void)timer;
    (void)result;
    fprintf(stderr, "%" PRId64 " files, %" PRId64 " KiB\n", copying->files, copying->bytes / 1024);
}

static int64_t copy_tree(void *arg) {
    struct copying *copying = arg;
    copying->loop = rondel_loop_current();
    copying->places = rondel_semaphore_new(copying->loop, copying->at_once, 0);
    copying->group = rondel_group_new(copying->loop);
    rondel_timer timer = 0;
    if (copying->progress) timer = rondel_timer_start(copying->loop, 0, 100 * RONDEL_MS, show_progress, copying);
    int64_t result = copy_folder(copying);
    if (result < 0) rondel_group_cancel(copying->group);
    int64_t joined = rondel_await(rondel_group_join(copying->group, RONDEL_FUTURE));
    if (result == 0) result = joined;
    /* From the innermost outward: setting the times of a folder does not change those of the one around it. */
    for (struct folder *next; copying->folders; copying->folders = next) {
        next = copying->folders->before;
        int64_t dressed = result < 0 ? 0 : dress(copying, copying->folders->to, &copying->folders->about);
        if (dressed < 0) tell_failure(copying, copying->folders->to, dressed);
        free(copying->folders);
    }
    if (timer > 0) rondel_close(timer);
    return result;
}

int main(int argc, char **argv) {
    struct copying copying = {.at_once = 16};
    int i = 1;
    for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
        if (!strcmp(argv[i], "--progress")) copying.progress = 1;
        else if (!strcmp(argv[i], "--at-once") && i + 1 < argc) copying.at_once = atoi(argv[++i]);
        else break;
    }
    if (argc - i != 2 || copying.at_once < 1 || copying.at_once > 1000 || strlen(argv[i]) >= LONGEST ||
        strlen(argv[i + 1]) >= LONGEST)
        return fprintf(stderr, "usage: copy_tree [--at-once N] [--progress] FROM TO\n"), 2;
    strcpy(copying.walk.from, argv[i]);
    strcpy(copying.walk.to, argv[i + 1]);
    copying.items = calloc((size_t)copying.at_once, sizeof *copying.items);
    if (!copying.items) return perror("copy_tree"), 1;
    int64_t result = rondel_main(copy_tree, &copying);
    if (result < 0) fprintf(stderr, "copy_tree: %s\n", rondel_error_message(result));
    printf("%" PRId64 " files, %" PRId64 " folders, %" PRId64 " links, %" PRId64 " bytes; %" PRId64 " failed\n",
           copying.files, copying.folder_count, copying.links, copying.bytes, copying.failed);
    free(copying.items);
    return result < 0 || copying.failed > 0;
}
