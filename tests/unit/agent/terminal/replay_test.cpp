#include "agent/host/sending.hpp"
#include "agent/terminal/recording.hpp"
#include "agent/terminal/replay.hpp"
#include "proto/log.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace fairlead;
using namespace fairlead::terminal;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const auto start = from_ms(1'790'000'000'000);

struct Stand {
    Stand() {
        fs::remove_all(folder);
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        link = Descriptor(ends[0]);
        peer = Descriptor(ends[1]);
        ::fcntl(peer.get(), F_SETFL, O_NONBLOCK);
    }
    ~Stand() { fs::remove_all(folder); }

    Recording
    record(const std::string& terminal, const std::string& user = "deploy", Timestamp at = start) {
        proto::TerminalPurpose what;
        what.terminal = terminal;
        what.user = user;
        what.columns = 132;
        auto begun = Recording::begin(folder, what, at);
        REQUIRE(begun);
        return *std::move(begun);
    }
    std::vector<std::string> ids(const std::string& of = "deploy", std::size_t most = 10) {
        std::vector<std::string> all;
        auto wanted = [&](const auto& one) { return one.user == of; };
        for (const auto& one : list_recordings(folder, wanted, most)) all.push_back(one.id);
        return all;
    }
    /// All that the link gets, until the connection ends.
    std::string hear() {
        std::string all;
        std::array<char, 4096> bytes;
        for (;;) {
            auto got = ::read(link.get(), bytes.data(), bytes.size());
            if (got <= 0) return all;
            all.append(bytes.data(), static_cast<std::size_t>(got));
        }
    }
    /// Replays to somebody who reads.
    std::string replayed(const Kept& kept, host::SendOptions options = {}) {
        std::string heard;
        std::thread reader([&] { heard = hear(); });
        end =
            host::send_whole(peer.get(), "", kept.file.get(), kept.facts.bytes, std::move(options));
        peer.reset();
        reader.join();
        return heard;
    }

    fs::path folder = fs::temp_directory_path() / ("fairlead-replay-" + std::to_string(::getpid()));
    Descriptor link, peer;
    std::string end;
};

std::string content(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST_SUITE("agent/terminal/replay") {

    TEST_CASE("a recording is replayed byte for byte, with the byte that says that it is whole") {
        Stand stand;
        auto recording = stand.record("term_1");
        for (int i = 0; i < 20'000; ++i)
            recording.output("line " + std::to_string(i) + "\r\n", 1ms);
        auto kept = open_recording(stand.folder, "term_1");
        REQUIRE(kept);
        CHECK(kept->facts.user == "deploy");
        CHECK(kept->facts.columns == 132);
        CHECK(kept->facts.rows == 24);
        CHECK(kept->facts.began_ms == 1'790'000'000'000);
        CHECK(kept->facts.wrote_ms > 0);
        auto heard = stand.replayed(*kept);
        CHECK(stand.end == "done");
        CHECK(heard == "\n" + content(recording.file()) + std::string(1, proto::log_whole));
    }

    TEST_CASE("one that is still written to is shown to its last whole line") {
        Stand stand;
        auto recording = stand.record("term_1");
        recording.output("whole", 1ms);
        auto whole = content(recording.file());
        std::ofstream(recording.file(), std::ios::app) << R"([0.002, "o", "hal)";
        auto kept = open_recording(stand.folder, "term_1");
        REQUIRE(kept);
        CHECK(kept->facts.bytes == whole.size());
        CHECK(stand.replayed(*kept) == "\n" + whole + std::string(1, proto::log_whole));
    }

    TEST_CASE("the list has the newest first, of whom it is wanted, and no other files") {
        Stand stand;
        for (int i = 1; i <= 4; ++i)
            stand.record("term_" + std::to_string(i), i == 2 ? "root" : "deploy", start + i * 1h);
        std::ofstream(stand.folder / "notes.txt") << "x\n";
        std::ofstream(stand.folder / "other.cast") << "{\"version\": 2}\n";
        std::ofstream(stand.folder / "empty.cast");
        fs::create_symlink("term_1.cast", stand.folder / "link.cast");
        REQUIRE(::mkfifo((stand.folder / "pipe.cast").c_str(), 0600) == 0);
        fs::copy_file(stand.folder / "term_1.cast", stand.folder / "renamed.cast");
        CHECK(stand.ids() == std::vector<std::string>{"term_4", "term_3", "term_1"});
        CHECK(stand.ids("root") == std::vector<std::string>{"term_2"});
        CHECK(stand.ids("deploy", 2) == std::vector<std::string>{"term_4", "term_3"});
        fs::remove_all(stand.folder);
        CHECK(stand.ids().empty());
    }

    TEST_CASE("what is no recording's name opens nothing") {
        Stand stand;
        stand.record("term_1");
        for (const auto* id : {"", "..", "../term_1", "term_1.cast", "term_2", "a/b"}) {
            CAPTURE(id);
            auto kept = open_recording(stand.folder, id);
            REQUIRE_FALSE(kept);
            CHECK(kept.error().kind() == Errc::not_found);
        }
    }

    TEST_CASE("who takes nothing, has gone, or may not any more gets no last byte") {
        for (const auto* why : {"slow", "gone", "policy", "stopped", "failed"}) {
            CAPTURE(why);
            Stand stand;
            auto recording = stand.record("term_1");
            // More than a socket holds.
            for (int i = 0; i < 400; ++i) recording.output(std::string(8192, 'x'), 1ms);
            auto kept = open_recording(stand.folder, "term_1");
            REQUIRE(kept);
            host::SendOptions options;
            std::string word = why;
            Descriptor event(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
            if (word == "slow") options.patience = 20ms;
            if (word == "gone") stand.link.reset();
            if (word == "policy") {
                options.policy_fd = event.get();
                options.allowed = [] { return false; };
            }
            if (word == "stopped") options.stop_fd = event.get();
            if (word == "failed") fs::resize_file(recording.file(), 100'000);
            if (word == "failed") {
                auto heard = stand.replayed(*kept);
                CHECK(heard.find(proto::log_whole) == std::string::npos);
            } else {
                stand.end = host::send_whole(
                    stand.peer.get(), "", kept->file.get(), kept->facts.bytes, std::move(options)
                );
            }
            CHECK(stand.end == word);
        }
    }
}
