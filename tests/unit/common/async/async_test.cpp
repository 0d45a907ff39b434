#include "common/async/event.hpp"
#include "common/async/offload.hpp"
#include "common/async/task_group.hpp"
#include "common/async/within.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <doctest/doctest.h>

#include <latch>
#include <stdexcept>
#include <vector>

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

/// Runs the loop until the task and all it started have ended, and throws what it threw.
void run(asio::io_context& io, Task<> task) {
    std::exception_ptr failed;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr thrown) { failed = thrown; });
    io.restart();
    io.run();
    if (failed) std::rethrow_exception(failed);
}

Task<> forever(bool& ended) {
    struct Mark {
        bool& flag;
        explicit Mark(bool& f) : flag(f) {}
        ~Mark() { flag = true; }
    } mark(ended);
    co_await sleep_for(1h);
}

Task<> throws() {
    throw std::runtime_error("broken");
    co_return;
}

/// Waits as the loop goes on: jobs are begun between its turns.
Task<> seen(std::latch& latch) {
    while (!latch.try_wait()) co_await sleep_for(1ms);
}

struct Counting final : WorkerPool::Job {
    explicit Counting(std::latch& one) : done(one) {}
    void run() override { done.count_down(); }
    std::latch& done;
};

} // namespace

TEST_SUITE("common/async") {

    TEST_CASE("a group waits for all of its children") {
        asio::io_context io;
        int ended = 0;
        auto child = [&](std::chrono::milliseconds for_ms) -> Task<> {
            co_await sleep_for(for_ms);
            ++ended;
        };
        auto body = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            group.spawn(child(1ms));
            group.spawn(child(5ms));
            co_await group.join();
            CHECK(ended == 2);
            CHECK(group.size() == 0);
        };
        run(io, body());
        CHECK(ended == 2);
    }

    TEST_CASE("joining an empty group returns at once, also twice") {
        asio::io_context io;
        auto body = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            co_await group.join();
            co_await group.join();
        };
        run(io, body());
    }

    TEST_CASE("cancel ends every child, and one spawned afterwards too") {
        asio::io_context io;
        bool first = false, second = false, late = false;
        auto body = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            group.spawn(forever(first));
            group.spawn(forever(second));
            co_await sleep_for(1ms);
            group.cancel();
            group.spawn(forever(late));
            co_await group.join();
        };
        run(io, body());
        CHECK(first);
        CHECK(second);
        CHECK(late);
    }

    TEST_CASE("a parent that is cancelled while joining takes its children along and waits for them"
    ) {
        asio::io_context io;
        bool child = false, joined = false, aborted = false;
        auto parent = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            group.spawn(forever(child));
            try {
                co_await group.join();
            } catch (const boost::system::system_error& error) {
                aborted = error.code() == asio::error::operation_aborted;
                CHECK(child);
            }
            joined = true;
        };
        auto body = [&]() -> Task<> {
            TaskGroup outer(io.get_executor());
            outer.spawn(parent());
            co_await sleep_for(1ms);
            outer.cancel();
            co_await outer.join();
        };
        run(io, body());
        CHECK(joined);
        CHECK(aborted);
    }

    TEST_CASE("what a child throws cancels the others and comes out of join") {
        asio::io_context io;
        bool other = false;
        auto body = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            group.spawn(forever(other));
            group.spawn(throws());
            CHECK_THROWS_AS(co_await group.join(), std::runtime_error);
        };
        run(io, body());
        CHECK(other);
    }

    TEST_CASE("a cancelled child may still say goodbye") {
        asio::io_context io;
        bool said = false;
        auto polite = [&]() -> Task<> {
            try {
                co_await sleep_for(1h);
            } catch (const boost::system::system_error&) {
            }
            co_await asio::this_coro::reset_cancellation_state();
            co_await sleep_for(1ms);
            said = true;
        };
        auto body = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            group.spawn(polite());
            group.cancel();
            co_await group.join();
        };
        run(io, body());
        CHECK(said);
    }

    TEST_CASE("an event wakes its waiter, remembers what came early, and can be cancelled") {
        asio::io_context io;
        Event event(io.get_executor());
        int woken = 0;
        bool aborted = false;
        auto waiter = [&]() -> Task<> {
            for (;;) {
                co_await event.wait();
                ++woken;
            }
        };
        auto body = [&]() -> Task<> {
            event.notify();
            event.notify();
            TaskGroup group(io.get_executor());
            group.spawn(waiter());
            co_await sleep_for(1ms);
            CHECK(woken == 1);
            event.notify();
            co_await sleep_for(1ms);
            CHECK(woken == 2);
            group.cancel();
            co_await group.join();
            CHECK(!co_await event.wait_for(2ms));
            event.notify();
            CHECK(co_await event.wait_for(1h));
            aborted = true;
        };
        run(io, body());
        CHECK(aborted);
    }

    TEST_CASE("within gives the result in time, a timeout otherwise, and passes exceptions on") {
        asio::io_context io;
        auto quick = [&]() -> Task<Result<int>> { co_return 7; };
        bool ended = false;
        auto slow = [&]() -> Task<Result<int>> {
            co_await forever(ended);
            co_return 1;
        };
        auto admits = [&]() -> Task<Result<int>> {
            try {
                co_await sleep_for(1h);
            } catch (const boost::system::system_error&) {
            }
            co_return fail(Errc::unavailable, "cancelled");
        };
        auto broken = [&]() -> Task<Result<int>> {
            co_await throws();
            co_return 1;
        };
        auto body = [&]() -> Task<> {
            auto in_time = co_await within<int>(1h, quick());
            CHECK(in_time.value() == 7);
            auto late = co_await within<int>(5ms, slow());
            REQUIRE(!late);
            CHECK(late.error().kind() == Errc::timeout);
            CHECK(ended);
            auto also_late = co_await within<int>(5ms, admits());
            CHECK(also_late.error().kind() == Errc::timeout);
            CHECK_THROWS_AS((void)co_await within<int>(1h, broken()), std::runtime_error);
        };
        run(io, body());
    }

    TEST_CASE("offload runs elsewhere and comes back with the value or the exception") {
        asio::io_context io;
        WorkerPool pool(2);
        auto here = std::this_thread::get_id();
        auto body = [&]() -> Task<> {
            auto where = [] { return std::this_thread::get_id(); };
            auto there = co_await offload(pool, where);
            CHECK(there != here);
            CHECK(std::this_thread::get_id() == here);
            auto fails = []() -> int { throw std::runtime_error("no"); };
            CHECK_THROWS_AS(co_await offload(pool, fails), std::runtime_error);
            auto nothing = [] {};
            co_await offload(pool, nothing);
            auto result = []() -> Result<std::string> { return fail(Errc::conflict, "taken"); };
            auto got = co_await offload(pool, result);
            CHECK(got.error().kind() == Errc::conflict);
        };
        run(io, body());
    }

    TEST_CASE("a cancelled caller of offload waits for the work and is then told") {
        asio::io_context io;
        WorkerPool pool(1);
        std::latch started(1), go_on(1);
        bool worked = false, went_on = false;
        auto caller = [&]() -> Task<> {
            auto work = [&] {
                started.count_down();
                go_on.wait();
                worked = true;
            };
            co_await offload(pool, work);
            CHECK(worked);
            went_on = true;
            co_await sleep_for(1h);
        };
        auto body = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            group.spawn(caller());
            co_await seen(started);
            group.cancel();
            go_on.count_down();
            co_await group.join();
        };
        run(io, body());
        CHECK(went_on);
    }

    TEST_CASE("many jobs on few threads all come back") {
        asio::io_context io;
        WorkerPool pool(3);
        int sum = 0;
        auto caller = [&](int value) -> Task<> {
            auto work = [value] { return value; };
            for (int i = 0; i < 20; ++i) sum += co_await offload(pool, work);
        };
        auto body = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            for (int i = 1; i <= 100; ++i) group.spawn(caller(i));
            co_await group.join();
        };
        run(io, body());
        CHECK(sum == 5050 * 20);
        CHECK(pool.queued() == 0);
    }

    TEST_CASE("jobs that wait for each other each get a thread, however few wakings there were") {
        asio::io_context io;
        WorkerPool pool(4);
        std::latch all(4);
        auto caller = [&]() -> Task<> {
            auto work = [&] { all.arrive_and_wait(); };
            co_await offload(pool, work);
        };
        auto body = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            for (int i = 0; i < 4; ++i) group.spawn(caller());
            co_await group.join();
        };
        run(io, body());
        CHECK(all.try_wait());
    }

    TEST_CASE("a job that blocks for long holds up none that come later") {
        asio::io_context io;
        WorkerPool pool(2);
        std::latch blocks(1), go_on(1);
        auto slow = [&]() -> Task<> {
            auto work = [&] {
                blocks.count_down();
                go_on.wait();
            };
            co_await offload(pool, work);
        };
        auto body = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            group.spawn(slow());
            co_await seen(blocks);
            auto quick = [] { return 1; };
            for (int i = 0; i < 100; ++i) CHECK(co_await offload(pool, quick) == 1);
            go_on.count_down();
            co_await group.join();
        };
        run(io, body());
    }

    TEST_CASE("jobs that come together cost one waking, which is promised by whoever adds the first"
    ) {
        std::latch all(7);
        std::vector<Counting> jobs(7, Counting(all));
        {
            WorkerPool pool(2);
            CHECK(pool.add(jobs[0]));
            for (std::size_t i = 1; i < jobs.size(); ++i) CHECK_FALSE(pool.add(jobs[i]));
            pool.wake();
            all.wait();
        }
        std::latch last(1);
        Counting unpromised(last);
        {
            WorkerPool pool(1);
            CHECK(pool.add(unpromised));
        }
        CHECK(last.try_wait()); // destruction runs what is queued
    }
}
