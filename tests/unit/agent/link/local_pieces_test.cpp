#include "agent/link/local_pieces.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <exception>
#include <functional>
#include <string>
#include <vector>

using namespace fairlead;
using namespace fairlead::link;
using Local = boost::asio::local::stream_protocol;

namespace {

struct Line {
    Line() { boost::asio::local::connect_pair(near, far); }

    void run(std::function<Task<>()> body) {
        std::exception_ptr failed;
        boost::asio::co_spawn(io, body(), [&](std::exception_ptr thrown) { failed = thrown; });
        io.run();
        if (failed) std::rethrow_exception(failed);
    }
    void say(std::size_t bytes) {
        boost::asio::write(far, boost::asio::buffer(std::string(bytes, 'x')));
    }

    boost::asio::io_context io;
    Local::socket near{io}, far{io};
};

} // namespace

TEST_SUITE("agent/link/local_pieces") {

    TEST_CASE("who has much to say is taken in large pieces, until it pauses") {
        Line line;
        line.run([&]() -> Task<> {
            LocalPieces pieces(line.near);
            std::vector<std::size_t> sizes;
            auto take = [&](std::size_t large) -> Task<> {
                auto failed = co_await pieces.next(large);
                CHECK(!failed);
                sizes.push_back(pieces.bytes().size());
            };
            line.say(100 * 1024);
            for (int i = 0; i < 3; ++i) co_await take(50 * 1024);
            CHECK(sizes == std::vector<std::size_t>{16 * 1024, 50 * 1024, 34 * 1024});
            sizes.clear();
            line.say(40 * 1024);
            for (int i = 0; i < 3; ++i) co_await take(0); // many others
            CHECK(sizes == std::vector<std::size_t>{16 * 1024, 16 * 1024, 8 * 1024});
        });
    }

    TEST_CASE("it waits for what comes later, and tells the end") {
        Line line;
        line.run([&]() -> Task<> {
            LocalPieces pieces(line.near);
            boost::asio::post(line.io, [&] { line.say(5); });
            auto failed = co_await pieces.next(0);
            CHECK(!failed);
            CHECK(pieces.bytes() == "xxxxx");
            boost::asio::post(line.io, [&] { line.far.close(); });
            failed = co_await pieces.next(0);
            CHECK(failed == boost::asio::error::eof);
            CHECK(pieces.bytes().empty());
        });
    }

    TEST_CASE("a socket that is closed here ends the wait") {
        Line line;
        line.run([&]() -> Task<> {
            LocalPieces pieces(line.near);
            boost::asio::post(line.io, [&] { line.near.close(); });
            auto failed = co_await pieces.next(0);
            CHECK(failed == boost::asio::error::operation_aborted);
        });
    }
}
