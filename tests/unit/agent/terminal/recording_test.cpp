#include "agent/terminal/recording.hpp"
#include "common/runtime/file.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

using namespace fairlead;
using namespace fairlead::terminal;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const auto now = from_ms(1'790'000'000'000);

struct Folder {
    Folder() { fs::remove_all(path); }
    ~Folder() { fs::remove_all(path); }
    fs::path path = fs::temp_directory_path() / ("fairlead-cast-" + std::to_string(::getpid()));
};

proto::TerminalPurpose named(const std::string& terminal) {
    proto::TerminalPurpose what;
    what.terminal = terminal;
    what.user = "deploy";
    return what;
}

std::vector<boost::json::value> lines(const fs::path& file) {
    std::vector<boost::json::value> all;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) all.push_back(boost::json::parse(line));
    return all;
}

/// A recording from before, this old and this large.
void leave(const fs::path& file, std::chrono::hours age, std::uint64_t size) {
    std::ofstream(file).put('x');
    fs::resize_file(file, size);
    auto seconds = static_cast<time_t>(to_ms(now - age) / 1000);
    timespec times[2] = {{seconds, 0}, {seconds, 0}};
    REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
}

} // namespace

TEST_SUITE("agent/terminal/recording") {

    TEST_CASE("a recording is an asciicast of root's alone, whole at each moment") {
        Folder folder;
        auto recording = Recording::begin(folder.path, named("term_1"), now);
        REQUIRE_MESSAGE(recording, recording.error().message());
        recording->output("$ ", 5ms);
        recording->output("gr\xc3", 1s); // cut within a letter
        recording->output("\xbc\xc3\x9f\r\n", 1001ms);
        recording->output("\xff", 61s);
        recording->resized({132, 50}, 62'050ms);
        auto file = folder.path / "term_1.cast";
        auto all = lines(file);
        REQUIRE(all.size() == 6);
        CHECK(all[0].at("version") == 2);
        CHECK(all[0].at("width") == 80);
        CHECK(all[0].at("height") == 24);
        CHECK(all[0].at("timestamp") == 1'790'000'000);
        CHECK(all[1] == boost::json::parse(R"([0.005, "o", "$ "])"));
        CHECK(all[2] == boost::json::parse(R"([1.000, "o", "gr"])"));
        CHECK(all[3] == boost::json::parse("[1.001, \"o\", \"\xc3\xbc\xc3\x9f\\r\\n\"]"));
        CHECK(all[4] == boost::json::parse("[61.000, \"o\", \"\xef\xbf\xbd\"]"));
        CHECK(all[5] == boost::json::parse(R"([62.050, "r", "132x50"])"));
        struct stat info {};
        REQUIRE(::stat(file.c_str(), &info) == 0);
        CHECK((info.st_mode & 07777) == 0600);
        REQUIRE(::stat(folder.path.c_str(), &info) == 0);
        CHECK((info.st_mode & 07777) == 0700);
    }

    TEST_CASE("one that is full ends with a mark and takes no more") {
        Folder folder;
        RecordingLimits limits;
        limits.one = 4096;
        auto recording = Recording::begin(folder.path, named("term_1"), now, limits);
        REQUIRE(recording);
        for (int i = 0; i < 100; ++i) recording->output(std::string(100, 'x'), 1ms);
        auto all = lines(recording->file());
        CHECK(all.back().at(1) == "m");
        CHECK(all.size() < 40);
        CHECK(fs::file_size(recording->file()) <= limits.one);
    }

    TEST_CASE("a new one makes room: old ones go, then the oldest, and nothing else is touched") {
        Folder folder;
        fs::create_directories(folder.path);
        leave(folder.path / "old.cast", 24h * 31, 1);
        leave(folder.path / "large.cast", 24h * 20, 500);
        leave(folder.path / "next.cast", 24h * 10, 300);
        leave(folder.path / "new.cast", 1h, 300);
        leave(folder.path / "notes.txt", 24h * 99, 5000);
        RecordingLimits limits;
        limits.one = 400;
        limits.all = 1000;
        auto recording = Recording::begin(folder.path, named("term_1"), now, limits);
        REQUIRE(recording);
        CHECK(!fs::exists(folder.path / "old.cast"));
        CHECK(!fs::exists(folder.path / "large.cast"));
        CHECK(fs::exists(folder.path / "next.cast"));
        CHECK(fs::exists(folder.path / "new.cast"));
        CHECK(fs::exists(folder.path / "notes.txt"));
    }

    TEST_CASE("old ones are forgotten also when nobody records any more") {
        Folder folder;
        forget_recordings(folder.path, now); // that is not there
        fs::create_directories(folder.path);
        leave(folder.path / "old.cast", 24h * 31, 1);
        leave(folder.path / "large.cast", 24h * 20, 800);
        leave(folder.path / "new.cast", 24h, 300);
        RecordingLimits limits;
        limits.all = 1000;
        forget_recordings(folder.path, now, limits);
        CHECK(!fs::exists(folder.path / "old.cast"));
        CHECK(!fs::exists(folder.path / "large.cast"));
        CHECK(fs::exists(folder.path / "new.cast"));
    }

    TEST_CASE("an id that is no plain name, or that was used, makes no recording") {
        Folder folder;
        for (const auto* id : {"", "..", "a/b", "../../etc/cron", "a b", "term.1"}) {
            CAPTURE(id);
            auto recording = Recording::begin(folder.path, named(id), now);
            REQUIRE_FALSE(recording);
            CHECK(recording.error().kind() == Errc::invalid);
        }
        CHECK_FALSE(Recording::begin(folder.path, named(std::string(65, 'a')), now));
        CHECK(Recording::begin(folder.path, named("term_1"), now));
        CHECK_FALSE(Recording::begin(folder.path, named("term_1"), now));
    }
}
