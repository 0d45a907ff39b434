#include "agent/logs/reading.hpp"
#include "common/store/memory_db.hpp"
#include "proto/log.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace fairlead;
using namespace fairlead::logs;
using namespace std::chrono_literals;

namespace {

std::string entry(int number, int at_us = 0) {
    return R"({"__CURSOR":"i=)" + std::to_string(number) + R"(","__REALTIME_TIMESTAMP":")" +
           std::to_string(at_us ? at_us : number) + R"(","MESSAGE":"line )" +
           std::to_string(number) + "\"}\n";
}

/// A journalctl that the test writes, and the link's end of the connection.
struct Stand {
    Stand() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        link = Descriptor(ends[0]);
        peer = Descriptor(ends[1]);
        ::fcntl(peer.get(), F_SETFL, O_NONBLOCK);
    }

    Journalctl journal(const std::string& script) {
        auto file = folder.path() / "journalctl";
        std::ofstream(file) << "#!/bin/sh\n" << script;
        std::filesystem::permissions(file, std::filesystem::perms::owner_all);
        auto started = Journalctl::start({file.string()});
        REQUIRE(started);
        return *std::move(started);
    }
    /// Says these lines and ends with this code.
    Journalctl says(const std::string& lines, int code = 0) {
        std::ofstream(folder.path() / "lines") << lines;
        return journal(
            "cat '" + (folder.path() / "lines").string() + "'\nexit " + std::to_string(code) + "\n"
        );
    }
    std::string run(Journalctl child, ReadingOptions options = {}) {
        Reading reading(std::move(peer), std::move(child), std::move(options));
        auto word = reading.run();
        message = reading.message();
        return word;
    }
    /// All that the link gets, to the end.
    std::string heard() {
        std::string all;
        std::array<char, 4096> bytes;
        for (;;) {
            auto got = ::read(link.get(), bytes.data(), bytes.size());
            if (got <= 0) return all;
            all.append(bytes.data(), static_cast<std::size_t>(got));
        }
    }
    /// Of what was heard.
    static std::vector<std::string> texts(const std::string& heard) {
        std::vector<std::string> found;
        REQUIRE(heard.size() >= 2);
        CHECK(heard.front() == proto::log_opened);
        CHECK(heard.back() == proto::log_whole);
        std::string_view left(heard);
        left.remove_prefix(1);
        left.remove_suffix(1);
        while (!left.empty()) {
            auto line = left.substr(0, left.find('\n'));
            left.remove_prefix(line.size() + 1);
            auto value = boost::json::parse(boost::json::string_view(line.data(), line.size()));
            const auto* text = value.as_object().if_contains("text");
            found.emplace_back(text ? text->as_string() : value.at("end").as_string());
        }
        return found;
    }

    store::TemporaryFolder folder;
    Descriptor link, peer;
    std::string message;
};

using Words = std::vector<std::string>;

} // namespace

TEST_SUITE("agent/logs/reading") {

    TEST_CASE("entries go on, and the last byte says that it is all") {
        Stand stand;
        CHECK(stand.run(stand.says(entry(1) + "-- No entries --\n" + entry(2))) == "done");
        CHECK(Stand::texts(stand.heard()) == Words{"line 1", "line 2", "done"});
    }

    TEST_CASE("as many entries as were asked for, and whether there are more") {
        ReadingOptions options;
        options.lines = 2;
        Stand exact, more;
        CHECK(exact.run(exact.says(entry(1) + entry(2)), options) == "done");
        CHECK(more.run(more.says(entry(1) + entry(2) + entry(3)), options) == "lines");
        CHECK(Stand::texts(more.heard()) == Words{"line 1", "line 2", "lines"});
    }

    TEST_CASE("the entry that was read before and those outside of the time are left out") {
        Stand stand;
        ReadingOptions options;
        options.back = true;
        options.skip = "i=9";
        options.since_us = 5;
        options.until_us = 8;
        auto all = entry(9, 8) + entry(8, 9) + entry(7) + entry(5) + entry(4) + entry(6);
        CHECK(stand.run(stand.says(all), options) == "done");
        CHECK(Stand::texts(stand.heard()) == Words{"line 7", "line 5", "done"});
    }

    TEST_CASE("a search that finds nothing is one that went well") {
        Stand stand;
        CHECK(stand.run(stand.says("", 1)) == "done");
    }

    TEST_CASE("what journalctl complains of is told") {
        Stand stand, closed;
        auto complains = "echo 'Bad pattern \"x\": missing )' >&2\nexit 1\n";
        CHECK(stand.run(stand.journal(complains)) == "failed");
        CHECK(stand.message == "journalctl says: Bad pattern \"x\": missing )");
        auto hint = "echo 'No journal files were opened due to insufficient permissions.' >&2\n";
        CHECK(closed.run(closed.journal(hint)) == "failed");
        CHECK(closed.message.find("systemd-journal") != std::string::npos);
    }

    TEST_CASE("an entry that is too long is passed over") {
        Stand stand;
        auto big = R"({"MESSAGE":")" + std::string(300'000, 'x') + "\"}\n";
        std::string word, heard;
        std::thread runs([&] { word = stand.run(stand.says(entry(1) + big + entry(2))); });
        heard = stand.heard();
        runs.join();
        auto texts = Stand::texts(heard);
        REQUIRE(texts.size() == 4);
        CHECK(texts[1].find("not shown") != std::string::npos);
        CHECK(texts[2] == "line 2");
    }

    TEST_CASE("journalctl waits for a reader who is slow, and ends with one who goes") {
        Stand stand;
        auto endless = stand.journal("while :; do cat <<'E'\n" + entry(1) + "E\ndone\n");
        std::string word;
        std::thread runs([&] { word = stand.run(std::move(endless)); });
        std::array<char, 4096> bytes;
        REQUIRE(::read(stand.link.get(), bytes.data(), bytes.size()) > 0);
        stand.link.reset();
        runs.join();
        CHECK(word == "gone");
    }

    TEST_CASE("what is followed ends when the policy says no, and when the agent stops") {
        for (bool stops : {false, true}) {
            CAPTURE(stops);
            Stand stand;
            Descriptor news(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
            ReadingOptions options;
            options.follows = true;
            options.allowed = [] { return false; };
            (stops ? options.stop_fd : options.policy_fd) = news.get();
            auto child = stand.journal("cat <<'E'\n" + entry(1) + "E\nexec sleep 600\n");
            std::string word;
            std::thread runs([&] { word = stand.run(std::move(child), options); });
            std::string heard;
            std::array<char, 4096> bytes;
            while (heard.find("line 1") == std::string::npos) {
                auto got = ::read(stand.link.get(), bytes.data(), bytes.size());
                REQUIRE(got > 0);
                heard.append(bytes.data(), static_cast<std::size_t>(got));
            }
            ::eventfd_write(news.get(), 1);
            heard += stand.heard();
            runs.join();
            CHECK(word == (stops ? "stopped" : "policy"));
            CHECK(Stand::texts(heard) == Words{"line 1", word});
        }
    }

    TEST_CASE("a search that finds nothing for too long ends") {
        Stand stand;
        ReadingOptions options;
        options.quiet = 1ms;
        CHECK(stand.run(stand.journal("exec sleep 600\n"), options) == "time");
    }

    TEST_CASE("a reading has only so many bytes") {
        Stand stand;
        ReadingOptions options;
        options.text = true;
        options.bytes = 100;
        CHECK(stand.run(stand.says(entry(1) + entry(2) + entry(3) + entry(4)), options) == "bytes");
        auto heard = stand.heard();
        CHECK(heard.find("This is not all (bytes)") != std::string::npos);
        CHECK(heard.back() == proto::log_whole);
    }
}
