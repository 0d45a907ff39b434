#include "../world/agent.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/token.hpp"
#include "controller/fleet/enrolment.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    World world;
    crypto::P256Key key = crypto::P256Key::generate();

    Reply enrol(const std::string& token, std::string name = "odoo-1") {
        return enrol(token, key, std::move(name));
    }
    Reply
    enrol(const std::string& token, const crypto::P256Key& with, std::string name = "odoo-1") {
        return world.call(
            "POST", "/api/v1/agent/enroll",
            {{"token", token},
             {"csr", crypto::make_csr(with, "agent")},
             {"name", name},
             {"facts", {{"hostname", "h"}, {"of_a_newer_agent", 1}}}}
        );
    }
    Reply
    recover(const std::string& server, const crypto::P256Key& with, std::string challenge = "") {
        if (challenge.empty())
            challenge =
                world.call(
                         "POST", "/api/v1/agent/recover/challenge", {{"server_id", server}}
                ).text("challenge");
        auto csr = crypto::make_csr(with, "agent");
        auto message = fleet::recovery_message(
            ServerId::parse(server).value(), challenge, fleet::pem_to_der(csr)
        );
        return world.call(
            "POST", "/api/v1/agent/recover",
            {{"server_id", server},
             {"challenge", challenge},
             {"csr", csr},
             {"signature", crypto::base64url_encode(with.sign(message))}}
        );
    }
    Result<fleet::AgentIdentity> identify(const std::string& certificate) {
        return world.core->agents.identify(crypto::parse_certificate(certificate).value());
    }
};

} // namespace

TEST_SUITE("controller/fleet") {

    TEST_CASE_FIXTURE(
        Fixture, "a token buys one certificate for the server's own key, and is then used up"
    ) {
        auto token = world.make_token();
        auto reply = enrol(token);
        REQUIRE(reply.status == 201);
        auto facts = crypto::parse_certificate(reply.text("certificate")).value();
        CHECK(facts.common_name == reply.text("server_id"));
        CHECK(facts.spki_sha256 == key.spki_sha256());
        CHECK(reply.text("org_id") == world.org.org().str());
        CHECK(identify(reply.text("certificate"))->server.str() == reply.text("server_id"));
        CHECK(
            world.audited() ==
            std::vector<std::string>{"registration_token.create ok", "server.enroll ok"}
        );

        auto replayed = enrol(token);
        CHECK(replayed.status == 403);
        CHECK(replayed.code() == "token_used_up");
        CHECK(world.audited().back() == "server.enroll refused");
        CHECK(world.one<std::int64_t>("SELECT count(*) FROM server WHERE org_id <> ''") == 1);
    }

    TEST_CASE_FIXTURE(Fixture, "expired, revoked and unknown tokens are refused by name") {
        auto expired = world.make_token({{"name", "a"}, {"expires_in_s", 60}});
        world.clock.advance(61s);
        CHECK(enrol(expired).code() == "token_expired");

        auto made = world.in_org("POST", "/registration-tokens", {{"name", "b"}, {"max_uses", 5}});
        auto id = made.json.at("registration_token").at("id").as_string();
        CHECK(world.in_org("DELETE", "/registration-tokens/" + std::string(id)).status == 204);
        CHECK(enrol(made.text("token")).code() == "token_revoked");

        CHECK(enrol(std::string(crypto::make_token("flt_").reveal())).code() == "token_unknown");
        world.clock.advance(1s); // after three refusals an address waits
        CHECK(enrol("flt_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").code() == "token_unknown");
        CHECK(world.one<std::int64_t>("SELECT count(*) FROM server WHERE org_id <> ''") == 0);
    }

    TEST_CASE_FIXTURE(
        Fixture, "an address that guesses tokens waits longer each time, also for a good one"
    ) {
        auto good = world.make_token();
        auto guess = [&] { return enrol(std::string(crypto::make_token("flt_").reveal())); };
        for (int i = 0; i < 3; ++i) CHECK(guess().code() == "token_unknown");
        for (auto wait : {1s, 2s, 4s, 8s}) {
            CAPTURE(wait.count());
            auto refused = enrol(good);
            CHECK(refused.status == 429);
            CHECK(refused.code() == "rate_limited");
            CHECK(refused.json.at("retry_after_s").as_int64() == wait.count());
            world.clock.advance(wait);
            CHECK(guess().code() == "token_unknown");
        }
        world.clock.advance(16s);
        // What is merely wrong costs nothing.
        for (int i = 0; i < 5; ++i)
            CHECK(world.call("POST", "/api/v1/agent/enroll", {{"token", "x"}}).status == 400);
        CHECK(enrol(good).status == 201);
    }

    TEST_CASE_FIXTURE(
        Fixture, "an address that guesses at recoveries waits apart from enrolments"
    ) {
        auto id = enrol(world.make_token()).text("server_id");
        for (int i = 0; i < 3; ++i)
            CHECK(recover(id, crypto::P256Key::generate()).code() == "signature_invalid");
        CHECK(recover(id, key).code() == "rate_limited");
        CHECK(enrol(world.make_token(), crypto::P256Key::generate(), "odoo-2").status == 201);
        world.clock.advance(1s);
        CHECK(recover(id, key).status == 200);
    }

    TEST_CASE_FIXTURE(Fixture, "tokens that have been of no use for a month are forgotten") {
        auto revoked = world.in_org(
            "POST", "/registration-tokens", {{"name", "r"}, {"expires_in_s", 2592000}}
        );
        auto id = std::string(revoked.json.at("registration_token").at("id").as_string());
        CHECK(world.in_org("DELETE", "/registration-tokens/" + id).status == 204);
        world.make_token({{"name", "old"}, {"expires_in_s", 3600}});
        world.make_token({{"name", "young"}, {"expires_in_s", 2592000}});
        auto count = [&] {
            return world.one<std::int64_t>(
                "SELECT count(*) FROM registration_token WHERE org_id <> ''"
            );
        };
        world.clock.advance(29 * 24h);
        REQUIRE(world.core->agents.tick());
        CHECK(count() == 3);
        world.clock.advance(26h);
        REQUIRE(world.core->agents.tick());
        CHECK(count() == 1);
        CHECK(world.audited().size() == 4);
    }

    TEST_CASE_FIXTURE(Fixture, "the token is shown once and stored as a hash") {
        auto made = world.in_org(
            "POST", "/registration-tokens", {{"name", "a"}, {"labels", {{"region", "fra"}}}}
        );
        auto token = made.text("token");
        CHECK(
            made.text("command") ==
            "curl -fsSL https://fairlead.example:8443/install.sh | sudo bash -s -- --token " + token
        );
        auto shown = world.in_org("GET", "/registration-tokens");
        CHECK(boost::json::serialize(shown.json).find(token) == std::string::npos);
        CHECK(shown.json.at("data").at(0).at("status").as_string() == "active");
        CHECK(
            world.one<std::string>("SELECT token_hash FROM registration_token WHERE org_id <> ''"
            ) == crypto::token_hash(token)
        );
        CHECK(world.in_org(
                       "POST", "/registration-tokens", {{"name", "a"}, {"max_uses", 0}}
        ).blames("max_uses"));
        CHECK(world.in_org("POST", "/registration-tokens", {{"name", " a"}}).blames("name"));
        CHECK(
            world
                .in_org("POST", "/registration-tokens", {{"name", "a"}, {"labels", {{"Big", "x"}}}})
                .blames("labels.Big")
        );
    }

    TEST_CASE_FIXTURE(Fixture, "one key is one server, and names stay apart") {
        auto token = world.make_token({{"name", "a"}, {"max_uses", 3}});
        REQUIRE(enrol(token).status == 201);
        CHECK(enrol(token).code() == "key_in_use");
        CHECK(enrol(token, crypto::P256Key::generate()).status == 201);
        auto list = world.in_org("GET", "/servers");
        REQUIRE(list.json.at("data").as_array().size() == 2);
        CHECK(list.json.at("data").at(0).at("name").as_string() == "odoo-1");
        CHECK(list.json.at("data").at(1).at("name").as_string() == "odoo-1-2");
        CHECK(list.json.at("data").at(0).at("status").as_string() == "unknown");
        CHECK(
            world.one<std::int64_t>("SELECT uses FROM registration_token WHERE org_id <> ''") == 2
        );
    }

    TEST_CASE_FIXTURE(Fixture, "a bad request for a certificate or a bad name leaves nothing") {
        auto token = world.make_token();
        CHECK(
            world
                .call(
                    "POST", "/api/v1/agent/enroll",
                    {{"token", token},
                     {"csr", std::string(100, 'x')},
                     {"name", "a"},
                     {"facts", boost::json::object()}}
                )
                .code() == "csr_invalid"
        );
        CHECK(enrol(token, "bad name").blames("name"));
        CHECK(
            world.one<std::int64_t>("SELECT uses FROM registration_token WHERE org_id <> ''") == 0
        );
    }

    TEST_CASE_FIXTURE(
        Fixture, "a revoked server is cut at once and refused for ever, by its certificate, its "
                 "key and recovery"
    ) {
        auto enrolled = enrol(world.make_token());
        auto id = enrolled.text("server_id");
        auto revoke = "/servers/" + id + "/revoke";
        CHECK(world.in_org("POST", revoke).status == 428);
        CHECK(
            world.in_org("POST", revoke, nullptr, {{"x-confirm", "other"}}).code() ==
            "confirmation_mismatch"
        );
        CHECK(
            world.in_org("DELETE", "/servers/" + id, nullptr, {{"x-confirm", "odoo-1"}}).code() ==
            "server_not_revoked"
        );

        CHECK(
            world.in_org(
                     "POST", revoke, {{"reason", "stolen"}}, {{"x-confirm", "odoo-1"}}
            ).text("status") == "revoked"
        );
        REQUIRE(world.links.cuts.size() == 1);
        CHECK(world.links.cuts[0].second == "revoked");
        CHECK(identify(enrolled.text("certificate")).error().code() == "revoked");
        CHECK(recover(id, key).code() == "server_revoked");
        CHECK(enrol(world.make_token()).code() == "key_revoked");
        CHECK(world.in_org("POST", "/servers/" + id + "/ping").code() == "server_revoked");

        CHECK(
            world.in_org("DELETE", "/servers/" + id, nullptr, {{"x-confirm", "odoo-1"}}).status ==
            204
        );
        CHECK(identify(enrolled.text("certificate")).error().code() == "revoked");
        CHECK(enrol(world.make_token()).code() == "key_revoked");
    }

    TEST_CASE_FIXTURE(
        Fixture, "the bound key gets a new certificate three times, by a fresh challenge each time"
    ) {
        auto id = enrol(world.make_token()).text("server_id");
        for (int i = 0; i < 3; ++i) CHECK(recover(id, key).status == 200);
        CHECK(recover(id, key).code() == "recoveries_used_up");
        CHECK(
            world.in_org("GET", "/servers/" + id)
                .json.at("certificate")
                .at("recoveries_left")
                .as_int64() == 0
        );
        CHECK(world.audited().back() == "server.recover refused");
    }

    TEST_CASE_FIXTURE(
        Fixture, "recovery refuses another key, an old challenge, an answered one, and one for "
                 "another server"
    ) {
        auto id = enrol(world.make_token()).text("server_id");
        auto other = ServerId::make(world.clock.now()).str();
        auto challenge = [&](const std::string& server) {
            return world.call(
                            "POST", "/api/v1/agent/recover/challenge", {{"server_id", server}}
            ).text("challenge");
        };
        CHECK(recover(id, crypto::P256Key::generate()).code() == "signature_invalid");
        auto once = challenge(id);
        CHECK(recover(id, key, once).status == 200);
        CHECK(recover(id, key, once).code() == "challenge_invalid");
        CHECK(recover(id, key, challenge(other)).code() == "challenge_invalid");
        auto old = challenge(id);
        world.clock.advance(61s);
        CHECK(recover(id, key, old).code() == "challenge_invalid");
        world.clock.advance(2s);
        CHECK(recover(other, key).code() == "server_unknown");
        CHECK(
            world.in_org("GET", "/servers/" + id)
                .json.at("certificate")
                .at("recoveries_left")
                .as_int64() == 2
        );
    }

    TEST_CASE_FIXTURE(Fixture, "a certificate of another organization or key is not this server") {
        auto enrolled = enrol(world.make_token());
        auto facts = crypto::parse_certificate(enrolled.text("certificate")).value();
        auto forged = facts;
        forged.names.uri = {"urn:fairlead:org:" + world.other.org().str()};
        CHECK(world.core->agents.identify(forged).error().code() == "server_unknown");
        forged = facts;
        forged.spki_sha256 = crypto::P256Key::generate().spki_sha256();
        CHECK(world.core->agents.identify(forged).error().code() == "server_unknown");
        forged = facts;
        forged.common_name = "controller";
        CHECK(world.core->agents.identify(forged).error().code() == "server_unknown");
    }

    TEST_CASE_FIXTURE(Fixture, "a hello is refused by name for old protocols and wrong clocks") {
        Agent agent(world, world.add_server());
        fleet::AgentIdentity identity{world.org, agent.server, "a"};
        auto hello = agent.hello();
        hello.protocol = 0;
        CHECK(world.core->agents.hello(identity, hello).error().code() == "protocol_too_old");
        hello = agent.hello();
        hello.time_ms -= 1000 * 400;
        auto wrong = world.core->agents.hello(identity, hello);
        CHECK(wrong.error().code() == "clock_wrong");
        CHECK(wrong.error().message().find("-400 s") != std::string::npos);
        hello.time_ms = INT64_MAX;
        CHECK(world.core->agents.hello(identity, hello).error().code() == "clock_wrong");
    }

    TEST_CASE_FIXTURE(
        Fixture,
        "status follows the link, and after a start nobody is called offline before two minutes"
    ) {
        auto server = world.add_server();
        Agent agent(world, server);
        auto status = [&] {
            return world.in_org("GET", "/servers/" + server.str()).text("status");
        };
        CHECK(status() == "unknown");
        agent.connect();
        CHECK(status() == "online");
        world.restart();
        CHECK(status() == "unknown");
        REQUIRE(world.core->agents.tick());
        CHECK(status() == "unknown");
        world.clock.advance(3min);
        REQUIRE(world.core->agents.tick());
        CHECK(status() == "offline");
        agent.connect();
        CHECK(status() == "online");
        CHECK(world.in_org("GET", "/servers?status=online").json.at("data").as_array().size() == 1);
        world.events.take();
        agent.disconnect();
        CHECK(status() == "offline");
        CHECK(world.events.types() == std::vector<std::string>{"server.updated"});
    }

    TEST_CASE_FIXTURE(Fixture, "facts are kept as they are now, cut to their lengths") {
        Agent agent(world, world.add_server());
        agent.connect();
        proto::FactsMessage message;
        message.facts.hostname = std::string(1000, 'h');
        message.facts.measures = proto::Measures{{{"pg_connections", 3}}, {}};
        REQUIRE(world.core->agents.facts(*agent.link, message, 1));
        auto facts = world.in_org("GET", "/servers/" + agent.server.str()).json.at("facts");
        CHECK(facts.at("hostname").as_string().size() <= 253);
        // Those are kept over time alone.
        auto stored = world.one<std::string>("SELECT facts FROM server WHERE org_id <> ''");
        CHECK(stored.find("pg_connections") == std::string::npos);
    }

    TEST_CASE_FIXTURE(Fixture, "renewal is for the bound key only") {
        auto server = world.add_server();
        Agent agent(world, server);
        agent.connect();
        auto renewed =
            world.core->agents.renew(*agent.link, {crypto::make_csr(world.last_key, "x")});
        REQUIRE(renewed);
        CHECK(identify(renewed->certificate));
        auto stranger = crypto::P256Key::generate();
        CHECK(
            world.core->agents.renew(*agent.link, {crypto::make_csr(stranger, "x")})
                .error()
                .code() == "key_changed"
        );
    }

    TEST_CASE_FIXTURE(Fixture, "servers are edited, and another organization's are not there") {
        auto id = world.add_server("a-1").str();
        world.add_server("b-1");
        CHECK(world.in_org("PATCH", "/servers/" + id, {{"name", "b-1"}}).code() == "name_in_use");
        CHECK(world.in_org("PATCH", "/servers/" + id, boost::json::object()).status == 400);
        CHECK(world.in_org("PATCH", "/servers/" + id, {{"colour", "red"}}).blames("colour"));
        CHECK(
            world.in_org("PATCH", "/servers/" + id, {{"labels", {{"client", "acme"}}}})
                .json.at("labels")
                .at("client")
                .as_string() == "acme"
        );
        auto page = world.in_org("GET", "/servers?limit=1");
        CHECK(
            world.in_org("GET", "/servers?limit=1&cursor=" + page.text("next_cursor"))
                .json.at("data")
                .at(0)
                .at("name")
                .as_string() == "b-1"
        );
        world.act_for(world.other);
        CHECK(world.in_org("GET", "/servers").json.at("data").as_array().empty());
        CHECK(world.in_org("GET", "/servers/" + id).status == 404);
        CHECK(world.in_org("PATCH", "/servers/" + id, {{"name", "x"}}).status == 404);
        CHECK(
            world.in_org(
                     "POST", "/servers/" + id + "/revoke", nullptr, {{"x-confirm", "a-1"}}
            ).status == 404
        );
        CHECK(world.in_org("POST", "/servers/" + id + "/ping").status == 404);
    }
}
