#include "agent/deploy/connector.hpp"
#include "agent/deploy/records.hpp"
#include "common/runtime/file.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

using namespace fairlead;
using namespace fairlead::deploy;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

/// systemd's part, and Cloudflare's: which tokens it lets in.
struct FakeUnits final : ConnectorUnits {
    FakeUnits(const Place& where) : place(where) {}
    const Place& place;
    std::set<std::string> good;              ///< tokens
    std::map<std::string, std::string> runs; ///< unit, and the token that it was started with
    std::set<std::string> enabled;
    std::vector<std::string> done;

    bool live(const std::string& unit) const { return unit == place.connector(); }
    Result<host::UnitState> state(const std::string& unit) override {
        host::UnitState state;
        state.active = runs.contains(unit) ? "active" : "inactive";
        state.file_state = enabled.contains(unit) ? "enabled" : "disabled";
        return state;
    }
    Result<> reload() override { return {}; }
    Result<> start(const std::string& unit) override {
        done.push_back((live(unit) ? "start " : "try ") + token_of(unit));
        runs[unit] = token_of(unit);
        return {};
    }
    Result<> stop(const std::string& unit) override {
        if (runs.erase(unit) > 0) done.push_back(live(unit) ? "stop" : "end try");
        return {};
    }
    Result<> enable(const std::string& unit) override {
        enabled.insert(unit);
        return {};
    }
    Result<> disable(const std::string& unit) override {
        enabled.erase(unit);
        return {};
    }
    std::vector<std::string> last_lines(const std::string&) override { return {"its last words"}; }
    Result<> ready(const std::string& address, std::uint16_t port) override {
        auto unit = address == ready_address ? place.connector() : place.trial();
        CHECK(port == 8069);
        if (runs.contains(unit) && good.contains(runs[unit])) return {};
        return fail(Errc::unavailable, "it has no connection to Cloudflare");
    }
    std::string token_of(const std::string& unit) const {
        return read_file(live(unit) ? place.connector_token() : place.trial_token(), 100).value();
    }
};

struct Fixture {
    store::TemporaryFolder folder;
    Layout layout{folder.path() / "base", folder.path() / "run", folder.path() / "units"};
    Place place{layout, "shop"};
    FakeUnits units{place};
    Connector connector{layout, units, 0ms};
    std::vector<std::string> errors;
    bool stopping = false;

    Fixture() { fs::create_directories(layout.units); }

    /// Release `number`, made by the operation "op_<number>"; without a token it is at a port.
    void release(std::uint32_t number, const std::string& token = "") {
        proto::EnvironmentSpec e;
        e.id = "env_1";
        e.port = 8069;
        fs::create_directories(place.release(number));
        ReleaseRecord record;
        record.info.number = number;
        record.info.operation = "op_" + std::to_string(number);
        if (!token.empty()) {
            e.exposure = proto::Exposure::cloudflared;
            REQUIRE(write_file(place.release(number) / connector_file, *connector_conf(e), 0644));
            REQUIRE(write_file(place.release(number) / token_file, token, 0600));
        }
        record.environment = e;
        REQUIRE(save_release(place, record));
    }
    Result<> serve(std::uint32_t number) {
        return connector.serve(
            place, number,
            {[&] { return stopping; }, [](auto) {}, [&](auto line) { errors.emplace_back(line); }}
        );
    }
    Result<> prove(std::uint32_t number) {
        return connector.prove(
            place, number,
            {[&] { return stopping; }, [](auto) {}, [&](auto line) { errors.emplace_back(line); }}
        );
    }
    Result<> undo(std::uint32_t back_to, std::uint32_t of) {
        return connector.put_back(place, back_to, "op_" + std::to_string(of));
    }
    std::vector<std::string> done() { return std::exchange(units.done, {}); }
    bool anything() const {
        return fs::is_symlink(place.connector_token()) || fs::is_symlink(place.trial_token()) ||
               fs::exists(place.drop_in(layout, place.connector())) ||
               fs::exists(place.drop_in(layout, place.trial()));
    }
    using Done = std::vector<std::string>;
};

} // namespace

TEST_SUITE("agent/deploy/connector") {

    TEST_CASE_FIXTURE(Fixture, "it runs, is enabled, and stays as it is while its token does") {
        units.good = {"one"};
        release(1, "one");
        REQUIRE(serve(1));
        CHECK(done() == Done{"start one"});
        CHECK(units.enabled == std::set{place.connector()});
        release(2, "one");
        REQUIRE(serve(2));
        CHECK(done().empty());
        // It would be found after the first release is gone.
        fs::remove_all(place.release(1));
        CHECK(read_file(place.connector_token(), 100).value() == "one");
        CHECK(fs::exists(place.drop_in(layout, place.connector()) / "50-release.conf"));
    }

    TEST_CASE_FIXTURE(Fixture, "one that does not connect is told with its log, and taken away") {
        release(1);
        release(2, "bad");
        auto served = serve(2);
        REQUIRE_FALSE(served);
        CHECK(served.error().code() == "cloudflared_not_connected");
        CHECK(served.error().message().find("no connection to Cloudflare") != std::string::npos);
        CHECK(errors.back() == "its last words");
        CHECK(done() == Done{"start bad"});
        for (int twice = 0; twice < 2; ++twice) REQUIRE(undo(1, 2));
        CHECK(done() == Done{"stop"});
        CHECK(units.enabled.empty());
        CHECK_FALSE(anything());
    }

    TEST_CASE_FIXTURE(
        Fixture, "another token is tried beside the connector, which goes on if it is bad"
    ) {
        units.good = {"one"};
        release(1, "one");
        REQUIRE(serve(1));
        done();
        release(2, "bad");
        CHECK(serve(2).error().code() == "cloudflared_not_connected");
        CHECK(done() == Done{"try bad", "end try"});
        REQUIRE(undo(1, 2));
        CHECK(done().empty());
        CHECK(units.runs == std::map<std::string, std::string>{{place.connector(), "one"}});
        CHECK_FALSE(fs::exists(place.drop_in(layout, place.trial())));

        units.good = {"two"};
        fs::remove_all(place.release(2));
        release(3, "two");
        REQUIRE(serve(3));
        CHECK(done() == Done{"try two", "stop", "start two", "end try"});
        // A later step failed.
        REQUIRE(undo(1, 3));
        CHECK(done() == Done{"stop", "start one"});
    }

    TEST_CASE_FIXTURE(Fixture, "another token can be proved before anything changes") {
        units.good = {"one"};
        release(1, "one");
        REQUIRE(prove(1)); // nothing serves that it could disturb
        CHECK(done().empty());
        REQUIRE(serve(1));
        done();
        REQUIRE(prove(1));
        CHECK(done().empty());
        release(2, "bad");
        CHECK(prove(2).error().code() == "cloudflared_not_connected");
        CHECK(done() == Done{"try bad", "end try"});
        CHECK(errors.back() == "its last words");
        units.good = {"two"};
        fs::remove_all(place.release(2));
        release(3, "two");
        REQUIRE(prove(3));
        CHECK(done() == Done{"try two", "end try"});
        CHECK(units.runs == std::map<std::string, std::string>{{place.connector(), "one"}});
        release(4);
        REQUIRE(prove(4));
        CHECK(done().empty());
    }

    TEST_CASE_FIXTURE(Fixture, "an older release is reached by the newest token") {
        units.good = {"two"};
        release(1, "one");
        release(2, "two");
        REQUIRE(serve(2));
        done();
        REQUIRE(serve(1));
        CHECK(done().empty());
        CHECK(units.runs.at(place.connector()) == "two");
    }

    TEST_CASE_FIXTURE(
        Fixture, "it goes with the exposure, and with a crash in the middle of a try"
    ) {
        units.good = {"one"};
        release(1, "one");
        REQUIRE(serve(1));
        REQUIRE(fs::exists(layout.units / "fairlead-cloudflared@.service"));
        fs::create_directory_symlink("x", place.trial_token());
        units.runs[place.trial()] = "x";
        REQUIRE(connector.remove(place));
        CHECK(done() == Done{"start one", "end try", "stop"});
        CHECK_FALSE(anything());
        REQUIRE(connector.remove(place));
        CHECK(done().empty());
        release(2);
        REQUIRE(serve(2));
        CHECK_FALSE(anything());
    }

    TEST_CASE_FIXTURE(Fixture, "who cancels waits no longer; what has no token says so") {
        release(1, "bad");
        stopping = true;
        CHECK(serve(1).error().code() == "cancelled");
        fs::remove(place.release(1) / token_file);
        CHECK(serve(1).error().code() == "cloudflared_missing");
    }

    TEST_CASE("its unit hides the token and everything of the agent, and its files say no more") {
        Layout layout;
        for (bool trial : {false, true}) {
            auto unit = cloudflared_template(layout, trial);
            for (const auto* line :
                 {"\nDynamicUser=yes\n", "\nCapabilityBoundingSet=\n", "\nNoNewPrivileges=yes\n",
                  "\nProtectSystem=strict\n", "\nMemoryDenyWriteExecute=yes\n"}) {
                CAPTURE(line);
                CHECK(unit.find(line) != std::string::npos);
            }
            CHECK(unit.find("-/var/lib/fairlead -/run/fairlead\n") != std::string::npos);
            CHECK(unit.find("--token ") == std::string::npos);
            CHECK((unit.find("WantedBy") == std::string::npos) == trial);
        }
        CHECK(
            cloudflared_template(layout, false)
                .find("LoadCredential=token:/var/lib/fairlead/environments/%i/connector-token\n") !=
            std::string::npos
        );
        proto::EnvironmentSpec e;
        e.port = 8069;
        CHECK_FALSE(connector_conf(e));
        e.exposure = proto::Exposure::cloudflared;
        CHECK(*connector_conf(e) == "[Service]\nEnvironment=CONNECTOR_PORT=8069\n");
        CHECK(ready_port(*connector_conf(e)).value() == 8069);
        CHECK_FALSE(ready_port("[Service]\n"));
        CHECK(check_connector_token("eyJhIjoi="));
        for (const auto& token :
             {std::string(), std::string("a b"), std::string("a\nb"), std::string(5000, 'a')})
            CHECK_FALSE(check_connector_token(token));
    }
}
