#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

struct News : HookWorld {
    Made hook = make();
    std::vector<std::string> told() {
        world.clock.advance(10s);
        carry();
        return sent_types();
    }
};

} // namespace

TEST_SUITE("controller/webhooks/news") {

    TEST_CASE_FIXTURE(News, "a deployment is told when it starts and how it ends, each once") {
        auto shop = environment(project());
        CHECK(told() == std::vector<std::string>{"environment.created"});
        deploy(shop);
        auto types = told();
        CHECK(std::ranges::count(types, "deployment.succeeded") == 1);
        CHECK(std::ranges::count(types, "environment.status_changed") == 1);
        auto asked = world.in_org("POST", "/environments/" + shop + "/deploy");
        fetch();
        agent.step(asked.id(), "source", proto::StepState::running);
        send();
        // It runs again for the controller when the link comes back.
        agent.disconnect();
        agent.connect();
        agent.step(asked.id(), "source", proto::StepState::done);
        send();
        types = told();
        CHECK(std::ranges::count(types, "deployment.started") == 1);
        run(asked.id(), proto::Outcome::failed, {}, "migration_failed");
        world.clock.advance(10s);
        carry();
        bool found = false;
        for (const auto& request : world.outbound.take()) {
            auto body = boost::json::parse(request.body);
            if (body.at("type") != "deployment.failed") continue;
            found = true;
            CHECK(str(body.at("data").at("environment_id")) == shop);
            CHECK(str(body.at("data").at("operation_id")) == asked.id());
            CHECK(body.at("data").at("error").at("code") == "migration_failed");
        }
        CHECK(found);
    }

    TEST_CASE_FIXTURE(News, "a link that flaps is told once it has settled, and as it is then") {
        agent.connect();
        CHECK(told() == std::vector<std::string>{"server.online"});
        for (int i = 0; i < 50; ++i) {
            agent.disconnect();
            world.clock.advance(1s);
            agent.connect();
            world.clock.advance(1s);
        }
        CHECK(told().empty());
        agent.disconnect();
        CHECK(told() == std::vector<std::string>{"server.offline"});
    }

    TEST_CASE_FIXTURE(News, "a restart of the controller is no news of servers") {
        agent.connect();
        told();
        world.restart();
        agent.connect();
        CHECK(told().empty());
    }

    TEST_CASE_FIXTURE(News, "only what was chosen is sent") {
        world.in_org("PATCH", path(hook.id), {{"events", array{"environment.stopped"}}});
        auto shop = live(project());
        auto stop = world.in_org("POST", "/environments/" + shop + "/stop");
        run(stop.id());
        CHECK(told() == std::vector<std::string>{"environment.stopped"});
    }

    TEST_CASE_FIXTURE(News, "what is rolled back is told to nobody") {
        auto failed = world.core->store.write([&](store::UnitOfWork& unit) -> Result<> {
            FAIRLEAD_CHECK(world.core->queue.announce(unit, world.org, {"backup.failed", "b", {}}));
            return fail(Errc::conflict, "no");
        });
        CHECK_FALSE(failed);
        CHECK(told().empty());
    }
}
