// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The task benchmark on Asio's C++20 coroutines, as far as Asio has the same things: it has no lock for coroutines, and a
// channel for a queue. Prints nanoseconds each, and bytes for a sleeping task, as JSON.
#include <asio.hpp>
#include <asio/experimental/channel.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <vector>

using asio::awaitable;
using asio::use_awaitable;
using channel = asio::experimental::channel<void(asio::error_code, long)>;

static double cpu_ns() {
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

static double resident() {
    long all = 0, pages = 0;
    std::FILE *file = std::fopen("/proc/self/statm", "r");
    if (!file || std::fscanf(file, "%ld %ld", &all, &pages) != 2) std::exit(1);
    std::fclose(file);
    return pages * 4096.0;
}

static awaitable<int> ready() { co_return 1; }

static awaitable<void> nothing() { co_return; }

static awaitable<void> sleeper() {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
    co_await timer.async_wait(use_awaitable);
}

static awaitable<void> produce(std::shared_ptr<channel> queue, long count) {
    for (long i = 0; i < count; i++) co_await queue->async_send(asio::error_code(), i, use_awaitable);
}

// Items from one task to another; the queue has room for so many.
static awaitable<double> hand_over(std::size_t room, long count) {
    auto executor = co_await asio::this_coro::executor;
    auto queue = std::make_shared<channel>(executor, room);
    double begin = cpu_ns();
    asio::co_spawn(executor, produce(queue, count), asio::detached);
    for (long i = 0; i < count; i++)
        if (co_await queue->async_receive(use_awaitable) != i) std::exit(1);
    co_return (cpu_ns() - begin) / count;
}

static awaitable<void> measure(long count, double *ready_ns, double *yield_ns, double *queue_ns, double *tight_ns) {
    auto executor = co_await asio::this_coro::executor;
    long sum = 0;
    double begin = cpu_ns();
    for (long i = 0; i < count; i++) sum += co_await ready();
    *ready_ns = (cpu_ns() - begin) / count;
    if (sum != count) std::exit(1);
    begin = cpu_ns();
    for (long i = 0; i < count; i++) co_await asio::post(executor, use_awaitable);
    *yield_ns = (cpu_ns() - begin) / count;
    *queue_ns = co_await hand_over(64, count);
    *tight_ns = co_await hand_over(1, count);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    long count = std::atol(argv[1]), sleepers = std::atol(argv[2]);
    double ready_ns = 0, yield_ns = 0, queue_ns = 0, tight_ns = 0;
    asio::io_context context(1);
    asio::co_spawn(context, measure(count, &ready_ns, &yield_ns, &queue_ns, &tight_ns), asio::detached);
    context.run();

    double begin = cpu_ns();
    for (long i = 0; i < count; i += 1000) {
        for (int n = 0; n < 1000; n++) asio::co_spawn(context, nothing(), asio::detached);
        context.restart();
        context.run();
    }
    double spawn_ns = (cpu_ns() - begin) / count;

    double before = resident();
    for (long i = 0; i < sleepers; i++) asio::co_spawn(context, sleeper(), asio::detached);
    context.restart();
    while (context.poll()) continue;
    double bytes = (resident() - before) / sleepers;
    std::printf("{\"await of a ready coroutine\": %.2f, \"yield\": %.2f, \"spawn and finish\": %.2f, "
                "\"queue hand-over\": %.2f, \"queue hand-over, room for one\": %.2f, "
                "\"bytes of a sleeping task\": %.0f}\n", ready_ns, yield_ns, spawn_ns, queue_ns, tight_ns, bytes);
    return 0;
}
