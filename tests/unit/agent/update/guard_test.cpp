#include "agent/update/guard.hpp"
#include "common/crypto/hash.hpp"
#include "common/runtime/file.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::update;
using namespace std::chrono_literals;

namespace {

/// A server whose dpkg, link and time are the test's.
struct Server {
    Server() {
        layout.folder = folder.path() / "update";
        std::filesystem::create_directories(layout.folder);
        REQUIRE(write_file(layout.next(), "new", 0600));
        REQUIRE(write_file(layout.previous(), "old", 0600));
        record.operation = "op_1";
        record.from = "1.0.0";
        record.to = "1.1.0";
        record.next_sha256 = crypto::sha256("new").hex();
        record.previous_sha256 = crypto::sha256("old").hex();
        REQUIRE(save(layout, record));
    }
    void begin_at(Phase phase) {
        record.phase = phase;
        REQUIRE(save(layout, record));
    }
    Guard::Parts parts() {
        Guard::Parts parts;
        parts.layout = layout;
        parts.install = [this](const std::filesystem::path& file) -> Result<> {
            auto what = read_file(file, 100).value();
            did += "install " + what + ";";
            if (what == "new" && !new_fails.code().empty()) return fail(new_fails);
            if (what == "old" && old_fails > 0 && old_fails-- > 0)
                return fail(Errc::unavailable, "dpkg is broken");
            running = what == "new" ? "1.1.0" : "1.0.0";
            return {};
        };
        parts.unpack = [this](const std::filesystem::path&) -> Result<> {
            did += "unpack;";
            running = "1.0.0";
            return {};
        };
        parts.restart_executor = [this] {
            did += "executor;";
            if (executor_adopts) REQUIRE(note_adopted(layout, running));
        };
        parts.restart_link = [this] { did += "link;"; };
        parts.link = [this] {
            bool good = running == "1.0.0" || (new_links && now >= links_at);
            return LinkWord{good, running, good ? "" : "The controller is away."};
        };
        parts.put_away = [this] { did += "away;"; };
        parts.told_to_end = [this] { return now >= end_at; };
        parts.pause = [this](std::chrono::milliseconds time) { now += time; };
        parts.now = [this] { return now; };
        return parts;
    }
    Record run() {
        REQUIRE(Guard(parts()).run());
        return load(layout)->value();
    }

    store::TemporaryFolder folder;
    Layout layout;
    Record record;
    std::string did, running = "1.0.0";
    Error new_fails{Errc::unavailable, "no space"};
    int old_fails = 0;
    bool executor_adopts = true, new_links = true;
    Guard::Steady::time_point now{}, links_at{}, end_at = Guard::Steady::time_point::max();
};

} // namespace

TEST_SUITE("agent/update/guard") {

    TEST_CASE("an agent that reaches the controller stays") {
        Server server;
        server.links_at = server.now + 59s;
        CHECK(server.run().phase == Phase::done);
        CHECK(server.did == "install new;executor;link;away;");
        CHECK(server.running == "1.1.0");
        CHECK(read_file(server.layout.previous(), 100).value() == "old");
    }

    TEST_CASE("one that does not within 60 s is replaced by the one before") {
        Server server;
        SUBCASE("its link does not connect") {
            server.new_links = false;
        }
        SUBCASE("its link is too late") {
            server.links_at = server.now + 62s;
        }
        SUBCASE("its executor does not come up") {
            server.executor_adopts = false;
        }
        auto record = server.run();
        CHECK(record.phase == Phase::returned);
        CHECK(record.code == "update_unhealthy");
        CHECK(record.reason.find("1.0.0 was put back") != std::string::npos);
        CHECK(server.did == "install new;executor;link;install old;link;executor;away;");
        CHECK(server.running == "1.0.0");
    }

    TEST_CASE("a package that dpkg does not take is replaced, too") {
        Server server;
        server.new_fails = Error(Errc::unavailable, "no space").with_code("failed");
        auto record = server.run();
        CHECK(record.code == "update_install_failed");
        CHECK(record.reason.find("no space") != std::string::npos);
        CHECK(server.did == "install new;install old;link;executor;away;");
    }

    TEST_CASE("while another dpkg has the lock nothing is changed") {
        Server server;
        server.new_fails = Error(Errc::unavailable, "no space").with_code("dpkg_locked");
        auto record = server.run();
        CHECK(record.phase == Phase::returned);
        CHECK(record.code == "dpkg_locked");
        CHECK(server.did == "install new;away;");
    }

    TEST_CASE("packages that are not as they were written are not installed") {
        Server server;
        REQUIRE(write_file(server.layout.next(), "other", 0600));
        CHECK(server.run().code == "update_altered");
        CHECK(server.did == "away;");
    }

    TEST_CASE("a power cut at each point ends with one of the two") {
        Server server;
        SUBCASE("before dpkg") {
            server.begin_at(Phase::ready);
            CHECK(server.run().phase == Phase::done);
        }
        SUBCASE("in dpkg") {
            server.begin_at(Phase::installing);
            auto record = server.run();
            CHECK(record.phase == Phase::returned);
            CHECK(record.code == "interrupted");
            CHECK(server.did == "install old;link;executor;away;");
        }
        SUBCASE("while the new one is waited for") {
            server.running = "1.1.0";
            server.begin_at(Phase::waiting);
            REQUIRE(note_adopted(server.layout, "1.1.0"));
            CHECK(server.run().phase == Phase::done);
            CHECK(server.did == "away;");
        }
        SUBCASE("while the old one is put back") {
            server.begin_at(Phase::returning);
            CHECK(server.run().phase == Phase::returned);
            CHECK(server.did == "install old;link;executor;away;");
        }
        SUBCASE("after it was decided") {
            server.begin_at(Phase::done);
            CHECK(server.run().phase == Phase::done);
            CHECK(server.did == "away;");
        }
    }

    TEST_CASE("where dpkg cannot put the old one back, its files are put in place without it") {
        Server server;
        server.new_links = false;
        server.old_fails = 100;
        auto record = server.run();
        CHECK(record.phase == Phase::returned);
        CHECK(record.reason.find("dpkg -i") != std::string::npos);
        CHECK(server.did.find("unpack;link;executor;away;") != std::string::npos);
        CHECK(server.running == "1.0.0");
    }

    TEST_CASE("a server that goes down says nothing about the new agent") {
        Server server;
        server.new_links = false;
        server.end_at = server.now + 10s;
        CHECK(server.run().phase == Phase::waiting);
        CHECK(server.did == "install new;executor;link;");
        // After the start it has its time again.
        server.end_at = Guard::Steady::time_point::max();
        server.new_links = true;
        CHECK(server.run().phase == Phase::done);
    }
}
