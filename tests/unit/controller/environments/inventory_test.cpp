// What servers say that they hold, against what is known here.
#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using boost::json::array;
using boost::json::object;

namespace {
using Fixture = EnvironmentWorld;
} // namespace

TEST_SUITE("controller/environments/inventory") {
    TEST_CASE_FIXTURE(
        Fixture, "a server that names other releases each time is remembered in part"
    ) {
        auto in = project();
        auto id = create(in).id();
        agent.connect();
        auto real = args(deploy(id)).release;
        for (int round = 0; round < 4; ++round) {
            std::vector<proto::ReleaseInfo> named{info(real.id, 1, true)};
            for (std::uint32_t i = 0; i < 198; ++i)
                named.push_back(info(ReleaseId::make(world.clock.now()).str(), 2 + i, false));
            named.push_back(info(ReleaseId::make(world.clock.now()).str(), UINT32_MAX - 1, false));
            inventory({state(id, "shop", std::move(named))});
            world.clock.advance(2min);
        }
        inventory({state(id, "shop", {info(real.id, 1, true)})});
        std::size_t count = 0;
        for (std::string cursor;;) {
            auto page = world.in_org(
                "GET", "/environments/" + id + "/releases?limit=200" +
                           (cursor.empty() ? "" : "&cursor=" + cursor)
            );
            REQUIRE(page.status == 200);
            count += page.json.at("data").as_array().size();
            if (page.json.at("next_cursor").is_null()) break;
            cursor = std::string(page.json.at("next_cursor").as_string());
        }
        CHECK(count == 501);
        CHECK(get(id).json.at("current_release").at("id").as_string() == real.id);
        CHECK_MESSAGE(args(deploy(id)).release.number == 200, "a number out of range is none");
    }

    TEST_CASE_FIXTURE(Fixture, "an inventory makes true again what a restored controller forgot") {
        auto in = project();
        auto id = create(in).id();
        agent.connect();
        auto copy = world.folder.path() / "copy";
        world.copy_to(copy);
        auto first = args(deploy(id)).release, second = args(deploy(id)).release;
        auto lost = create(in, {{"name", "Later"}}).id();

        world.restore(copy);
        agent.connect();
        CHECK(get(id).text("status") == "new");
        inventory(
            {state(id, "shop", {info(second.id, 2, true), info(first.id, 1, false)}),
             state(lost, "later", {})}
        );
        auto shown = get(id);
        CHECK(shown.text("status") == "running");
        CHECK(shown.json.at("current_release").at("id").as_string() == second.id);
        CHECK(release_states(id) == std::vector<std::string>{"live", "kept"});
        CHECK(world.in_org("GET", "/environments/" + id + "/releases/" + first.id)
                  .json.at("has_database_snapshot")
                  .as_bool());
        CHECK(get(lost).status == 404);
        CHECK_MESSAGE(
            create(in, {{"slug", "later"}}).code() == "slug_in_use",
            "what the server holds stays taken"
        );
        auto next = deploy(id);
        CHECK(args(next).release.number == 3);

        world.clock.advance(2min);
        inventory({});
        CHECK(get(id).text("status") == "new");
        CHECK(release_states(id) == std::vector<std::string>{"removed", "removed", "removed"});
    }

    TEST_CASE_FIXTURE(
        Fixture, "what a server holds and nobody knows here is named, and taken over as it is"
    ) {
        auto in = project();
        agent.connect();
        auto copy = world.folder.path() / "copy";
        world.copy_to(copy);
        auto id =
            create(in, {{"name", "Later"}, {"type", "staging"}, {"modules", array{"base"}}}).id();
        auto sent = args(deploy(id));
        auto port = sent.environment.port;
        world.restore(copy);
        agent.connect();

        auto path = "/servers/" + server.str() + "/found-environments";
        auto found = state(id, "later", {info(sent.release.id, 4, true)});
        found.port = port;
        inventory({found});
        auto listed = world.in_org("GET", path);
        REQUIRE(listed.json.at("data").as_array().size() == 1);
        auto adopt = [&] {
            return world.in_org("POST", path + "/" + id + "/adopt", {{"project_id", in}});
        };
        CHECK(!listed.json.at("data").at(0).at("adoptable").as_bool());
        CHECK(adopt().code() == "not_adoptable");

        // What the server says is not believed where people would not be.
        auto refused = [&](auto change) {
            auto bad = found;
            bad.spec = sent.environment;
            change(*bad.spec);
            inventory({bad});
            CHECK(adopt().code() == "not_adoptable");
        };
        refused([](auto& spec) { spec.slug = "other"; });
        refused([](auto& spec) { spec.port = 1; });
        refused([](auto& spec) { spec.modules = {"--load"}; });
        refused([](auto& spec) { spec.name.assign(500, 'x'); });
        refused([](auto& spec) { spec.keep_releases = 0; });
        refused([](auto& spec) { spec.addons[0].branch = "refs/pull/1/head"; });

        // Another one answers to one of its names by now.
        CHECK(create(in, {{"domains", array{"taken.example.org"}}}).status == 201);
        found.spec = sent.environment;
        found.spec->domains = {"taken.example.org", "own.example.org"};
        inventory({found, state("../../etc", "passwd", {})});
        auto one = world.in_org("GET", path).json.at("data").as_array();
        REQUIRE(one.size() == 1);
        CHECK(one[0].at("project").at("id").as_string() == in);
        CHECK(one[0].at("project").at("known").as_bool());
        CHECK(one[0].at("type").as_string() == "staging");
        CHECK(world.in_org(
                       "POST", path + "/" + id + "/adopt", {{"project_id", "prj_x"}}
        ).blames("project_id"));
        auto adopted = adopt();
        REQUIRE(adopted.status == 201);
        CHECK(adopted.id() == id);
        CHECK(adopted.text("status") == "running");
        CHECK(adopted.json.at("domains") == array{"own.example.org"});
        CHECK(adopted.json.at("current_release").at("number").as_int64() == 4);
        CHECK(world.audited().back() == "environment.adopt ok");
        CHECK(adopt().status == 404);
        CHECK(args(deploy(id)).release.number == 5);
        CHECK(args(deploy(id)).environment.port == port);
    }
}
