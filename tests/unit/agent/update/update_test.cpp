#include "../journal/support.hpp"
#include "agent/update/release.hpp"
#include "agent/update/update.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/runtime/file.hpp"
#include "common/store/connection.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace fairlead;
using namespace fairlead::update;
using journal::JournalFile;
using journal::Work;

namespace {

std::string pem_of(const crypto::VerifyKey& key) {
    std::string der("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
    return "-----BEGIN PUBLIC KEY-----\n" + crypto::base64_encode(der + key.bytes()) +
           "\n-----END PUBLIC KEY-----\n";
}

/// A server with an agent 1.0.0 and a controller that hands out one file.
struct Server {
    Server() {
        layout.folder = folder.path() / "update";
        layout.key = folder.path() / "key.pub";
        REQUIRE(write_file(layout.key, pem_of(release.verify_key()), 0644));
        system.installed = [this]() -> Result<std::string> { return installed; };
        // Of one digit each: that is enough here.
        system.below = [](const std::string& a, const std::string& b) -> Result<bool> {
            return a < b;
        };
        system.facts = [this](const auto&) -> Result<host::PackageFacts> {
            return host::PackageFacts{"fairlead-agent", says_of_itself, "amd64"};
        };
        system.keep = [this] { return write_file(layout.previous(), "old", 0600); };
        system.start_watch = [this]() -> Result<> {
            ++starts;
            if (watch) watch();
            return {};
        };
        system.watch_runs = [this] { return starts > 0; };
        system.minute_of_day = [this] { return minute; };
        system.pause = [this](auto) { decide(); };
    }

    proto::AgentUpdateArgs args(const std::string& version = "1.1.0") {
        proto::AgentUpdateArgs args;
        args.version = version;
        args.package = "fairlead-agent_" + version + "_amd64.deb";
        args.sums = crypto::sha256(package).hex() + "  " + args.package + "\n";
        args.signature = crypto::base64_encode(release.sign(args.sums));
        return args;
    }

    proto::Finished run(const proto::AgentUpdateArgs& args) {
        auto operation = journal::operation(1, 1);
        operation.kind = proto::kind::agent_update;
        operation.args = proto::write(args);
        REQUIRE(journal->deliver(operation, "") == journal::Delivered::fresh);
        Fetcher fetcher([] {}, std::chrono::seconds(20));
        std::jthread controller([&](std::stop_token stop) {
            while (!stop.stop_requested()) serve(fetcher);
        });
        auto policy = [this] { return policy::Policy::parse(rules, "policy.yaml"); };
        Updates updates({layout, "1.0.0", policy, fetcher, system});
        auto plan = updates.plan(operation);
        REQUIRE(plan);
        Work work(*journal, journal.clock, operation, journal::Redactor());
        return journal::Engine(*journal, [](auto) {}).run(*plan, work);
    }

    void serve(Fetcher& fetcher) {
        auto wanted = fetcher.take_wanted();
        if (!wanted) return std::this_thread::yield();
        constexpr std::size_t at_once = 3;
        proto::PackagePart part;
        part.file = wanted->file;
        part.offset = wanted->offset;
        part.size = sent.size();
        part.data = crypto::base64_encode(sent.substr(wanted->offset, at_once));
        part.problem = problem;
        fetcher.answer(part);
    }

    /// What the guard would have written.
    void decide() {
        auto record = load(layout);
        if (!record || !*record || is_decided((*record)->phase)) return;
        (*record)->phase = decision;
        (*record)->code = decision == Phase::done ? "" : "update_unhealthy";
        (*record)->reason = "It did not reach the controller.";
        REQUIRE(save(layout, **record));
    }

    store::TemporaryFolder folder;
    JournalFile journal;
    Layout layout;
    System system;
    crypto::SigningKey release = crypto::SigningKey::generate();
    std::string package = "a package", sent = package, problem, installed = "1.0.0",
                says_of_itself = "1.1.0", rules = "version: 1\n";
    Phase decision = Phase::done;
    int starts = 0, minute = 12 * 60;
    std::function<void()> watch;
};

std::string code_of(const proto::Finished& finished) {
    return finished.error ? finished.error->code : "";
}

} // namespace

TEST_SUITE("agent/update/update") {

    TEST_CASE("a signed package comes part by part and is handed to the guard") {
        Server server;
        auto finished = server.run(server.args());
        CHECK(finished.outcome == proto::Outcome::succeeded);
        CHECK(server.starts == 1);
        CHECK(read_file(server.layout.next(), 100).value() == server.package);
        CHECK(read_file(server.layout.previous(), 100).value() == "old");
        auto record = load(server.layout)->value();
        CHECK(record.from == "1.0.0");
        CHECK(record.to == "1.1.0");
        CHECK(record.next_sha256 == crypto::sha256(server.package).hex());
    }

    TEST_CASE("it has succeeded when the guard says so, and not before") {
        Server server;
        server.decision = Phase::returned;
        auto finished = server.run(server.args());
        CHECK(finished.outcome == proto::Outcome::failed);
        CHECK(code_of(finished) == "update_unhealthy");
        CHECK(finished.error->message == "It did not reach the controller.");
    }

    TEST_CASE("the executor of the new version goes on where the one before was ended") {
        Server server;
        // As the guard does it: in the middle of waiting.
        server.system.pause = [](auto) {
            throw store::StoreError(store::StoreError::Kind::corrupt, "killed");
        };
        CHECK_THROWS_AS(server.run(server.args()), store::StoreError);
        CHECK(adopted_by(server.layout) == "1.0.0");
        server.journal.open();
        auto found = server.journal->unfinished();
        REQUIRE(found.size() == 1);
        server.system.pause = [&](auto) { server.decide(); };
        SUBCASE("and it stays") {}
        SUBCASE("and the one before is put back") {
            server.decision = Phase::returned;
        }
        Fetcher nobody([] {});
        auto policy = [] { return policy::Policy::parse("version: 1\n", "policy.yaml"); };
        Updates updates({server.layout, "1.1.0", policy, nobody, server.system});
        auto plan = updates.plan(found[0].operation);
        REQUIRE(plan);
        Work work(*server.journal, server.journal.clock, found[0].operation, journal::Redactor());
        journal::Engine engine(*server.journal, [](auto) {});
        auto finished = engine.recover(*plan, work, found[0]);
        CHECK(adopted_by(server.layout) == "1.1.0");
        bool stays = server.decision == Phase::done;
        CHECK((finished.outcome == proto::Outcome::succeeded) == stays);
        CHECK(code_of(finished) == (stays ? "" : "update_unhealthy"));
        CHECK(work.recall("from") == "1.0.0");
    }

    TEST_CASE("what the release key did not sign is neither fetched nor installed") {
        Server server;
        auto args = server.args();
        std::string code = "update_signature";
        SUBCASE("other sums") {
            args.sums[0] = args.sums[0] == '0' ? '1' : '0';
        }
        SUBCASE("another key") {
            auto other = crypto::SigningKey::generate();
            args.signature = crypto::base64_encode(other.sign(args.sums));
        }
        SUBCASE("no base64") {
            args.signature = "?";
        }
        SUBCASE("a key that is none") {
            REQUIRE(write_file(server.layout.key, "key", 0644));
        }
        SUBCASE("sums that do not name it") {
            args.sums = std::string(64, '0') + "  another_1.1.0_amd64.deb\n";
            args.signature = crypto::base64_encode(server.release.sign(args.sums));
            code = "update_not_listed";
        }
        CHECK(code_of(server.run(args)) == code);
        CHECK(server.starts == 0);
        CHECK_FALSE(std::filesystem::exists(server.layout.next()));
    }

    TEST_CASE("a package that was altered on the way is not installed") {
        Server server;
        std::string code = "update_altered";
        SUBCASE("another content") {
            server.sent = "b package";
        }
        SUBCASE("another version in it") {
            server.says_of_itself = "0.9.0";
            code = "update_not_listed";
        }
        SUBCASE("none") {
            server.problem = "This controller has no such package any more.";
            code = "package_unavailable";
        }
        SUBCASE("an empty one") {
            server.sent.clear();
            code = "package_unavailable";
        }
        CHECK(code_of(server.run(server.args())) == code);
        CHECK(server.starts == 0);
        CHECK_FALSE(std::filesystem::exists(server.layout.next()));
    }

    TEST_CASE("older versions come only as far back as the policy says") {
        Server server;
        server.installed = "2.0.0";
        std::string code = "version_older";
        SUBCASE("it says nothing") {}
        SUBCASE("not so far") {
            server.rules += "update_oldest: 1.2.0\n";
        }
        SUBCASE("so far") {
            server.rules += "update_oldest: 1.1.0\n";
            code = "";
        }
        CHECK(code_of(server.run(server.args())) == code);
    }

    TEST_CASE("what is there already, or not dpkg's, is told") {
        Server server;
        std::string code = "version_installed";
        server.installed = "1.1.0";
        SUBCASE("there") {}
        SUBCASE("not by dpkg") {
            server.system.installed = []() -> Result<std::string> {
                return fail(Errc::not_found, "dpkg does not know it.");
            };
            code = "update_needs_dpkg";
        }
        CHECK(code_of(server.run(server.args())) == code);
    }

    TEST_CASE("an update that is not decided keeps its packages") {
        Server server;
        std::filesystem::create_directories(server.layout.folder);
        Record other;
        other.operation = "op_other";
        other.phase = Phase::returning;
        REQUIRE(save(server.layout, other));
        REQUIRE(write_file(server.layout.previous(), "what it goes back to", 0600));
        server.system.watch_runs = [] { return true; };
        CHECK(code_of(server.run(server.args())) == "update_running");
        CHECK(read_file(server.layout.previous(), 100).value() == "what it goes back to");
        CHECK(load(server.layout)->value().operation == "op_other");
        CHECK(server.starts == 0);
    }

    TEST_CASE("one whose guard is gone is gone on with, and one that cannot be is forgotten") {
        Server server;
        std::filesystem::create_directories(server.layout.folder);
        Record other;
        other.operation = "op_other";
        other.phase = Phase::waiting;
        REQUIRE(save(server.layout, other));
        SUBCASE("its program is there") {
            REQUIRE(write_file(server.layout.guard(), "guard", 0700));
            CHECK(code_of(server.run(server.args())) == "update_running");
            CHECK(server.starts == 1);
            CHECK(load(server.layout)->value().operation == "op_other");
            return;
        }
        SUBCASE("the agent was taken off the server meanwhile") {}
        SUBCASE("nobody can read what it was") {
            REQUIRE(write_file(server.layout.record(), "{", 0600));
        }
        CHECK(server.run(server.args()).outcome == proto::Outcome::succeeded);
    }

    TEST_CASE("an executor that comes late starts no guard that has decided") {
        Server server;
        server.system.pause = [](auto) {
            throw store::StoreError(store::StoreError::Kind::corrupt, "killed");
        };
        CHECK_THROWS_AS(server.run(server.args()), store::StoreError);
        server.journal.open();
        auto found = server.journal->unfinished();
        REQUIRE(found.size() == 1);
        auto record = load(server.layout)->value();
        record.phase = Phase::returning;
        REQUIRE(save(server.layout, record));
        // The guard decides, and puts its unit away, just when it is asked after.
        server.decision = Phase::returned;
        server.system.watch_runs = [&] {
            server.decide();
            return false;
        };
        Fetcher nobody([] {});
        auto policy = [] { return policy::Policy::parse("version: 1\n", "policy.yaml"); };
        Updates updates({server.layout, "1.0.0", policy, nobody, server.system});
        Work work(*server.journal, server.journal.clock, found[0].operation, journal::Redactor());
        journal::Engine engine(*server.journal, [](auto) {});
        auto finished = engine.recover(*updates.plan(found[0].operation), work, found[0]);
        CHECK(code_of(finished) == "update_unhealthy");
        CHECK(server.starts == 1); // that of the one before
    }

    TEST_CASE("trouble beside an update that is under way ends nothing before the guard decides") {
        Server server;
        int looks = 0;
        server.system.watch_runs = [] { return false; };
        server.system.start_watch = [&]() -> Result<> {
            if (++server.starts == 1) return {};
            return fail(Errc::timeout, "systemctl did not end.");
        };
        server.system.pause = [&](auto) {
            if (++looks > 50) server.decide();
        };
        CHECK(server.run(server.args()).outcome == proto::Outcome::succeeded);
        CHECK(server.starts > 2);
    }

    TEST_CASE("at other hours than the policy's nothing is installed") {
        Server server;
        server.rules += "update_hours: \"22:00-05:30\"\n";
        std::string code = "update_hours";
        SUBCASE("at noon") {}
        SUBCASE("after the end") {
            server.minute = 5 * 60 + 30;
        }
        SUBCASE("late") {
            server.minute = 22 * 60;
            code = "";
        }
        SUBCASE("early") {
            server.minute = 5 * 60 + 29;
            code = "";
        }
        CHECK(code_of(server.run(server.args())) == code);
    }

    TEST_CASE("an update whose guard cannot start does not begin later") {
        Server server;
        server.system.start_watch = []() -> Result<> {
            return fail(Errc::internal, "systemd does not answer.");
        };
        CHECK(server.run(server.args()).outcome == proto::Outcome::failed);
        CHECK_FALSE(std::filesystem::exists(server.layout.record()));
    }

    TEST_CASE("a part is asked for again by the next link, and what nobody waits for is left") {
        Fetcher fetcher([] {}, std::chrono::seconds(20));
        std::jthread controller([&] {
            std::optional<proto::PackageWanted> wanted;
            while (!wanted) wanted = fetcher.take_wanted();
            CHECK_FALSE(fetcher.take_wanted());
            fetcher.linked();
            CHECK(fetcher.take_wanted()->offset == 0);
            fetcher.answer({"another", 0, 1, "YQ==", ""});
            fetcher.answer({"file", 5, 1, "YQ==", ""});
            fetcher.answer({"file", 0, 1, "YQ==", ""});
        });
        std::stop_source stop;
        CHECK(fetcher.fetch("file", stop.get_token(), [](auto) {}).value() == "a");
        stop.request_stop();
        auto stopped = fetcher.fetch("file", stop.get_token(), [](auto) {});
        REQUIRE_FALSE(stopped);
        CHECK(stopped.error().code() == "cancelled");
    }
}
