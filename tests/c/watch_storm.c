/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A tree of folders in which all is made, moved and removed at random, and a copy of it that is kept by what is told. */
#include "support/test.h"

#include "support/steps.h"
#include "support/watch.h"

enum { MOST = 2048, LENGTH = 400, OPERATIONS = 250 };

enum { GONE, THERE, UNSURE };

struct tree {
    int count;
    struct {
        char path[LENGTH];
        int state, folder;
    } nodes[MOST];
};

/* As it is, and as it was told. */
static struct tree real, copy;
static int64_t overflows;

static int is_in(const char *path, const char *folder) {
    size_t length = strlen(folder);
    return !strncmp(path, folder, length) && (path[length] == '/' || path[length] == 0);
}

static void set(struct tree *tree, const char *path, int state, int folder) {
    int i = 0;
    while (i < tree->count && (tree->nodes[i].state == GONE || strcmp(tree->nodes[i].path, path))) i++;
    if (i == tree->count)
        for (i = 0; i < tree->count && tree->nodes[i].state != GONE;) i++;
    REQUIRE(i < MOST);
    tree->count += i == tree->count;
    REQUIRE(snprintf(tree->nodes[i].path, LENGTH, "%s", path) < LENGTH);
    tree->nodes[i].state = state;
    tree->nodes[i].folder = folder;
}

static void drop(struct tree *tree, const char *path) {
    for (int i = 0; i < tree->count; i++)
        if (is_in(tree->nodes[i].path, path)) tree->nodes[i].state = GONE;
}

static void rename_in_copy(const char *old, const char *name) {
    drop(&copy, name);
    for (int i = 0; i < copy.count; i++) {
        char path[LENGTH];
        if (copy.nodes[i].state == GONE || !is_in(copy.nodes[i].path, old)) continue;
        REQUIRE(snprintf(path, LENGTH, "%s%s", name, copy.nodes[i].path + strlen(old)) < LENGTH);
        strcpy(copy.nodes[i].path, path);
    }
    set(&copy, name, THERE, 0);
}

static void follow(rondel_handle watch, int64_t all, void *user_data) {
    (void)user_data;
    overflows += (all & RONDEL_WATCH_OVERFLOW) != 0;
    for (int64_t i = 0, count = rondel_watch_count(watch); i < count; i++) {
        char path[PATH_MAX], old[PATH_MAX];
        int64_t what = rondel_watch_what(watch, (size_t)i);
        const char *name = path + strlen(room) + 1;
        CHECK(rondel_watch_path(watch, (size_t)i, path, sizeof path) > 0);
        CHECK(rondel_watch_old_path(watch, (size_t)i, old, sizeof old) >= 0);
        if (what & RONDEL_WATCH_RENAMED) rename_in_copy(old + strlen(room) + 1, name);
        if (what & RONDEL_WATCH_REMOVED) drop(&copy, name);
        /* With both it is there or not: that is looked at in the end, wherever it has gone. */
        if (what & RONDEL_WATCH_CREATED) set(&copy, name, what & RONDEL_WATCH_REMOVED ? UNSURE : THERE, 0);
    }
}

static void list(struct tree *tree, const char *name) {
    DIR *folder = opendir(in_room(name));
    if (!folder) return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[LENGTH];
        struct stat file;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        REQUIRE(snprintf(path, sizeof path, "%s/%s", name, entry->d_name) < LENGTH);
        CHECK_EQ(lstat(in_room(path), &file), 0);
        set(tree, path, THERE, S_ISDIR(file.st_mode));
        if (S_ISDIR(file.st_mode)) list(tree, path);
    }
    closedir(folder);
}

/* A folder of the tree, or the whole. */
static const char *some_folder(uint64_t *random) {
    int folders = 0;
    for (int i = 0; i < real.count; i++) folders += real.nodes[i].folder;
    int wanted = (int)(next_random(random) % (uint64_t)(folders + 1));
    for (int i = 0; i < real.count; i++)
        if (real.nodes[i].folder && wanted-- == 0) return real.nodes[i].path;
    return "watched";
}

/* A folder is not moved into itself; nor is the whole. */
static void rename_if_possible(const char *old, const char *name) {
    if (strcmp(old, "watched") && !is_in(name, old)) move(old, name);
}

static void operate(uint64_t *random, int step) {
    char name[LENGTH], other[LENGTH + 8];
    real.count = 0;
    list(&real, "watched");
    const char *folder = some_folder(random), *source = some_folder(random);
    if (strlen(folder) > LENGTH / 4) folder = "watched";
    snprintf(name, sizeof name, "%s/n%d", folder, step);
    switch (next_random(random) % 16) {
    case 0: case 1: case 2: case 3:
        make_folder(name);
        snprintf(other, sizeof other, "%s/e", name);
        make_folder(other);
        break;
    case 4: case 5: case 6: make_file(name); break;
    case 7: case 8: case 9: rename_if_possible(source, name); break;
    case 10: case 11:
        snprintf(other, sizeof other, "outside/o%d", step);
        rename_if_possible(source, other);
        break;
    case 12: case 13: {
        static struct tree outside;
        outside.count = 0;
        list(&outside, "outside");
        for (int i = 0; i < outside.count; i++)
            if (outside.nodes[i].folder && next_random(random) % 4 == 0) {
                move(outside.nodes[i].path, name);
                break;
            }
        break;
    }
    case 14:
        clear_folder(in_room(source));
        if (strcmp(source, "watched")) take_away(source);
        break;
    default:
        make_file(name);
        snprintf(other, sizeof other, "%s/same", folder);
        move(name, other);
    }
}

static int64_t differences(void) {
    int64_t count = 0;
    real.count = 0;
    list(&real, "watched");
    for (int i = 0; i < copy.count; i++) {
        struct stat file;
        if (copy.nodes[i].state == GONE) continue;
        int is_there = lstat(in_room(copy.nodes[i].path), &file) == 0;
        if (!is_there && copy.nodes[i].state == UNSURE) copy.nodes[i].state = GONE;
        if (!is_there && copy.nodes[i].state == THERE) {
            fprintf(stderr, "    is not there: %s\n", copy.nodes[i].path);
            count++;
        }
    }
    for (int i = 0; i < real.count; i++) {
        int j = 0;
        while (j < copy.count && (copy.nodes[j].state == GONE || strcmp(copy.nodes[j].path, real.nodes[i].path))) j++;
        if (j == copy.count) {
            fprintf(stderr, "    was not told: %s\n", real.nodes[i].path);
            count++;
        }
    }
    return count;
}

static int is_marked(void) {
    for (int i = 0; i < copy.count; i++)
        if (copy.nodes[i].state == THERE && !strcmp(copy.nodes[i].path, "watched/.mark")) return 1;
    return 0;
}

TEST(whatever_happens_in_a_tree_what_is_told_gives_the_tree) {
    if (ON_WINDOWS) SKIP("of what is in a folder that is moved in nothing is told");
    int descriptors = test_open_descriptors();
    for (uint64_t seed = 1; seed <= (uint64_t)test_scale(20, 3); seed++) {
        uint64_t random = seed * 88172645463325252u;
        make_room();
        make_folder("watched");
        make_folder("outside");
        copy.count = 0;
        overflows = 0;
        rondel_loop loop = rondel_loop_new();
        rondel_path_watch watch = rondel_watch_start(loop, in_room("watched"), RONDEL_WATCH_RECURSIVE, follow, NULL);
        CHECK(watch > 0);
        for (int step = 0; step < OPERATIONS; step++) {
            operate(&random, step);
            if (next_random(&random) % 10 == 0) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
        }
        make_file("watched/.mark");
        while (!is_marked()) CHECK(rondel_run(loop, RONDEL_RUN_ONCE) >= 0);
        int64_t wrong = differences();
        if (wrong) fprintf(stderr, "    with seed %" PRIu64 "\n", seed);
        CHECK_EQ(wrong, 0);
        CHECK_EQ(overflows, 0);
        CHECK_EQ(rondel_close(watch), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(rondel_loop_free(loop), 0);
        leave_room();
    }
    CHECK_EQ(test_open_descriptors(), descriptors);
}

TEST_MAIN(RUN(whatever_happens_in_a_tree_what_is_told_gives_the_tree))
