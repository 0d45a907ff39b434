#include "../world/agent.hpp"
#include "common/runtime/file.hpp"
#include "controller/metrics/exposition.hpp"
#include "controller/metrics/sample_repo.hpp"

#include <doctest/doctest.h>

#include <regex>

using namespace fairlead;
using namespace fairlead::test;
using namespace fairlead::metrics;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    Fixture() : server(world.add_server()), agent(world, server) {
        agent.connect();
        // So that hours and days begin where a test thinks.
        auto day = coarse.block_of(world.clock.now()) + 24h;
        world.clock.advance(day - world.clock.now());
    }

    proto::FactsMessage facts(double cpu = 10) {
        proto::FactsMessage message;
        message.facts.cpu.used_percent = cpu;
        message.facts.memory = {8ull << 30, 2ull << 30};
        message.facts.disk = {"/", 100ull << 30, 40ull << 30};
        message.facts.load = {0.5, 0.4, 0.3};
        return message;
    }
    void say(const proto::FactsMessage& message) {
        REQUIRE(world.core->agents.facts(*agent.link, message, 1));
    }
    /// `count` points, 30 s apart.
    void measure(int count, double cpu = 10) {
        for (int i = 0; i < count; ++i) {
            say(facts(cpu));
            world.clock.advance(30s);
        }
    }
    EnvironmentId add_environment(const std::string& slug) {
        auto id = EnvironmentId::make(world.clock.now());
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "INSERT INTO environment (id, org_id, project_id, server_id, name, slug, type, "
                "port, gevent_port, modules, requirements, domains, workers, "
                "system_site_packages, keep_releases, live_state, created_ms) VALUES ($2, $1, "
                "'prj_1', $3, $4, $4, 'production', 8069, 8070, '[]', '[]', '[]', 0, 0, 5, "
                "'running', 0)",
                world.org.org(), id, server, slug
            );
        }));
        return id;
    }
    boost::json::object ask(const std::string& path) {
        auto reply = world.in_org("GET", path);
        REQUIRE(reply.status == 200);
        return reply.json.as_object();
    }
    boost::json::object of_server(const std::string& query = "") {
        return ask("/servers/" + server.str() + "/metrics" + query);
    }
    static std::vector<double> line(const boost::json::object& answer, std::string_view name) {
        std::vector<double> values;
        const auto* found = answer.at("series").as_object().if_contains(name);
        if (!found) return values;
        for (const auto& value : found->as_array())
            values.push_back(value.is_null() ? -1 : value.to_number<double>());
        return values;
    }
    std::int64_t rows() {
        return world.one<std::int64_t>("SELECT count(*) FROM metric_block WHERE org_id <> ''");
    }

    World world;
    ServerId server;
    Agent agent;
};

using Lines = std::vector<double>;

} // namespace

TEST_SUITE("controller/metrics") {

    TEST_CASE_FIXTURE(Fixture, "what a server says of itself is kept as it comes") {
        measure(4, 12.5);
        auto answer = of_server();
        CHECK(answer.at("times").as_array().size() == 4);
        CHECK(line(answer, "cpu_percent") == Lines(4, 12.5));
        CHECK(line(answer, "memory_used_bytes") == Lines(4, double(2ull << 30)));
        CHECK(line(answer, "load1") == Lines(4, 0.5));
        // What was never measured has no line.
        CHECK(!answer.at("series").as_object().contains("pg_connections"));
        auto times = answer.at("times").as_array();
        CHECK(times[1].as_int64() - times[0].as_int64() == 30);
    }

    TEST_CASE_FIXTURE(Fixture, "the later one of a period counts") {
        say(facts(10));
        world.clock.advance(5s);
        say(facts(20));
        CHECK(line(of_server(), "cpu_percent") == Lines{20});
    }

    TEST_CASE_FIXTURE(Fixture, "counters become rates, and begin anew with what they count") {
        auto id = add_environment("shop");
        auto say_counts = [&](std::int64_t requests, std::int64_t ms, std::int64_t in) {
            auto message = facts();
            message.facts.environments = {{"shop", "running", ""}};
            message.facts.measures = proto::Measures{
                {{"network_in_bytes", in}, {"pg_slow", 2}},
                {{"shop",
                  {{"requests", requests}, {"request_ms", ms}, {"cpu_ms", ms}, {"failures", 0}}},
                 {"not-here", {{"requests", 1}}}}};
            say(message);
            world.clock.advance(30s);
        };
        say_counts(100, 1000, 5000);
        say_counts(160, 4000, 5000 + 30 * 1600);
        say_counts(5, 20, 100); // it was restarted
        say_counts(35, 3020, 100);
        auto answer = ask("/environments/" + id.str() + "/metrics");
        CHECK(line(answer, "requests_per_s") == Lines{-1, 2, -1, 1});
        CHECK(line(answer, "request_ms") == Lines{-1, 50, -1, 100});
        CHECK(line(answer, "requests_under_way") == Lines{-1, 0.1, -1, 0.1});
        CHECK(line(answer, "cpu_percent") == Lines{-1, 10, -1, 10});
        CHECK(line(answer, "up") == Lines(4, 1));
        CHECK(line(of_server(), "network_in_bytes_per_s") == Lines{-1, 1600, -1, 0});
        CHECK(line(of_server(), "pg_slow") == Lines(4, 2));
    }

    TEST_CASE_FIXTURE(Fixture, "ten minutes of requests are a mean of all requests alike") {
        auto id = add_environment("shop");
        std::int64_t requests = 0, ms = 0;
        auto say_more = [&](std::int64_t more, std::int64_t took) {
            requests += more;
            ms += took;
            auto message = facts();
            message.facts.measures =
                proto::Measures{{}, {{"shop", {{"requests", requests}, {"request_ms", ms}}}}};
            say(message);
            world.clock.advance(30s);
        };
        for (int i = 0; i < 19; ++i) say_more(1000, 10'000);
        say_more(1, 30'000);
        auto path = "/environments/" + id.str() + "/metrics?resolution=10m";
        auto found = line(ask(path), "request_ms"); // out of the fine ones
        REQUIRE(found.size() == 1);
        CHECK(found[0] == doctest::Approx(210'000.0 / 18'001).epsilon(0.01));
        say_more(0, 0);
        auto kept = line(ask(path), "request_ms"); // stored, as the next ten have begun
        REQUIRE(kept.size() == 2);
        CHECK(kept[0] == doctest::Approx(found[0]).epsilon(0.01));
        CHECK(kept[1] == -1);
    }

    TEST_CASE_FIXTURE(
        Fixture, "what somebody stopped is not running, also where systemd forgot it"
    ) {
        auto id = add_environment("shop");
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run("UPDATE environment SET live_state = 'stopped' WHERE id = $1", id);
        }));
        say(facts());
        CHECK(line(ask("/environments/" + id.str() + "/metrics"), "up") == Lines{0});
    }

    TEST_CASE_FIXTURE(Fixture, "numbers are as many digits as they have") {
        say(facts(0.3));
        auto text = boost::json::serialize(of_server().at("series").at("cpu_percent"));
        CHECK(boost::json::parse(text).at(0).as_double() == 0.3);
    }

    TEST_CASE("what is new depends on how often servers tell") {
        CHECK(NewestOfAll().fresh() == 150s);
        CHECK(NewestOfAll(5min).fresh() == 15min);
        CHECK(NewestOfAll(5min).longest_gap() > 5min);
    }

    TEST_CASE_FIXTURE(Fixture, "nonsense from a server is nothing measured") {
        auto message = facts(1e9);
        message.facts.load = {-1, 0, 0};
        message.facts.measures = proto::Measures{{{"pg_connections", -5}, {"unheard_of", 1}}, {}};
        say(message);
        CHECK(line(of_server(), "cpu_percent").empty());
        CHECK(line(of_server(), "load1").empty());
        CHECK(line(of_server(), "pg_connections").empty());
        CHECK(line(of_server(), "disk_free_bytes").size() == 1);
    }

    TEST_CASE_FIXTURE(Fixture, "ten minutes become one point, and the newest are there at once") {
        measure(20, 10);
        measure(20, 30);
        measure(5, 50);
        CHECK(line(of_server("?resolution=10m"), "cpu_percent") == Lines{10, 30, 50});
        CHECK(line(of_server("?resolution=30s"), "cpu_percent").size() == 45);
        // Stored: one row of fine points, one of coarse ones.
        CHECK(rows() == 2);
    }

    TEST_CASE_FIXTURE(Fixture, "a time without a report is a time without a point") {
        measure(20, 10);
        world.clock.advance(40min);
        measure(20, 30);
        auto answer = of_server("?resolution=10m&from=2020-01-01T00:00:00Z");
        CHECK(line(answer, "cpu_percent") == Lines{10, 30});
        auto times = answer.at("times").as_array();
        CHECK(times[1].as_int64() - times[0].as_int64() == 3000);
    }

    TEST_CASE_FIXTURE(Fixture, "rows of a server are bounded, and days stay at ten minutes") {
        // Every ten minutes for 33 days is as many rows as every 30 s.
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) -> Result<> {
            SampleRepo repo(unit.db(), world.org);
            for (int i = 0; i < 33 * 144; ++i) {
                FAIRLEAD_CHECK(repo.append(
                    server.str(), world.clock.now(), Values(server_series.size(), i % 50)
                ));
                world.clock.advance(10min);
            }
            return {};
        }));
        CHECK(rows() <= 57);
        auto days = of_server("?resolution=10m&from=2020-01-01T00:00:00Z");
        CHECK(days.at("times").as_array().size() <= 4321);
        CHECK(days.at("times").as_array().size() >= 4319);
        auto hours = of_server("?from=2020-01-01T00:00:00Z");
        CHECK(hours.at("times").as_array().size() <= 145);
        CHECK(hours.at("times").as_array().size() >= 143);
    }

    TEST_CASE_FIXTURE(Fixture, "of a server that went away the last minutes are kept for 30 days") {
        measure(25, 10);
        world.clock.advance(26h);
        REQUIRE(world.core->recorder.tidy(world.clock.now()));
        CHECK(of_server("?from=2020-01-01T00:00:00Z").at("times").as_array().empty());
        auto kept = of_server("?resolution=10m&from=2020-01-01T00:00:00Z");
        CHECK(line(kept, "cpu_percent") == Lines{10, 10});
        world.clock.advance(32 * 24h);
        REQUIRE(world.core->recorder.tidy(world.clock.now()));
        CHECK(rows() == 0);
    }

    TEST_CASE_FIXTURE(Fixture, "a clock that was ahead does not stop the measuring") {
        measure(2, 10);
        auto now = world.clock.now();
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return SampleRepo(unit.db(), world.org)
                .append(server.str(), now + 24h * 365, Values(server_series.size(), 1));
        }));
        measure(2, 20);
        CHECK(line(of_server(), "cpu_percent") == Lines{20, 20});
    }

    TEST_CASE_FIXTURE(
        Fixture, "measurements go with what was measured, and are of one organization"
    ) {
        measure(3);
        auto path = "/servers/" + server.str();
        world.act_for(world.other);
        CHECK(world.in_org("GET", path + "/metrics").status == 404);
        world.act_for(world.org);
        CHECK(
            world.in_org("POST", path + "/revoke", nullptr, {{"x-confirm", "odoo-fra-1"}}).status ==
            200
        );
        CHECK(world.in_org("DELETE", path, nullptr, {{"x-confirm", "odoo-fra-1"}}).status == 204);
        CHECK(rows() == 0);
    }

    TEST_CASE_FIXTURE(Fixture, "wrong questions are refused by name") {
        auto path = "/servers/" + server.str() + "/metrics";
        CHECK(world.in_org("GET", path + "?resolution=1h").blames("resolution"));
        CHECK(world.in_org("GET", path + "?from=yesterday").blames("from"));
        CHECK(world.in_org("GET", path + "?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z")
                  .blames("from"));
        auto nobody = EnvironmentId::make(world.clock.now());
        CHECK(world.in_org("GET", "/environments/" + nobody.str() + "/metrics").status == 404);
    }

    TEST_CASE_FIXTURE(Fixture, "Prometheus gets the newest of everything, by name") {
        auto id = add_environment("shop");
        auto message = facts(12.5);
        message.facts.environments = {{"shop", "running", ""}};
        message.facts.measures = proto::Measures{
            {{"network_in_bytes", 4096}}, {{"shop", {{"requests", 7}, {"memory_bytes", 1024}}}}};
        say(message);
        auto text = [&] {
            return world.core->store
                .read([&](store::Connection& db) {
                    return exposition(
                        db, world.org, world.core->recorder.newest(), world.clock.now()
                    );
                })
                .value();
        };
        auto has = [](const std::string& all, const std::string& part) {
            return all.find(part) != std::string::npos;
        };
        auto now = text();
        auto labels = "{server=\"odoo-fra-1\",server_id=\"" + server.str() + "\"}";
        CHECK(has(
            now, "# TYPE fairlead_server_online gauge\nfairlead_server_online" + labels + " 1\n"
        ));
        CHECK(has(now, "fairlead_server_cpu_percent" + labels + " 12.5\n"));
        CHECK(has(now, "# TYPE fairlead_server_network_in_bytes_total counter\n"));
        CHECK(has(now, "fairlead_server_network_in_bytes_total" + labels + " 4096\n"));
        auto shop = "{environment=\"shop\",environment_id=\"" + id.str() +
                    "\",type=\"production\",server=\"odoo-fra-1\"}";
        CHECK(has(now, "fairlead_environment_requests_total" + shop + " 7\n"));
        CHECK(has(now, "fairlead_environment_up" + shop + " 1\n"));
        CHECK(!has(now, "fairlead_environment_cron_late"));
        // Old ones are not of now.
        world.clock.advance(10min);
        auto later = text();
        CHECK(has(later, "fairlead_server_online"));
        CHECK(!has(later, "fairlead_server_cpu_percent"));
        CHECK(label_text("a\"b\\c\nd") == "a\\\"b\\\\c\\nd");
    }

    TEST_CASE_FIXTURE(Fixture, "the dashboard asks for nothing that there is not") {
        add_environment("shop");
        auto message = facts(12.5);
        message.facts.environments = {{"shop", "running", ""}};
        proto::Measures all{{}, {{"shop", {}}}};
        for (const auto& one : proto::server_measures) all.server[std::string(one.name)] = 1;
        for (const auto& one : proto::environment_measures)
            all.environments[0].values[std::string(one.name)] = 1;
        message.facts.measures = all;
        say(message);
        auto text = world.core->store
                        .read([&](store::Connection& db) {
                            return exposition(
                                db, world.org, world.core->recorder.newest(), world.clock.now()
                            );
                        })
                        .value();
        auto dashboard =
            read_file(std::filesystem::path(FAIRLEAD_DASHBOARDS) / "servers.json", 1 << 20).value();
        std::regex name("fairlead_(server|environment)_[a-z0-9_]+");
        std::size_t asked = 0;
        for (auto at = std::sregex_iterator(dashboard.begin(), dashboard.end(), name);
             at != std::sregex_iterator(); ++at, ++asked) {
            CAPTURE(at->str());
            CHECK(text.find("\n" + at->str() + "{") != std::string::npos);
        }
        CHECK(asked > 20);
    }
}
