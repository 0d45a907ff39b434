#include "agent/host/asked.hpp"
#include "agent/terminal/opening.hpp"
#include "agent/terminal/pty.hpp"
#include "agent/terminal/users.hpp"
#include "common/runtime/file.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

using namespace fairlead;
using namespace fairlead::terminal;
using namespace std::chrono_literals;

namespace {

policy::Policy rules(const std::string& section) {
    auto policy = policy::Policy::parse("version: 1\n" + section, "policy.yaml");
    REQUIRE_MESSAGE(policy, policy.error().message());
    return *std::move(policy);
}

proto::TerminalPurpose for_user(const std::string& user) {
    proto::TerminalPurpose wanted;
    wanted.kind = proto::TerminalPurpose::terminal_kind;
    wanted.terminal = "term_1";
    wanted.user = user;
    return wanted;
}

struct Ends {
    Ends() {
        int pair[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        link = Descriptor(pair[0]);
        ours = Descriptor(pair[1]);
    }
    void say(std::string_view bytes) const {
        auto size = static_cast<ssize_t>(bytes.size());
        REQUIRE(::send(link.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == size);
    }
    Descriptor link, ours;
};

std::string frame(const std::string& body) {
    return std::string("\0\0", 2) + static_cast<char>(body.size() >> 8) +
           static_cast<char>(body.size() & 0xFF) + body;
}

} // namespace

TEST_SUITE("agent/terminal/opening") {

    TEST_CASE("the link says what to open, in one frame") {
        Ends ends;
        auto wanted = for_user("deploy");
        wanted.columns = 132;
        ends.say(frame(proto::write_text(wanted)) + "i");
        auto read = read_opening(ends.ours.get(), 10s);
        REQUIRE_MESSAGE(read, read.error().message());
        CHECK(read->user == "deploy");
        CHECK(read->columns == 132);
        char next = 0; // what follows is left for the terminal
        CHECK(::read(ends.ours.get(), &next, 1) == 1);
        CHECK(next == 'i');
    }

    TEST_CASE("a first frame that makes no sense, or does not come, opens nothing") {
        Ends ends;
        auto expected = Errc::invalid;
        SUBCASE("empty") {
            ends.say(std::string(4, '\0'));
        }
        SUBCASE("too large") {
            ends.say(std::string("\0\0\x10\1", 4));
        }
        SUBCASE("no JSON") {
            ends.say(frame("root"));
        }
        SUBCASE("no columns") {
            ends.say(frame(R"({"user":"deploy","columns":0})"));
        }
        SUBCASE("cut off") {
            ends.say(std::string("\0\0", 2));
            ends.link.reset();
            expected = Errc::unavailable;
        }
        SUBCASE("late") {
            expected = Errc::timeout;
        }
        auto read = read_opening(ends.ours.get(), expected == Errc::timeout ? 1ms : 10s);
        REQUIRE_FALSE(read);
        CHECK(read.error().kind() == expected);
    }

    TEST_CASE("an answer is a frame with a code, and 0 is open") {
        Ends ends;
        CHECK(host::answer(ends.ours.get(), proto::StreamEnd::forbidden, "no"));
        CHECK(host::answer_open(ends.ours.get()));
        std::array<char, 256> buffer{};
        auto got = ::read(ends.link.get(), buffer.data(), buffer.size());
        CHECK(
            std::string(buffer.data(), static_cast<std::size_t>(got)) ==
            frame(R"({"code":104,"reason":"no"})") + frame(R"({"code":0,"reason":""})")
        );
        ends.link.reset();
        CHECK_FALSE(host::answer_open(ends.ours.get()));
    }

    TEST_CASE("the policy comes first, then the user, then what is offered") {
        auto named = rules("terminal: [{allow: [root, nobody, ghost-of-nobody]}]\n");
        auto root = judge(for_user("root"), named);
        REQUIRE(root);
        CHECK(root->uid == 0);
        CHECK(root->shell.starts_with("/"));
        auto code = [](const auto& judged) {
            REQUIRE_FALSE(judged);
            CHECK(!judged.error().reason.empty());
            return judged.error().code;
        };
        CHECK(code(judge(for_user("nobody"), named)) == proto::StreamEnd::no_user);
        CHECK(code(judge(for_user("ghost-of-nobody"), named)) == proto::StreamEnd::no_user);
        // Who is not named is not told whether there is such a user.
        CHECK(code(judge(for_user("daemon"), named)) == proto::StreamEnd::forbidden);
        CHECK(code(judge(for_user("no-such-user"), named)) == proto::StreamEnd::forbidden);
        CHECK(code(judge(for_user(""), named)) == proto::StreamEnd::forbidden);
        auto recorded = for_user("root");
        recorded.record = 1;
        CHECK(judge(recorded, named));
        recorded.record = 2;
        CHECK(code(judge(recorded, named)) == proto::StreamEnd::not_offered);
        auto any = rules("terminal: [{allow: '*'}]\n");
        CHECK(code(judge(for_user("root"), any)) == proto::StreamEnd::forbidden);
        CHECK(code(judge(for_user("root"), rules(""))) == proto::StreamEnd::forbidden);
    }

    TEST_CASE("the users that the console offers are allowed and can log in") {
        CHECK(allowed_users(rules("")).empty());
        auto named = rules("terminal: [{deny: games}, {allow: [root, nobody, games, ghost]}]\n");
        CHECK(allowed_users(named) == std::vector<std::string>{"root"});
        for (const auto& user : allowed_users(rules("terminal: [{allow: '*'}]\n"))) {
            CAPTURE(user);
            CHECK(user != "root");
            CHECK(user != "nobody");
            CHECK(host::find_login(user));
        }
    }

    TEST_CASE("a login shell has the user's own environment and nothing of ours") {
        host::Login login{"deploy", 1000, 1000, "/home/deploy", "/bin/bash"};
        auto program = login_shell(login);
        CHECK(
            program.argv ==
            std::vector<std::string>{"/usr/sbin/runuser", "-u", "deploy", "--", "/bin/bash", "-l"}
        );
        CHECK(program.folder == "/home/deploy");
        CHECK(program.owner == 1000);
        CHECK(std::ranges::count(program.environment, "HOME=/home/deploy") == 1);
        CHECK(std::ranges::count(program.environment, "TERM=xterm-256color") == 1);
        CHECK(program.environment.size() == 7);
    }
}
