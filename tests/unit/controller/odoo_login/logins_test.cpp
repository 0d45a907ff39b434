#include "../environments/fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using Outcome = proto::Outcome;

namespace {

const std::string key =
    "BP6MGc4JBRkevCmKkkV5JTHybwzs4kYGOei8Oct_cGqCanebTPlpuKDlOcf2L7PTCtaqj4DjDx0Siq_WiiznLqA";

/// A staging environment that is deployed.
struct Stand : EnvironmentWorld {
    explicit Stand(const std::string& type = "staging") {
        agent.connect();
        id = create(project(), {{"type", type}}).id();
        deploy(id);
    }
    Reply ask(boost::json::object extra = {}) {
        boost::json::object body{{"user", "admin"}, {"reason", "Ticket 4711"}, {"public_key", key}};
        for (auto& [name, value] : extra) body[name] = value;
        return post(id, "odoo/login", body);
    }
    Reply operation(const std::string& which) {
        return world.in_org("GET", "/operations/" + which);
    }
    /// The server made the link.
    std::string made() {
        auto asked = ask();
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        agent.fetch();
        agent.take_all();
        proto::OperationResult result;
        result.sealed = "c2VhbGVk";
        agent.finish(asked.id(), Outcome::succeeded, result);
        while (!agent.reports.empty()) REQUIRE(agent.report());
        return asked.id();
    }
    void told(std::vector<proto::UsedOdooLink> links) {
        proto::Inventory message;
        message.used_odoo_links = std::move(links);
        REQUIRE(world.core->agents.inventory(*agent.link, message));
    }
    std::int64_t count(const std::string& act) {
        auto log = world.audited();
        return std::ranges::count(log, act);
    }

    std::string id;
};

} // namespace

TEST_SUITE("controller/odoo_login") {

    TEST_CASE("a link is asked of the server, with who asks and why, and waits for nothing else") {
        Stand stand;
        auto asked = stand.ask();
        REQUIRE(asked.status == 202);
        CHECK(asked.json.at("kind").as_string() == "odoo.login");
        CHECK(asked.json.at("note").as_string() == "Ticket 4711");
        CHECK(stand.count("odoo.login ok") == 1);
        // Another operation of the environment begins beside it.
        CHECK(stand.post(stand.id, "restart").status == 202);
        stand.agent.fetch();
        stand.agent.take_all();
        const auto& operation = stand.agent.known.at(asked.id()).operation;
        CHECK(operation.requested_by == "ann@example.org");
        auto args = proto::read<proto::OdooLoginArgs>(operation.args).value();
        CHECK(args.login == "admin");
        CHECK(args.reason == "Ticket 4711");
        CHECK(args.public_key == key);
        CHECK(args.environment_id == stand.id);
        // It is not what happened to the environment last.
        CHECK(
            stand.get(stand.id).json.at("last_operation").at("kind").as_string() ==
            "environment.restart"
        );
    }

    TEST_CASE("a reason is needed, and a key that can be sealed for") {
        Stand stand;
        for (const auto* reason : {"", "   ", "two\nlines", "a\x01"}) {
            CAPTURE(reason);
            CHECK(stand.ask({{"reason", reason}}).blames("reason"));
        }
        CHECK(stand.ask({{"reason", std::string(501, 'x')}}).blames("reason"));
        CHECK(stand.ask({{"user", ""}}).blames("user"));
        CHECK(stand.ask({{"public_key", std::string(87, 'A')}}).blames("public_key"));
        CHECK(stand.post(stand.id, "odoo/users", boost::json::object{}).status == 400);
        CHECK(stand.count("odoo.login ok") == 0);
    }

    TEST_CASE("what is sealed is handed on, and forgotten after ten minutes") {
        Stand stand;
        auto id = stand.made();
        CHECK(stand.operation(id).json.at("result").at("sealed").as_string() == "c2VhbGVk");
        auto list = stand.post(stand.id, "odoo/users", boost::json::object{{"public_key", key}});
        REQUIRE(list.status == 202);
        stand.world.clock.advance(operations::Operations::sealed_kept + 1s);
        REQUIRE(stand.world.core->operations.tick());
        CHECK(stand.operation(id).json.at("result").is_null());
        CHECK(
            stand.operation(id).json.at("outcome").as_string() == "no use of the link was told of"
        );
        CHECK(stand.operation(id).json.at("state").as_string() == "succeeded");
    }

    TEST_CASE("what is no sealed text is handed on to nobody") {
        Stand stand;
        auto asked = stand.ask();
        stand.agent.fetch();
        stand.agent.take_all();
        proto::OperationResult result;
        result.sealed = "<script>";
        stand.agent.finish(asked.id(), Outcome::succeeded, result);
        while (!stand.agent.reports.empty()) REQUIRE(stand.agent.report());
        CHECK(stand.operation(asked.id()).json.at("result").is_null());
    }

    TEST_CASE("a use is written down once, whatever the server says of its time") {
        Stand stand;
        auto id = stand.made();
        stand.world.clock.advance(20s);
        auto now = to_ms(stand.world.clock.now());
        stand.told({{id, now + 1'000'000}, {"op_nonsense", now}, {id, 5}});
        CHECK(stand.count("odoo.login.used ok") == 1);
        auto seen = stand.operation(id);
        CHECK(
            seen.json.at("outcome").as_string() ==
            "the link was used at " + to_rfc3339(stand.world.clock.now())
        );
        CHECK(seen.json.at("result").is_null());
        stand.told({{id, now}});
        CHECK(stand.count("odoo.login.used ok") == 1);
    }

    TEST_CASE("a server's word counts for its own links alone") {
        Stand stand;
        auto id = stand.made();
        auto other = stand.world.add_server("fra-2");
        Agent stranger(stand.world, other);
        stranger.connect();
        proto::Inventory message;
        message.used_odoo_links = {{id, 1}};
        REQUIRE(stand.world.core->agents.inventory(*stranger.link, message));
        CHECK(stand.count("odoo.login.used ok") == 0);
    }

    TEST_CASE("production asks for a proof, and no key may ask at all") {
        Stand stand("production");
        CHECK(stand.ask().code() == "step_up_required");
        CHECK(
            stand.post(stand.id, "odoo/users", boost::json::object{{"public_key", key}}).code() ==
            "step_up_required"
        );
        stand.world.guard.principal->elevated = stand.world.clock.now();
        CHECK(stand.ask().status == 202);
        Stand other;
        other.world.guard.principal->key = KeyId::make(other.world.clock.now());
        CHECK(other.ask().code() == "session_required");
    }

    TEST_CASE("what cannot be logged in to is told by name") {
        Stand stand;
        stand.agent.protocol = proto::odoo_login_since - 1;
        stand.agent.connect();
        CHECK(stand.ask().code() == "agent_too_old");
        stand.agent.disconnect();
        CHECK(stand.ask().code() == "server_offline");
        auto fresh = stand.create(
            stand.project({{"name", "Other"}}), {{"name", "New"}, {"type", "staging"}}
        );
        CHECK(
            stand.post(fresh.id(), "odoo/users", boost::json::object{{"public_key", key}}).code() ==
            "not_deployed"
        );
        CHECK(stand.count("odoo.login ok") == 0);
    }
}
