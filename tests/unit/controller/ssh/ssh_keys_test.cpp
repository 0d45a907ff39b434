#include "../world/agent.hpp"
#include "common/runtime/file.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using Outcome = proto::Outcome;

namespace {

const std::string first =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF5pnmpet0MGoqED8tw5xsiJHWb71NvFsHJfJbp+VFvs";
const std::string second =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFSSCujoEGjgzvZGoq4N3aDlMxUOtnpYT2R5w5yVcFgv";
const std::string second_print = "SHA256:Gw38HMKs5J236KO2sVPOz5xDnN0VzjKVR8mN91c7RbM";

/// A server that keeps keys for two users, as its agent says.
struct Stand {
    Stand() : server(world.add_server("fra-1")), agent(world, server) {
        said.users = {"deploy", "ops"};
        said.port = 22;
        agent.connect();
        agent.settle();
        inventory();
    }

    std::string path(const std::string& below = "") const {
        return "/servers/" + server.str() + "/ssh-keys" + below;
    }
    Reply
    add(const std::string& key, const std::string& label = "Ann's laptop",
        const std::string& user = "deploy") {
        return world.in_org(
            "POST", path(), {{"user", user}, {"label", label}, {"public_key", key}}
        );
    }
    Reply act(const std::string& id, const std::string& what, boost::json::value body = nullptr) {
        return world.in_org("POST", path("/" + id + "/" + what), std::move(body));
    }
    static std::string id_of(const Reply& reply) {
        return std::string(reply.json.at("key").at("id").as_string());
    }
    boost::json::array list() {
        auto reply = world.in_org("GET", path());
        REQUIRE(reply.status == 200);
        return reply.json.at("data").as_array();
    }
    /// "label state", in the order of the list.
    std::vector<std::string> states() {
        std::vector<std::string> all;
        for (const auto& one : list())
            all.push_back(
                std::string(one.at("label").as_string()) + " " +
                std::string(one.at("state").as_string())
            );
        return all;
    }

    void inventory() {
        proto::Inventory message;
        message.ssh = said;
        REQUIRE(world.core->agents.inventory(*agent.link, message));
    }
    /// What was asked is at the agent, which has done none of it.
    void hear() {
        agent.fetch();
        agent.take_all();
        while (!agent.reports.empty()) REQUIRE(agent.report());
    }
    /// Everything that waits: done as asked, or refused with this code.
    std::vector<proto::SshKeysArgs> work(const std::string& refusal = "", bool tells = true) {
        std::vector<proto::SshKeysArgs> done;
        hear();
        for (const auto& id : agent.unfinished()) {
            auto args = proto::read<proto::SshKeysArgs>(agent.known[id].operation.args).value();
            agent.finish(id, refusal.empty() ? Outcome::succeeded : Outcome::failed, {}, refusal);
            if (refusal.empty()) {
                std::erase_if(said.keys, [&](const auto& one) { return one.user == args.user; });
                for (const auto& key : args.keys)
                    said.keys.push_back({key.id, args.user, key.public_key});
            }
            done.push_back(std::move(args));
        }
        while (!agent.reports.empty()) REQUIRE(agent.report());
        if (tells) inventory();
        return done;
    }

    World world;
    ServerId server;
    Agent agent;
    proto::SshState said;
};

using Words = std::vector<std::string>;

} // namespace

TEST_SUITE("controller/ssh") {

    TEST_CASE("a key is asked for, and active when the server says so") {
        Stand stand;
        auto added = stand.add(first + " ann@laptop");
        REQUIRE(added.status == 202);
        CHECK(added.json.at("operation").at("kind").as_string() == "ssh_keys.set");
        CHECK(stand.states() == Words{"Ann's laptop adding"});
        auto done = stand.work();
        REQUIRE(done.size() == 1);
        CHECK(done[0].user == "deploy");
        REQUIRE(done[0].keys.size() == 1);
        CHECK(done[0].keys[0].public_key == first);
        CHECK(stand.states() == Words{"Ann's laptop active"});
        auto key = stand.list().at(0);
        CHECK(
            key.at("fingerprint").as_string() ==
            "SHA256:FObFIcxUYRDfUjrRTERl6HqcfuTJTV399Hzc0kCFpe0"
        );
        CHECK(key.at("confirmed_at").is_string());
        auto log = stand.world.audited();
        CHECK(std::ranges::count(log, "ssh_key.add ok") == 1);
        CHECK(std::ranges::count(log, "ssh_keys.set ok") == 1);
        // The same for another user is another key; twice for one is refused.
        CHECK(stand.add(first, "again").code() == "ssh_key_exists");
        CHECK(stand.add(first, "ops", "ops").status == 202);
    }

    TEST_CASE("a private key is refused wherever it is put, and is nowhere afterwards") {
        Stand stand;
        auto body = std::string("b3BlbnNzaC1rZXkt") + "djEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB";
        auto pem = std::string("-----BEGIN OPENSSH ") + "PRIVATE KEY-----\n" + body;
        auto refused = stand.add(pem);
        CHECK(refused.status == 400);
        CHECK(refused.blames("public_key"));
        CHECK(boost::json::serialize(refused.json).find(".pub") != std::string::npos);
        CHECK(stand.add(body).blames("public_key"));
        CHECK(stand.add(first, body).blames("label"));
        CHECK(stand.add(first + " " + pem).blames("public_key"));
        REQUIRE(stand.add(first).status == 202);
        stand.work();
        auto id = std::string(stand.list().at(0).at("id").as_string());
        CHECK(stand.act(id, "rotate", {{"public_key", pem}}).blames("public_key"));
        auto copy = stand.world.folder.path() / "copy";
        stand.world.copy_to(copy);
        auto stored = read_file(copy, 64 << 20).value();
        CHECK(stored.find("b3BlbnNzaC1rZXkt") == std::string::npos);
        for (const auto& event : stand.world.events.take())
            CHECK(event.data.find("b3BlbnNzaC1rZXkt") == std::string::npos);
        CHECK(boost::json::serialize(refused.json).find("b3Blb") == std::string::npos);
    }

    TEST_CASE("what is no key, no user or no label is named by its field") {
        Stand stand;
        CHECK(stand.add("no-pty " + first).blames("public_key"));
        CHECK(stand.add(first + "\n" + second).blames("public_key"));
        CHECK(stand.add(first, "").blames("label"));
        CHECK(stand.add(first, "two\nlines").blames("label"));
        CHECK(stand.add(first, "x", "../etc").blames("user"));
        CHECK(stand.list().empty());
    }

    TEST_CASE("whom the server does not allow gets no key, and the cure is told") {
        Stand stand;
        auto refused = stand.add(first, "x", "root");
        CHECK(refused.code() == "ssh_user_not_allowed");
        CHECK(refused.text("detail").find("allow: [root]") != std::string::npos);
        stand.said.users.clear();
        stand.inventory();
        CHECK(stand.add(first).code() == "ssh_keys_not_allowed");
        stand.agent.protocol = proto::ssh_keys_since - 1;
        stand.agent.connect();
        CHECK(stand.add(first).code() == "agent_too_old");
    }

    TEST_CASE("a key goes in favour of another when the server has proved that one") {
        Stand stand;
        stand.add(first, "old");
        stand.work();
        auto old = std::string(stand.list().at(0).at("id").as_string());
        auto rotated = stand.act(old, "rotate", {{"label", "new"}, {"public_key", second}});
        REQUIRE(rotated.status == 202);
        auto next = Stand::id_of(rotated);
        CHECK(stand.act(old, "rotate", {{"public_key", second}}).code() == "ssh_key_rotating");
        CHECK(stand.act(next, "finish").code() == "ssh_key_not_active");
        auto both = stand.work();
        REQUIRE(both.size() == 1);
        CHECK(both[0].keys.size() == 2);
        CHECK(stand.states() == Words{"old active", "new active"});

        // Nobody has used it: the old one stays.
        REQUIRE(stand.act(next, "finish").status == 202);
        CHECK(stand.states() == Words{"old proving", "new active"});
        auto asked = stand.work("ssh_key_unproven");
        REQUIRE(asked.size() == 1);
        CHECK(asked[0].proven == second_print);
        CHECK(asked[0].keys.size() == 1);
        CHECK(stand.states() == Words{"old active", "new active"});
        CHECK(stand.list().at(0).at("problem").is_null());
        CHECK(stand.list().at(1).at("problem").is_string());
        CHECK(stand.world.in_org("POST", stand.path("/retry")).json.at("asked").as_int64() == 0);

        REQUIRE(stand.act(next, "finish").status == 202);
        stand.work();
        CHECK(stand.states() == Words{"new active"});
        CHECK(stand.list().at(0).at("replaces").is_null());
        CHECK(stand.act(next, "finish").code() == "nothing_to_finish");
    }

    TEST_CASE("a change in the middle of a rotation loses neither key, and the old one goes at last"
    ) {
        Stand stand;
        stand.add(first, "old");
        stand.work();
        auto old = std::string(stand.list().at(0).at("id").as_string());
        auto next =
            Stand::id_of(stand.act(old, "rotate", {{"label", "new"}, {"public_key", second}}));
        stand.work();
        REQUIRE(stand.act(next, "finish").status == 202);
        stand.hear(); // the server has it
        auto third = first;
        third[third.size() - 2] = third[third.size() - 2] == 'A' ? 'Q' : 'A';
        auto added = stand.add(third, "third");
        REQUIRE(added.status == 202);
        auto sent = proto::read_text<proto::SshKeysArgs>(stand.world.one<std::string>(
            "SELECT args FROM operation WHERE id = $1",
            std::string(added.json.at("operation").at("id").as_string())
        ));
        REQUIRE(sent);
        CHECK(sent->keys.size() == 3);
        stand.work();
        stand.work();
        CHECK(stand.states() == Words{"new active", "third active"});
        CHECK(stand.said.keys.size() == 2);
    }

    TEST_CASE("a revoked key is gone when the server says so, and not before") {
        Stand stand;
        stand.add(first);
        stand.work();
        auto id = std::string(stand.list().at(0).at("id").as_string());
        stand.agent.disconnect();
        REQUIRE(stand.act(id, "revoke").status == 202);
        CHECK(stand.states() == Words{"Ann's laptop removing"});
        stand.agent.connect();
        auto done = stand.work();
        REQUIRE(done.size() == 1);
        CHECK(done[0].keys.empty());
        CHECK(stand.list().empty());
        CHECK(stand.world.audited().size() > 0);
        CHECK(std::ranges::count(stand.world.audited(), "ssh_key.revoke ok") == 1);
    }

    TEST_CASE("a revocation that waited too long is asked again when the server is back") {
        Stand stand;
        stand.add(first);
        stand.work();
        auto id = std::string(stand.list().at(0).at("id").as_string());
        stand.agent.disconnect();
        stand.act(id, "revoke");
        stand.world.clock.advance(ssh::SshKeys::deadline + 1h);
        REQUIRE(stand.world.core->operations.tick());
        CHECK(stand.states() == Words{"Ann's laptop removing"});
        stand.agent.connect();
        stand.agent.settle();
        stand.inventory();
        CHECK(stand.work().size() == 1);
        CHECK(stand.list().empty());
    }

    TEST_CASE("why the server did not do it is shown, and it is asked again when somebody says so"
    ) {
        Stand stand;
        stand.add(first);
        stand.work("policy_refused");
        CHECK(stand.states() == Words{"Ann's laptop adding"});
        CHECK(stand.list().at(0).at("problem").is_string());
        CHECK(stand.work().empty()); // not by itself: it would be refused for ever
        CHECK(stand.world.in_org("POST", stand.path("/retry")).json.at("asked").as_int64() == 1);
        CHECK(stand.work().size() == 1);
        CHECK(stand.states() == Words{"Ann's laptop active"});
        CHECK(stand.list().at(0).at("problem").is_null());
        CHECK(stand.world.in_org("POST", stand.path("/retry")).json.at("asked").as_int64() == 0);
    }

    TEST_CASE(
        "what the server does not have any more is shown as missing, and comes back by itself "
        "alone"
    ) {
        Stand stand;
        stand.add(first);
        stand.work();
        auto keys = std::exchange(stand.said.keys, {});
        stand.inventory();
        CHECK(stand.states() == Words{"Ann's laptop missing"});
        CHECK(std::ranges::count(stand.world.audited(), "ssh_key.missing ok") == 1);
        // No later list brings it back.
        stand.add(second, "other");
        auto done = stand.work();
        REQUIRE(done.size() == 1);
        CHECK(done[0].keys.size() == 1);
        auto id = std::string(stand.list().at(0).at("id").as_string());
        auto revoked = stand.act(id, "revoke");
        CHECK(revoked.status == 202);
        CHECK(revoked.json.at("operation").is_null());
        CHECK(stand.states() == Words{"other active"});
    }

    TEST_CASE("a controller that was set back shows what it finds, and brings nothing back") {
        Stand stand;
        auto copy = stand.world.folder.path() / "copy";
        stand.add(first, "before");
        stand.work();
        stand.world.copy_to(copy);
        stand.act(std::string(stand.list().at(0).at("id").as_string()), "revoke");
        stand.work();
        stand.add(second, "after");
        stand.work();
        stand.world.restore(copy);
        stand.agent.connect();
        stand.agent.settle();
        stand.inventory();
        CHECK(stand.states() == Words{"before missing", "Found on the server active"});
        CHECK(stand.work().empty());
        CHECK(std::ranges::count(stand.world.audited(), "ssh_key.found ok") == 1);
    }

    TEST_CASE("what a server says of its keys is not believed where it makes no sense") {
        Stand stand;
        stand.said.users = {"deploy", "a b", std::string(40, 'x')};
        stand.said.keys = {{"sshk_x", "deploy", "no-pty " + first}, {"x", "../root", first}};
        stand.said.problem = std::string(5000, 'p');
        stand.inventory();
        CHECK(stand.list().empty());
        auto shown = stand.world.in_org("GET", stand.path());
        CHECK(boost::json::serialize(shown.json.at("server").at("users")) == R"(["deploy"])");
        CHECK(shown.json.at("server").at("problem").as_string().size() <= 1003);
    }

    TEST_CASE("keys of a server that is revoked are forgotten, and so are others' keys unknown") {
        Stand stand;
        stand.add(first);
        stand.work();
        auto id = std::string(stand.list().at(0).at("id").as_string());
        stand.world.act_for(stand.world.other);
        CHECK(stand.world.in_org("GET", stand.path()).status == 404);
        CHECK(stand.act(id, "revoke").status == 404);
        stand.world.act_for(stand.world.org);
        auto elsewhere = stand.world.add_server("fra-2");
        auto there = stand.world.in_org(
            "POST", "/servers/" + elsewhere.str() + "/ssh-keys/" + id + "/revoke"
        );
        CHECK(there.status == 404); // a key is of one server
        auto gone = stand.world.in_org(
            "POST", "/servers/" + stand.server.str() + "/revoke", nullptr, {{"x-confirm", "fra-1"}}
        );
        REQUIRE(gone.status == 200);
        CHECK(stand.list().empty());
        CHECK(stand.add(first).code() == "server_revoked");
    }
}
