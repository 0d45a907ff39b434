#include "controller/egress/challenge.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

namespace fairlead::egress {
namespace {

const std::string token(43, 'a');

/// A web server that answers `answer` to one request, and what it was asked.
struct Played {
    explicit Played(const std::string& answer) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            throw std::runtime_error("no sockets");
        Descriptor near(ends[0]), far(ends[1]);
        std::thread server([&] {
            char piece[4096];
            while (asked.find("\r\n\r\n") == std::string::npos) {
                auto size = ::recv(far.get(), piece, sizeof piece, 0);
                if (size <= 0) break;
                asked.append(piece, static_cast<std::size_t>(size));
            }
            for (std::size_t sent = 0; sent < answer.size();) {
                auto more = ::send(far.get(), &answer[sent], answer.size() - sent, MSG_NOSIGNAL);
                if (more <= 0) break;
                sent += static_cast<std::size_t>(more);
            }
            far = Descriptor();
        });
        got = fetch_challenge(near.get(), "shop.example.org", token, -1);
        near = Descriptor();
        server.join();
    }
    std::string asked;
    Result<ChallengeAnswer> got = fail(Errc::internal, "Nothing was asked.");
};

} // namespace

TEST_SUITE("controller/egress/challenge") {

    TEST_CASE("one request is made, and its status and body are told") {
        Played played("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nfairlead-domain=abc\n");
        REQUIRE(played.got);
        CHECK(played.got->status == 200);
        CHECK(played.got->body == "fairlead-domain=abc\n");
        CHECK(played.asked.starts_with(
            "GET /.well-known/fairlead-challenge/" + token +
            " HTTP/1.0\r\nhost: shop.example.org\r\n"
        ));
        CHECK(
            Played("HTTP/1.1 301 Moved\r\nlocation: http://10.0.0.1/\r\n\r\n").got->status == 301
        );
        CHECK(Played("HTTP/1.0 404 Not Found\r\n\r\n").got->body.empty());
    }

    TEST_CASE("an answer that never ends is read as far as it matters") {
        Played played("HTTP/1.1 200 OK\r\n\r\n" + std::string(8 * 1024 * 1024, 'x'));
        REQUIRE(played.got);
        CHECK(played.got->body == std::string(512, 'x'));
        CHECK_FALSE(Played("HTTP/1.1 200 OK\r\nx: " + std::string(64 * 1024, 'x')).got);
    }

    TEST_CASE("what is no answer of HTTP is said to be so") {
        for (const std::string answer :
             {"", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 2", "HTTP/1.1 OK 200\r\n\r\n",
              "HTTP/1.1 200 OK\r\n", "HTTP/1.1 -12 OK\r\n\r\n", "HTTP/1.\r\n\r\n"}) {
            CAPTURE(answer);
            Played played(answer);
            REQUIRE_FALSE(played.got);
            CHECK(played.got.error().code() == "unreachable");
        }
    }
}

} // namespace fairlead::egress
