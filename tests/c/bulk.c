/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Much data, many connections, and signals all the while. The two sides are two loops in two threads, and every
 * byte that comes is compared with the pattern.
 */
#include "support/net.h"

#include <sched.h>

enum { LOW = 256 << 10, HIGH = 1 << 20 };

/* ---- one connection, both ways at once, as fast as it goes */

struct end {
    rondel_loop loop;
    rondel_stream stream;
    uint64_t total, sent, got, send_from, get_from;
    int64_t ends, wrote, writes, closed, largest;
    int waiting, more_asked;
};

static void produce(struct end *end);

static void produce_soon(rondel_handle source, int64_t result, void *user_data) {
    struct end *end = user_data;
    (void)source;
    if (result < 0) return;
    end->more_asked = 0;
    if (!end->waiting) produce(end);
}

static void wrote(rondel_handle source, int64_t result, void *user_data) {
    struct end *end = user_data;
    (void)source;
    CHECK(result > 0);
    end->wrote++;
}

static void produce(struct end *end) {
    const uint8_t *table = net_pattern();
    for (int pieces = 0; pieces < 16 && end->sent < end->total; pieces++) {
        /* Straight out of the table, so that the making of bytes costs nothing; sizes from tiny to large. */
        size_t from = (size_t)((end->send_from + end->sent) % NET_PERIOD);
        size_t length = end->writes % 5 == 0 ? 100 : end->writes % 5 == 1 ? 400000 : 65536;
        if (length > NET_PERIOD - from) length = NET_PERIOD - from;
        if (length > end->total - end->sent) length = (size_t)(end->total - end->sent);
        rondel_future future = end->writes % 2 ? rondel_write_borrowed(end->stream, table + from, length, wrote, end)
                                               : rondel_write(end->stream, table + from, length, wrote, end);
        REQUIRE(future > 0);
        end->writes++;
        end->sent += length;
        int64_t queued = rondel_write_queue_size(end->stream);
        if (queued > end->largest) end->largest = queued;
        if (queued > HIGH) {
            end->waiting = 1; /* until the low mark */
            return;
        }
    }
    if (end->sent == end->total) {
        CHECK(rondel_shutdown(end->stream, NULL, NULL) > 0);
        end->sent++; /* once */
    } else if (end->sent < end->total && !end->more_asked) {
        end->more_asked = 1;
        CHECK(rondel_call_soon(end->loop, produce_soon, end) > 0);
    }
}

static void marked(rondel_handle stream, int64_t above, void *user_data) {
    struct end *end = user_data;
    (void)stream;
    if (above) return;
    end->waiting = 0;
    produce(end);
}

static void consume(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct end *end = user_data;
    (void)stream;
    if (n < 0) {
        CHECK_EQ(n, RONDEL_EOF);
        end->ends++;
        return;
    }
    CHECK(net_matches(bytes, (size_t)n, end->get_from + end->got));
    end->got += (uint64_t)n;
}

static void *run_end(void *argument) {
    struct end *end = argument;
    CHECK_EQ(rondel_run(end->loop, RONDEL_RUN_DEFAULT), 0);
    return NULL;
}

static void begin_end(struct end *end, int fd, uint64_t total, uint64_t send_from, uint64_t get_from) {
    memset(end, 0, sizeof *end);
    end->loop = rondel_loop_new();
    end->stream = rondel_tcp_open(end->loop, fd);
    end->total = total;
    end->send_from = send_from;
    end->get_from = get_from;
    CHECK_EQ(rondel_set_watermarks(end->stream, LOW, HIGH, marked, end), 0);
    CHECK_EQ(rondel_read_start(end->stream, consume, end), 0);
    CHECK(rondel_call_soon(end->loop, produce_soon, end) > 0);
}

static void finish_end(struct end *end) {
    CHECK_EQ(end->got, end->total);
    CHECK_EQ(end->sent, end->total + 1);
    CHECK_EQ(end->wrote, end->writes);
    CHECK_EQ(end->ends, 1);
    CHECK(end->largest <= HIGH + 400000);
    CHECK_EQ(rondel_loop_free(end->loop), 0);
}

TEST(a_gibibyte_each_way_through_one_connection) {
    const uint64_t total = (uint64_t)test_scale(1 << 30, 16 << 20);
    struct end ends[2];
    pthread_t threads[2];
    int fds[2];
    REQUIRE(net_pair(fds));
    begin_end(&ends[0], fds[0], total, 0, 777);
    begin_end(&ends[1], fds[1], total, 777, 0);
    for (int i = 0; i < 2; i++) REQUIRE_EQ(pthread_create(&threads[i], NULL, run_end, &ends[i]), 0);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++) finish_end(&ends[i]);
}

/* ---- a storm of signals, of which no call may know anything */

static volatile sig_atomic_t storm_seen;

static void storm_handler(int signum) {
    (void)signum;
    storm_seen = 1;
}

struct storm {
    pthread_t targets[2];
    pthread_mutex_t mutex;
    int over;
    int64_t sent;
};

static void *storm(void *argument) {
    struct storm *storm = argument;
    struct timespec pause = {0, 100000};
    for (int over = 0; !over;) {
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&storm->mutex);
        over = storm->over;
        for (int i = 0; i < 2 && !over; i++) storm->sent += pthread_kill(storm->targets[i], SIGUSR1) == 0;
        pthread_mutex_unlock(&storm->mutex);
    }
    return NULL;
}

static void count_timer(rondel_handle timer, int64_t periods, void *user_data) {
    int64_t *count = user_data;
    CHECK(periods >= 1);
    if (++*count == 20) CHECK_EQ(rondel_close(timer), 0);
}

TEST(a_storm_of_signals_is_never_seen) {
    if (ON_WINDOWS) SKIP("nothing interrupts system calls");
    struct sigaction action, before;
    struct end ends[2];
    struct storm storming = {{pthread_self(), pthread_self()}, PTHREAD_MUTEX_INITIALIZER, 0, 0};
    struct net_op looked = {0}, connected = {0};
    pthread_t other, stormer;
    int fds[2], listener = net_listener("127.0.0.1", 0, 4);
    int64_t ticks = 0;
    memset(&action, 0, sizeof action);
    action.sa_handler = storm_handler; /* without SA_RESTART: calls do end with EINTR */
    sigaction(SIGUSR1, &action, &before);
    REQUIRE(net_pair(fds));
    begin_end(&ends[0], fds[0], (uint64_t)test_scale(64 << 20, 4 << 20), 0, 777);
    begin_end(&ends[1], fds[1], (uint64_t)test_scale(64 << 20, 4 << 20), 777, 0);
    CHECK(rondel_timer_start(ends[0].loop, RONDEL_MS, RONDEL_MS, count_timer, &ticks) > 0);
    CHECK(rondel_resolve(ends[0].loop, "localhost", NULL, 0, net_done, &looked) > 0);
    CHECK(rondel_tcp_connect(ends[0].loop, "127.0.0.1", net_port(listener), net_done, &connected) > 0);
    REQUIRE_EQ(pthread_create(&other, NULL, run_end, &ends[1]), 0);
    storming.targets[1] = other;
    REQUIRE_EQ(pthread_create(&stormer, NULL, storm, &storming), 0);
    while (!storm_seen) sched_yield();
    run_end(&ends[0]);
    /* What a loop alone and idle waits for is not cut short either. */
    struct net_op later = {0};
    int64_t begun = rondel_clock();
    CHECK(rondel_call_later(ends[0].loop, 30 * RONDEL_MS, net_done, &later) > 0);
    CHECK_EQ(rondel_run(ends[0].loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(later.calls, 1);
    CHECK(rondel_clock() - begun >= 30 * RONDEL_MS);
    pthread_mutex_lock(&storming.mutex);
    storming.over = 1;
    pthread_mutex_unlock(&storming.mutex);
    pthread_join(stormer, NULL);
    pthread_join(other, NULL);
    sigaction(SIGUSR1, &before, NULL);
    CHECK_EQ(ticks, 20);
    CHECK(looked.calls == 1 && looked.result >= 1);
    CHECK(connected.calls == 1 && connected.result > 0);
    for (int i = 0; i < 2; i++) finish_end(&ends[i]);
    close(listener);
}

/* ---- ten thousand connections of a few messages */

enum { MESSAGES = 4, AT_ONCE = 100 };

struct server {
    rondel_loop loop;
    rondel_tcp listener;
    int port;
    int64_t accepted, closed;
    uint64_t bytes;
};

static void server_closed(rondel_handle stream, int64_t result, void *user_data) {
    (void)stream, (void)result;
    ((struct server *)user_data)->closed++;
}

static void server_read(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct server *server = user_data;
    if (n < 0) {
        CHECK(n == RONDEL_EOF || n == RONDEL_ECONNRESET);
        CHECK_EQ(rondel_close(stream), 0);
        return;
    }
    server->bytes += (uint64_t)n;
    CHECK(rondel_write(stream, bytes, (size_t)n, NULL, NULL) > 0);
}

static void server_accept(rondel_tcp listener, int64_t peer, void *user_data) {
    struct server *server = user_data;
    (void)listener;
    CHECK(peer > 0);
    server->accepted++;
    CHECK_EQ(rondel_on_close(peer, server_closed, server), 0);
    CHECK_EQ(rondel_read_start(peer, server_read, server), 0);
}

static void *run_server(void *argument) {
    struct server *server = argument;
    CHECK_EQ(rondel_run(server->loop, RONDEL_RUN_DEFAULT), 1);
    return NULL;
}

struct clients {
    rondel_loop loop;
    int port;
    int64_t wanted, begun, ended, right;
    uint64_t bytes;
};

struct client {
    struct clients *all;
    rondel_stream stream;
    int64_t number, messages;
    size_t length;
    uint8_t bytes[2000], reply[2000];
};

static void client_connected(rondel_handle source, int64_t result, void *user_data);

static void client_begin(struct client *client) {
    struct clients *all = client->all;
    if (all->begun == all->wanted) {
        free(client);
        return;
    }
    client->number = all->begun++;
    client->messages = 0;
    CHECK(rondel_tcp_connect(all->loop, "127.0.0.1", all->port, client_connected, client) > 0);
}

static void client_closed(rondel_handle stream, int64_t result, void *user_data) {
    struct client *client = user_data;
    (void)stream, (void)result;
    client->all->ended++;
    client->all->right += client->messages == MESSAGES;
    client_begin(client);
}

static void client_replied(rondel_handle source, int64_t result, void *user_data);

static void client_send(struct client *client) {
    client->length = (size_t)(1 + (client->number * 131 + client->messages * 617) % (int64_t)sizeof client->bytes);
    net_fill(client->bytes, client->length, (uint64_t)(client->number * 7919 + client->messages));
    memset(client->reply, 0, client->length);
    CHECK(rondel_write(client->stream, client->bytes, client->length, NULL, NULL) > 0);
    CHECK(rondel_read_exactly(client->stream, client->reply, client->length, client_replied, client) > 0);
}

static void client_replied(rondel_handle source, int64_t result, void *user_data) {
    struct client *client = user_data;
    (void)source;
    CHECK_EQ(result, client->length);
    if (result == (int64_t)client->length && !memcmp(client->bytes, client->reply, client->length)) client->messages++;
    client->all->bytes += client->length;
    if (client->messages < MESSAGES && result > 0) client_send(client);
    /* Most end by a reset, which spares the system ten thousand sockets in TIME_WAIT. */
    else if (client->number % 8) CHECK_EQ(rondel_tcp_reset(client->stream), 0);
    else CHECK_EQ(rondel_close(client->stream), 0);
}

static void client_connected(rondel_handle source, int64_t result, void *user_data) {
    struct client *client = user_data;
    (void)source;
    CHECK(result > 0);
    if (result < 0) {
        free(client);
        return;
    }
    client->stream = result;
    CHECK_EQ(rondel_on_close(client->stream, client_closed, client), 0);
    client_send(client);
}

TEST(ten_thousand_connections_of_a_few_messages) {
    struct server server = {0};
    struct clients clients = {0};
    pthread_t thread;
    server.loop = rondel_loop_new();
    server.listener = rondel_tcp_listen(server.loop, "127.0.0.1", 0, server_accept, &server);
    CHECK(rondel_local_addr(server.listener, NULL, 0, &server.port) > 0);
    int64_t handles = rondel_metric(server.loop, RONDEL_METRIC_HANDLES);
    REQUIRE_EQ(pthread_create(&thread, NULL, run_server, &server), 0);
    clients.loop = rondel_loop_new();
    clients.port = server.port;
    clients.wanted = test_scale(10000, 500);
    for (int i = 0; i < AT_ONCE; i++) {
        struct client *client = calloc(1, sizeof *client);
        client->all = &clients;
        client_begin(client);
    }
    CHECK_EQ(rondel_run(clients.loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(clients.ended, clients.wanted);
    CHECK_EQ(clients.right, clients.wanted);
    CHECK_EQ(rondel_loop_free(clients.loop), 0);
    CHECK_EQ(rondel_stop_threadsafe(server.loop), 0);
    pthread_join(thread, NULL);
    /* The last ends may still be on their way. */
    net_run_until(server.loop, &server.closed, clients.wanted);
    CHECK_EQ(server.accepted, clients.wanted);
    CHECK_EQ(server.closed, clients.wanted);
    CHECK_EQ(server.bytes, clients.bytes);
    net_settle(server.loop);
    CHECK_EQ(rondel_metric(server.loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(rondel_loop_free(server.loop), 0);
}

TEST_MAIN(RUN(a_gibibyte_each_way_through_one_connection), RUN(a_storm_of_signals_is_never_seen),
          RUN(ten_thousand_connections_of_a_few_messages))
