#include "../world/agent.hpp"
#include "controller/alerts/routes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <utility>

using namespace fairlead;
using namespace fairlead::test;
using namespace fairlead::alerts;
using namespace std::chrono_literals;

namespace {

struct Mail {
    std::string kind, to, subject, text;
};

/// What is told, to whom, in order.
struct Ears final : api::Announcer {
    Result<> announce(store::UnitOfWork&, const api::OrgScope&, api::Occurrence what) override {
        heard.push_back(what.type + " " + std::string(what.data.at("subject_name").as_string()));
        return {};
    }
    std::vector<std::string> heard;
};

struct Fixture {
    Fixture() : server(world.add_server()), agent(world, server) {
        agent.connect();
        begin();
        owner = add_member("ann@example.org", true);
        other = add_member("bob@example.org", false);
    }

    /// Anew, as after a restart.
    void begin() {
        watch = std::make_unique<Alerts>(Alerts::Parts{
            world.core->store, world.events, world.log, world.core->recorder.newest(), world.clock,
            "https://fairlead.example",
            [this](auto&, const auto& kind, const auto& to, const auto& letter) -> Result<> {
                mails.push_back({kind, to, letter.subject, letter.text});
                if (broken) return fail(Errc::unavailable, "full");
                return {};
            }});
        watch->use(ears);
        add_routes(world.core->table, *watch);
    }
    void restart() {
        world.restart();
        begin();
    }
    UserId add_member(const std::string& email, bool is_owner) {
        auto id = UserId::make(world.clock.now());
        run("INSERT INTO app_user (id, email, name, password_hash, created_ms) VALUES ($1, $2, "
            "'x', 'x', 0)",
            id, email);
        run("INSERT INTO membership (org_id, user_id, role, owner, created_ms) VALUES ($1, $2, "
            "'admin', $3, 0)",
            world.org.org(), id, is_owner);
        return id;
    }
    template <class... Args>
    void run(store::Sql sql, const Args&... args) {
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run(sql, args...);
        }));
    }
    EnvironmentId add_environment(const std::string& slug, const std::string& state) {
        auto id = EnvironmentId::make(world.clock.now());
        run("INSERT INTO environment (id, org_id, project_id, server_id, name, slug, type, port, "
            "gevent_port, modules, requirements, domains, workers, system_site_packages, "
            "keep_releases, live_state, created_ms) VALUES ($2, $1, 'prj_1', $3, $4, $4, "
            "'production', 8069, 8070, '[]', '[]', '[]', 0, 0, 5, $5, $6)",
            world.org.org(), id, server, slug, state, world.clock.now());
        return id;
    }
    std::string add_rule(boost::json::object body) {
        auto reply = world.in_org("POST", "/alert-rules", body);
        REQUIRE(reply.status == 201);
        return reply.id();
    }
    void measure(double cpu, std::uint64_t disk_free = 50) {
        proto::FactsMessage message;
        message.facts.cpu.used_percent = cpu;
        message.facts.memory = {100, 10};
        message.facts.disk = {"/", 100, disk_free};
        REQUIRE(world.core->agents.facts(*agent.link, message, 1));
    }
    void tick() {
        world.clock.advance(30s);
        REQUIRE(watch->tick());
    }
    /// Measured and looked at for so long.
    void pass(std::chrono::seconds time, double cpu) {
        for (auto gone = 0s; gone < time; gone += 30s) {
            measure(cpu);
            tick();
        }
    }
    std::vector<std::string> heard() { return std::exchange(ears.heard, {}); }
    boost::json::array listed(const std::string& state) {
        return world.in_org("GET", "/alerts?state=" + state).json.at("data").as_array();
    }

    World world;
    ServerId server;
    Agent agent;
    UserId owner, other;
    Ears ears;
    std::vector<Mail> mails;
    bool broken = false;
    std::unique_ptr<Alerts> watch;
};

using Heard = std::vector<std::string>;

} // namespace

TEST_SUITE("controller/alerts") {

    TEST_CASE_FIXTURE(
        Fixture, "a busy processor fires once, by mail and to programs, and is over once"
    ) {
        add_rule({{"kind", "cpu"}});
        pass(9min, 95);
        CHECK(heard().empty());
        pass(5min, 95);
        CHECK(heard() == Heard{"alert.fired odoo-fra-1"});
        REQUIRE(mails.size() == 1);
        CHECK(mails[0].to == "ann@example.org");
        CHECK(mails[0].subject == "Alert: Processor busy, odoo-fra-1");
        CHECK(
            mails[0].text.find(
                "ALERT  Processor busy: odoo-fra-1 uses 95 % of its processors (90 % or more for "
                "10 min).\n"
            ) == 0
        );
        CHECK(watch->firing() == 1);
        CHECK(listed("firing").size() == 1);
        pass(30min, 95);
        pass(10min, 85); // not yet good
        CHECK(heard().empty());
        pass(6min, 20);
        CHECK(heard() == Heard{"alert.cleared odoo-fra-1"});
        REQUIRE(mails.size() == 2);
        CHECK(mails[1].subject == "Over: Processor busy, odoo-fra-1");
        CHECK(mails[1].kind != mails[0].kind);
        CHECK(watch->firing() == 0);
        CHECK(listed("firing").empty());
        auto past = listed("past");
        REQUIRE(past.size() == 1);
        CHECK(past[0].at("state").as_string() == "cleared");
        CHECK(past[0].at("subject").at("name").as_string() == "odoo-fra-1");
        pass(30min, 20);
        CHECK(heard().empty());
        CHECK(mails.size() == 2);
    }

    TEST_CASE_FIXTURE(Fixture, "a restart repeats nothing, and forgets nothing") {
        add_rule({{"kind", "cpu"}, {"for_s", 60}, {"clear_for_s", 60}});
        pass(2min, 95);
        CHECK(heard().size() == 1);
        restart();
        // Nobody knows for a moment, and then it is as it was.
        for (int i = 0; i < 4; ++i) tick();
        agent.connect();
        pass(5min, 95);
        CHECK(heard().empty());
        CHECK(mails.size() == 1);
        CHECK(listed("firing").size() == 1);
        pass(2min, 10);
        CHECK(heard() == Heard{"alert.cleared odoo-fra-1"});
        restart();
        agent.connect();
        pass(5min, 10);
        CHECK(heard().empty());
        CHECK(mails.size() == 2);
    }

    TEST_CASE_FIXTURE(
        Fixture, "a server that is away is offline, and not known to be anything else"
    ) {
        add_rule({{"kind", "server_offline"}, {"for_s", 60}, {"clear_for_s", 0}});
        add_rule({{"kind", "cpu"}, {"for_s", 0}, {"clear_for_s", 0}});
        pass(1min, 95);
        CHECK(heard() == Heard{"alert.fired odoo-fra-1"});
        agent.disconnect();
        for (int i = 0; i < 10; ++i) tick();
        CHECK(heard() == Heard{"alert.fired odoo-fra-1"});
        CHECK(mails.back().text.find("odoo-fra-1 is offline (for 1 min).") != std::string::npos);
        CHECK(listed("firing").size() == 2); // the busy processor is not over: nobody knows
        agent.connect();
        pass(1min, 10);
        auto now = heard();
        std::ranges::sort(now);
        CHECK(now == Heard{"alert.cleared odoo-fra-1", "alert.cleared odoo-fra-1"});
    }

    TEST_CASE_FIXTURE(Fixture, "a disk is nearly full by what of it is in use") {
        add_rule({{"kind", "disk"}, {"for_s", 0}, {"clear_for_s", 0}});
        measure(1, 11);
        tick();
        CHECK(heard().empty());
        measure(1, 10);
        tick();
        CHECK(heard().size() == 1);
        measure(1, 12); // between 90 and 87
        tick();
        CHECK(heard().empty());
        measure(1, 13);
        tick();
        CHECK(heard().size() == 1);
    }

    TEST_CASE_FIXTURE(
        Fixture, "an environment is down when it fails, and not when somebody stopped it"
    ) {
        add_rule({{"kind", "environment_down"}, {"for_s", 0}, {"clear_for_s", 0}});
        auto shop = add_environment("shop", "failed");
        add_environment("new", "");
        auto off = add_environment("off", "stopped");
        run("INSERT INTO operation (id, org_id, server_id, environment_id, kind, state, mutating, "
            "target_name, args, requested_by_email, note, created_ms, deadline_ms) VALUES "
            "('op_1', $1, $2, $3, 'environment.stop', 'succeeded', 1, 'off', '{}', '', '', 0, 0)",
            world.org.org(), server, off);
        tick();
        CHECK(heard() == Heard{"alert.fired shop"});
        // While something is done to it nobody says that it is down, nor that it is not.
        run("INSERT INTO operation (id, org_id, server_id, environment_id, kind, state, mutating, "
            "target_name, args, requested_by_email, note, created_ms, deadline_ms) VALUES "
            "('op_2', $1, $2, $3, 'environment.start', 'running', 1, 'shop', '{}', '', '', 0, 0)",
            world.org.org(), server, shop);
        run("UPDATE environment SET live_state = 'running' WHERE org_id = $1 AND id = $2",
            world.org.org(), shop);
        tick();
        CHECK(heard().empty());
        run("UPDATE operation SET state = 'succeeded' WHERE org_id = $1 AND id = 'op_2'",
            world.org.org());
        tick();
        CHECK(heard() == Heard{"alert.cleared shop"});
        // Stopped by nobody that we know of.
        run("UPDATE environment SET live_state = 'stopped' WHERE org_id = $1 AND id = $2",
            world.org.org(), shop);
        tick();
        CHECK(heard() == Heard{"alert.fired shop"});
    }

    TEST_CASE_FIXTURE(Fixture, "what is not on its server any more is down") {
        add_rule({{"kind", "environment_down"}, {"for_s", 0}, {"clear_for_s", 0}});
        auto shop = add_environment("shop", "");
        tick();
        CHECK(heard().empty()); // it was never deployed
        run("UPDATE environment SET current_release = 1 WHERE org_id = $1 AND id = $2",
            world.org.org(), shop);
        tick();
        CHECK(heard() == Heard{"alert.fired shop"});
    }

    TEST_CASE_FIXTURE(
        Fixture, "a mail recipient who has left keeps nobody from changing the rule"
    ) {
        boost::json::array left{other.str()};
        auto id = add_rule({{"kind", "disk"}, {"mail", {{"owners", true}, {"members", left}}}});
        run("DELETE FROM membership WHERE org_id = $1 AND user_id = $2", world.org.org(), other);
        auto changed = world.in_org(
            "PATCH", "/alert-rules/" + id,
            {{"threshold", 50}, {"mail", {{"owners", true}, {"members", left}}}}
        );
        CHECK(changed.status == 200);
        CHECK(changed.json.at("mail").at("members").as_array().empty());
        CHECK(world
                  .in_org(
                      "PATCH", "/alert-rules/" + id,
                      {{"mail", {{"owners", true}, {"members", left}}}}
                  )
                  .blames("mail.members[0]"));
    }

    TEST_CASE_FIXTURE(Fixture, "no letter takes the place of another one that waits") {
        auto rule = [&](const EnvironmentId& about, const char* to) {
            bool owners = std::string_view(to) == "owners";
            boost::json::array members;
            if (!owners) members.emplace_back(other.str());
            add_rule(
                {{"kind", "environment_down"},
                 {"target_id", about.str()},
                 {"for_s", 0},
                 {"clear_for_s", 0},
                 {"mail", {{"owners", owners}, {"members", members}}}}
            );
        };
        auto become = [&](const EnvironmentId& id, const char* state) {
            run("UPDATE environment SET live_state = $3 WHERE org_id = $1 AND id = $2",
                world.org.org(), id, state);
        };
        auto a = add_environment("a", "running"), c = add_environment("c", "failed"),
             d = add_environment("d", "failed");
        rule(a, "other");
        rule(c, "owners");
        rule(d, "owners");
        tick();
        mails.clear();
        become(a, "failed");
        become(c, "running");
        tick();
        become(a, "running");
        become(d, "running");
        tick();
        std::set<std::pair<std::string, std::string>> kept;
        for (const auto& mail : mails) kept.emplace(mail.kind, mail.to);
        CHECK(mails.size() == 4);
        CHECK(kept.size() == 4);
    }

    TEST_CASE_FIXTURE(Fixture, "while one fires it says what it fired for") {
        add_rule({{"kind", "cpu"}, {"for_s", 0}, {"clear_for_s", 600}});
        pass(30s, 95);
        pass(2min, 20);
        auto firing = listed("firing");
        REQUIRE(firing.size() == 1);
        CHECK(firing[0].at("value").to_number<double>() == 95);
    }

    TEST_CASE_FIXTURE(Fixture, "past alerts go after 30 days, also where no rule is left") {
        auto id = add_rule({{"kind", "cpu"}, {"for_s", 0}, {"clear_for_s", 0}});
        pass(30s, 95);
        pass(30s, 20);
        CHECK(listed("past").size() == 1);
        CHECK(world.in_org("DELETE", "/alert-rules/" + id).status == 204);
        world.clock.advance(31 * 24h);
        tick();
        CHECK(listed("past").empty());
    }

    TEST_CASE_FIXTURE(Fixture, "a threshold alone leaves a way for it to be over") {
        auto reply = world.in_org("POST", "/alert-rules", {{"kind", "memory"}, {"threshold", 5}});
        REQUIRE(reply.status == 201);
        CHECK(reply.json.at("clear").to_number<double>() > 0);
    }

    TEST_CASE_FIXTURE(Fixture, "a backup is too old where there shall be backups") {
        add_rule({{"kind", "backup_too_old"}, {"threshold", 24}});
        auto shop = add_environment("shop", "running");
        world.clock.advance(48h);
        tick();
        CHECK(heard().empty());
        // By hand, into a storage that is named.
        run("UPDATE environment SET backup_enabled = 1 WHERE org_id = $1 AND id = $2",
            world.org.org(), shop);
        run("INSERT INTO backup_policy (environment_id, org_id, storage_id, schedule, "
            "drill_schedule, time_zone, retention, updated_ms, updated_by, updated_by_email) "
            "VALUES ($2, $1, 'sto_1', '', '', 'UTC', '{}', $3, '', '')",
            world.org.org(), shop, world.clock.now() - 48h);
        tick();
        CHECK(heard().empty());
        run("UPDATE backup_policy SET schedule = '0 3 * * *' WHERE org_id = $1", world.org.org());
        tick();
        CHECK(heard() == Heard{"alert.fired shop"});
        CHECK(mails.back().text.find("shop has had no good backup for 48 h") != std::string::npos);
        run("UPDATE environment SET last_backup_ms = $3 WHERE org_id = $1 AND id = $2",
            world.org.org(), shop, world.clock.now());
        tick();
        CHECK(heard() == Heard{"alert.cleared shop"});
    }

    TEST_CASE_FIXTURE(Fixture, "a certificate is near its end") {
        add_rule({{"kind", "certificate_ending"}});
        run("INSERT INTO certificate (id, org_id, name, state, not_after_ms, next_ms, created_ms) "
            "VALUES ('cer_1', $1, 'shop.example.org', 'active', $2, 0, 0)",
            world.org.org(), world.clock.now() + 24h * 12);
        tick();
        CHECK(heard().empty());
        world.clock.advance(3 * 24h);
        tick();
        CHECK(heard() == Heard{"alert.fired shop.example.org"});
        run("UPDATE certificate SET not_after_ms = $2 WHERE org_id = $1", world.org.org(),
            world.clock.now() + 24h * 60);
        tick();
        CHECK(heard() == Heard{"alert.cleared shop.example.org"});
        // The agents' own are looked at too.
        run("UPDATE server SET not_after_ms = $2 WHERE org_id = $1", world.org.org(),
            world.clock.now() + 1h);
        tick();
        CHECK(heard() == Heard{"alert.fired odoo-fra-1"});
    }

    TEST_CASE_FIXTURE(Fixture, "what is gone is told to nobody") {
        auto rule = add_rule({{"kind", "environment_down"}, {"for_s", 0}});
        auto shop = add_environment("shop", "failed");
        auto wiki = add_environment("wiki", "failed");
        tick();
        CHECK(heard().size() == 2);
        run("DELETE FROM environment WHERE org_id = $1 AND id = $2", world.org.org(), shop);
        tick();
        CHECK(listed("firing").size() == 1);
        CHECK(world.in_org("DELETE", "/alert-rules/" + rule).status == 204);
        CHECK(listed("firing").empty());
        CHECK(listed("past").size() == 2);
        CHECK(listed("past")[0].at("state").as_string() == "ended");
        tick();
        CHECK(heard().empty());
        CHECK(mails.size() == 1);
        CHECK(!wiki.empty());
    }

    TEST_CASE_FIXTURE(
        Fixture, "a rule is about one server, environment or project where it says so"
    ) {
        auto shop = add_environment("shop", "failed");
        add_environment("wiki", "failed");
        run("INSERT INTO project (id, org_id, name, slug, odoo_version, odoo_source, addons, "
            "created_ms) VALUES ($2, $1, 'p', 'p', '19.0', '{}', '[]', 0)",
            world.org.org(), "prj_00000000000000000000000001");
        add_rule({{"kind", "environment_down"}, {"for_s", 0}, {"target_id", shop.str()}});
        tick();
        CHECK(heard() == Heard{"alert.fired shop"});
        add_rule(
            {{"kind", "environment_down"},
             {"for_s", 0},
             {"target_id", "prj_00000000000000000000000001"}}
        );
        tick();
        CHECK(heard().empty());
        add_rule({{"kind", "environment_down"}, {"for_s", 0}, {"target_id", server.str()}});
        tick();
        CHECK(heard().size() == 2);
        auto wrong = [&](boost::json::object body) {
            return world.in_org("POST", "/alert-rules", body).blames("target_id");
        };
        CHECK(wrong({{"kind", "cpu"}, {"target_id", shop.str()}}));
        CHECK(wrong({{"kind", "cpu"}, {"target_id", "srv_00000000000000000000000001"}}));
        CHECK(wrong({{"kind", "environment_down"}, {"target_id", "shop"}}));
    }

    TEST_CASE_FIXTURE(
        Fixture, "whoever the rule names is written to, once for all that came together"
    ) {
        add_rule(
            {{"kind", "environment_down"},
             {"for_s", 0},
             {"mail", {{"owners", false}, {"members", boost::json::array{other.str()}}}}}
        );
        add_rule({{"kind", "disk"}, {"for_s", 0}});
        for (int i = 0; i < 60; ++i) add_environment("e" + std::to_string(i), "failed");
        measure(1, 1);
        tick();
        REQUIRE(mails.size() == 2);
        CHECK(mails[0].to == "ann@example.org");
        CHECK(mails[1].to == "bob@example.org");
        CHECK(mails[1].subject == "60 alerts");
        CHECK(mails[1].text.find("… and 10 more.") != std::string::npos);
        CHECK(heard().size() == 61);
        // Who left is told nothing more.
        run("DELETE FROM membership WHERE org_id = $1 AND user_id = $2", world.org.org(), other);
        run("UPDATE environment SET live_state = 'running' WHERE org_id = $1", world.org.org());
        for (int i = 0; i < 4; ++i) tick();
        CHECK(heard().size() == 60);
        CHECK(mails.size() == 2);
    }

    TEST_CASE_FIXTURE(Fixture, "a full outbox is no reason to tell no program") {
        broken = true;
        add_rule({{"kind", "disk"}, {"for_s", 0}});
        measure(1, 1);
        tick();
        CHECK(heard().size() == 1);
        CHECK(listed("firing").size() == 1);
    }

    TEST_CASE_FIXTURE(Fixture, "rules are made, changed and removed, and the audit log says so") {
        CHECK(world.in_org("POST", "/alert-rules/recommended").status == 200);
        auto rules = world.in_org("GET", "/alert-rules").json.at("data").as_array();
        CHECK(rules.size() == all_kinds().size());
        auto before = world.audited().size();
        CHECK(world.in_org("POST", "/alert-rules/recommended").status == 200);
        CHECK(world.audited().size() == before); // there was one of each
        auto id = std::string(rules[0].at("id").as_string());
        auto path = "/alert-rules/" + id;
        auto edited = world.in_org("PATCH", path, {{"threshold", 50}, {"name", "Half"}});
        CHECK(edited.status == 200);
        CHECK(edited.json.at("threshold").to_number<double>() == 50);
        CHECK(edited.json.at("clear").to_number<double>() == 40);
        CHECK(world.audited().back() == "alert_rule.edit ok");
        CHECK(world.in_org("PATCH", path, {{"threshold", 0}}).blames("threshold"));
        CHECK(world.in_org("PATCH", path, {{"clear", 51}}).blames("clear"));
        CHECK(world.in_org("PATCH", path, {{"for_s", 100000}}).blames("for_s"));
        CHECK(world.in_org("PATCH", path, {{"name", ""}}).blames("name"));
        CHECK(world.in_org("PATCH", path, boost::json::object()).blames("(document)"));
        CHECK(world
                  .in_org(
                      "PATCH", path,
                      {{"mail",
                        {{"owners", true},
                         {"members", boost::json::array{"usr_00000000000000000000000001"}}}}}
                  )
                  .blames("mail.members[0]"));
        CHECK(world.in_org("POST", "/alert-rules", {{"kind", "weather"}}).status == 400);
        CHECK(world.in_org(
                       "POST", "/alert-rules", {{"kind", "server_offline"}, {"threshold", 2}}
        ).blames("threshold"));
        CHECK(world.in_org("DELETE", path).status == 204);
        CHECK(world.audited().back() == "alert_rule.delete ok");
        CHECK(world.in_org("PATCH", path, {{"name", "x"}}).status == 404);
        for (auto i = rules.size() - 1; i < std::size_t(max_rules); ++i)
            add_rule({{"kind", "cpu"}});
        CHECK(
            world.in_org("POST", "/alert-rules", {{"kind", "cpu"}}).code() == "too_many_alert_rules"
        );
        world.act_for(world.other);
        CHECK(world.in_org("GET", "/alert-rules").json.at("data").as_array().empty());
        auto second = std::string(rules[1].at("id").as_string());
        CHECK(world.in_org("DELETE", "/alert-rules/" + second).status == 404);
    }

    TEST_CASE_FIXTURE(Fixture, "a rule that is turned off ends its alerts, and begins anew") {
        auto rule = add_rule({{"kind", "disk"}, {"for_s", 0}});
        measure(1, 1);
        tick();
        CHECK(heard().size() == 1);
        auto path = "/alert-rules/" + rule;
        CHECK(world.in_org("PATCH", path, {{"enabled", false}}).status == 200);
        CHECK(listed("firing").empty());
        tick();
        CHECK(watch->firing() == 0);
        CHECK(world.in_org("PATCH", path, {{"enabled", true}}).status == 200);
        measure(1, 1);
        tick();
        CHECK(heard().size() == 1);
    }

    TEST_CASE_FIXTURE(Fixture, "what is over is kept for 30 days, and at most 1,000 of it") {
        add_rule({{"kind", "environment_down"}, {"for_s", 0}, {"clear_for_s", 0}});
        for (int i = 0; i < 1100; ++i) add_environment("e" + std::to_string(i), "failed");
        tick();
        run("UPDATE environment SET live_state = 'running' WHERE org_id = $1", world.org.org());
        tick();
        auto past = [&] {
            return world.one<std::int64_t>("SELECT count(*) FROM alert WHERE org_id <> ''");
        };
        CHECK(past() == max_past_alerts);
        world.clock.advance(24h * 31);
        tick();
        CHECK(past() == 0);
    }
}
