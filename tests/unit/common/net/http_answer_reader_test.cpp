#include "common/net/http_answer_reader.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::net;

namespace {

using State = HttpAnswerReader::State;

/// What a reader makes of bytes that come in pieces of `size`.
struct Outcome {
    State state;
    int status = 0;
    std::string body;
    std::size_t used = 0;
    bool keep = false;
};

Outcome read(
    std::string_view bytes, bool ends = false, std::string_view method = "GET",
    std::size_t size = 1 << 20
) {
    HttpAnswerReader reader({}, method);
    Outcome got{};
    while (got.used < bytes.size()) {
        auto piece = bytes.substr(got.used, size);
        auto used = reader.feed(piece);
        got.used += used;
        if (reader.state() == State::body || reader.state() == State::done)
            got.body += reader.take_body();
        if (reader.state() == State::done || reader.state() == State::refused) break;
    }
    if (ends) reader.end();
    got.state = reader.state();
    if (got.state != State::head && got.state != State::refused) {
        got.status = reader.status();
        got.keep = reader.keep_alive();
    }
    return got;
}

} // namespace

TEST_SUITE("common/net/http_answer_reader") {

    TEST_CASE("answers of each framing are read whole, in pieces of any size") {
        for (std::size_t size : {1, 2, 3, 7, 1000}) {
            CAPTURE(size);
            auto counted = read(
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1", false, "GET", size
            );
            CHECK(counted.state == State::done);
            CHECK(counted.body == "hello");
            CHECK(counted.keep);
            CHECK(counted.used == 43);
            auto chunked = read(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                "chunked\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nT: "
                "1\r\n\r\n",
                false, "GET", size
            );
            CHECK(chunked.state == State::done);
            CHECK(chunked.body == "hello");
            auto open = read("HTTP/1.1 200 OK\r\n\r\nhello", true, "GET", size);
            CHECK(open.state == State::done);
            CHECK(open.body == "hello");
            CHECK(!open.keep);
        }
    }

    TEST_CASE("an answer that ends too early is refused") {
        for (auto text :
             {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
            CAPTURE(text);
            CHECK(read(text, true).state == State::refused);
        }
    }

    TEST_CASE("answers without a body are done with their head") {
        CHECK(
            read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, "HEAD").state == State::done
        );
        CHECK(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n").state == State::done);
        CHECK(read("HTTP/1.1 204 No Content\r\n\r\n").state == State::done);
        auto upgraded = read("HTTP/1.1 101 Switching Protocols\r\n\r\nframes");
        CHECK(upgraded.state == State::done);
        CHECK(upgraded.status == 101);
        CHECK(upgraded.used == 36);
    }

    TEST_CASE("interim answers are dropped, eight of them at most") {
        std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n";
        auto text =
            interim + "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        auto got = read(text, false, "GET", 5);
        CHECK(got.status == 200);
        CHECK(got.body == "ok");
        std::string many;
        for (int i = 0; i < 9; ++i) many += interim;
        CHECK(read(many).state == State::refused);
    }

    TEST_CASE("what a client could read differently is refused") {
        for (auto fields :
             {"Content-Length: 5\r\nContent-Length: 5\r\n",
              "Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5, 5\r\n",
              "Content-Length: +5\r\n", "Content-Length: -1\r\n",
              "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n",
              "Transfer-Encoding: gzip, chunked\r\n",
              "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "A: b\r\n c\r\n",
              "A : b\r\n", "A: b\rc\r\n", "A: b\nC: d\r\n"}) {
            CAPTURE(fields);
            CHECK(
                read("HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\nhello").state ==
                State::refused
            );
        }
        CHECK(
            read("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").state == State::refused
        );
        CHECK(read("HTTP/2.0 200 OK\r\n\r\n").state == State::refused);
        CHECK(read("HTTP/1.1 999 No\r\n\r\n").state == State::refused);
    }

    TEST_CASE("heads and chunk lines have limits") {
        CHECK(
            read("HTTP/1.1 200 OK\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n").state ==
            State::refused
        );
        CHECK(read("HTTP/1.1 200 OK\r\nA: " + std::string(20'000, 'a')).state == State::refused);
        std::string fields;
        for (int i = 0; i < 101; ++i) fields += "A: b\r\n";
        CHECK(read("HTTP/1.1 200 OK\r\n" + fields + "\r\n").state == State::refused);
        CHECK(
            read(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" +
                std::string(2'000, 'a') + "\r\nhello\r\n0\r\n\r\n"
            )
                .state == State::refused
        );
    }
}
