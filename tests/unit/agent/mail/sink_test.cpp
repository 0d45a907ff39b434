#include "agent/mail/sink.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

using namespace fairlead;
using namespace fairlead::mail;
namespace fs = std::filesystem;

namespace {

/// A sink that runs beside the test.
struct Running {
    explicit Running(SinkOptions options = SinkOptions()) {
        crypto::start();
        fs::create_directories(places.accounts());
        fs::create_directories(places.box("shop"));
        Account account;
        account.environment = "env_01J0000000000000000000000A";
        account.slug = "shop";
        account.password_sha256 = crypto::sha256("secret").hex();
        REQUIRE(save_account(places, account, ::getegid()));
        Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener.get(), 64) == 0);
        socklen_t size = sizeof at;
        REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
        options.stop_fd = stop.get();
        thread = std::thread([this, options, taken = std::move(listener)]() mutable {
            ended = Sink(std::move(taken), boxes, options).run().has_value();
        });
    }
    ~Running() { end(); }
    void end() {
        std::uint64_t one = 1;
        [[maybe_unused]] auto n = ::write(stop.get(), &one, sizeof one);
        if (thread.joinable()) thread.join();
    }
    Descriptor connect() {
        Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(socket.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
        return socket;
    }
    std::size_t count() { return Box::open(places.box("shop")).value().list().value().size(); }

    store::TemporaryFolder folder;
    Places places = Places::below(folder.path());
    SystemClock clock;
    Boxes boxes{places, clock};
    Descriptor stop{::eventfd(0, EFD_CLOEXEC)};
    sockaddr_in at{};
    bool ended = false;
    std::thread thread;
};

void say(const Descriptor& socket, std::string_view text) {
    while (!text.empty()) {
        auto sent = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
        REQUIRE(sent > 0);
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

/// Everything up to a line that begins with `code`.
std::string hear(const Descriptor& socket, const std::string& code) {
    std::string all;
    char bytes[4096];
    while (all.find("\r\n" + code + " ") == std::string::npos && !all.starts_with(code + " ")) {
        auto got = ::recv(socket.get(), bytes, sizeof bytes, 0);
        if (got <= 0) break;
        all.append(bytes, static_cast<std::size_t>(got));
    }
    return all;
}

std::string login() {
    return "AUTH PLAIN " + crypto::base64_encode(std::string("\0shop\0secret", 12)) + "\r\n";
}

} // namespace

TEST_SUITE("agent/mail/sink") {

    TEST_CASE("a message with an attachment of 25 MB is kept whole, beside others that are sent") {
        Running server;
        auto large = server.connect(), small = server.connect();
        hear(large, "220");
        hear(small, "220");
        say(large, login() + "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n");
        hear(large, "354");
        std::string line(76, 'A');
        line += "\r\n";
        std::string attachment;
        while (attachment.size() < 35u << 20) attachment += line;
        say(large, attachment.substr(0, attachment.size() / 2));
        say(small, login() + "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n");
        hear(small, "354");
        say(small, "Subject: small\r\n\r\nx\r\n.\r\nQUIT\r\n");
        CHECK(hear(small, "221").starts_with("250 2.0.0 Captured\r\n"));
        say(large, attachment.substr(attachment.size() / 2) + ".\r\nQUIT\r\n");
        hear(large, "221");
        auto all = Box::open(server.places.box("shop")).value().list().value();
        REQUIRE(all.size() == 2);
        CHECK(std::max(all[0].bytes, all[1].bytes) == attachment.size());
        server.end();
        CHECK(server.ended);
    }

    TEST_CASE("whoever goes in the middle of a message leaves nothing") {
        Running server;
        {
            auto socket = server.connect();
            hear(socket, "220");
            say(socket, login() + "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n");
            hear(socket, "354");
            say(socket, "half a message");
        }
        // The next one is served after it: then it is gone.
        auto other = server.connect();
        hear(other, "220");
        say(other, "QUIT\r\n");
        hear(other, "221");
        server.end();
        CHECK(server.count() == 0);
    }

    TEST_CASE("without anybody to serve it ends by itself") {
        SinkOptions options;
        options.idle = std::chrono::milliseconds(1);
        Running server(options);
        server.thread.join();
        CHECK(server.ended);
    }
}
