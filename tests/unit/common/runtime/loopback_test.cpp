#include "common/runtime/file.hpp"
#include "common/runtime/loopback.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

/// Answers one connection at an address of the loopback interface.
struct Answering {
    Descriptor door{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::uint16_t port = 0;
    std::string got;
    std::thread thread;

    Answering(const char* address, std::string answer) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        REQUIRE(::inet_pton(AF_INET, address, &at.sin_addr) == 1);
        REQUIRE(::bind(door.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
        REQUIRE(::listen(door.get(), 1) == 0);
        socklen_t size = sizeof at;
        ::getsockname(door.get(), reinterpret_cast<sockaddr*>(&at), &size);
        port = ntohs(at.sin_port);
        thread = std::thread([this, answer] {
            Descriptor peer(::accept(door.get(), nullptr, nullptr));
            char block[4096];
            auto taken = ::read(peer.get(), block, sizeof block);
            if (taken > 0) got.assign(block, static_cast<std::size_t>(taken));
            [[maybe_unused]] auto n = ::write(peer.get(), answer.data(), answer.size());
        });
    }
    ~Answering() { end(); }
    void end() {
        if (!thread.joinable()) return;
        ::shutdown(door.get(), SHUT_RDWR); // also where nobody came
        thread.join();
    }
};

} // namespace

TEST_SUITE("common/runtime/loopback") {

    TEST_CASE("an answer has its status and its body, of the address that was asked") {
        Answering there("127.0.0.2", "HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\nno");
        auto answer = loopback_get("127.0.0.2", there.port, "/ready", 10s);
        REQUIRE(answer);
        CHECK(answer->status == 503);
        CHECK(answer->body == "no");
        there.end();
        CHECK(there.got.starts_with("GET /ready HTTP/1.0\r\nHost: 127.0.0.2:"));
    }

    TEST_CASE("what is no answer of HTTP, and nobody at all, are errors") {
        std::uint16_t port = 0;
        {
            Answering there("127.0.0.2", "SSH-2.0\r\n");
            port = there.port;
            CHECK(loopback_get("127.0.0.2", port, "/", 10s).error().kind() == Errc::unavailable);
        }
        CHECK(loopback_get("127.0.0.2", port, "/", 10s).error().kind() == Errc::unavailable);
        CHECK(loopback_get("localhost", port, "/", 10s).error().kind() == Errc::unavailable);
    }
}
