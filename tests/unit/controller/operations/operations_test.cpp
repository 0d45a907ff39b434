#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using operations::Operation;
using operations::State;
using Fixture = OperationWorld;

TEST_SUITE("controller/operations") {

    TEST_CASE_FIXTURE(
        Fixture,
        "an operation goes from queued over delivered and running to succeeded, and stays there"
    ) {
        auto operation = create();
        CHECK(state(operation.id) == State::queued);
        CHECK(world.links.sent.empty());

        agent.connect();
        agent.fetch();
        CHECK(state(operation.id) == State::delivered);
        CHECK(get(operation.id).fence == 1);

        agent.take_all();
        agent.step(operation.id.str(), "fetch", proto::StepState::running);
        agent.report();
        CHECK(state(operation.id) == State::running);

        agent.finish(operation.id.str(), proto::Outcome::succeeded);
        agent.report();
        CHECK(state(operation.id) == State::succeeded);

        agent.finish(operation.id.str(), proto::Outcome::failed, {}, "late");
        agent.report();
        CHECK(state(operation.id) == State::succeeded);
        CHECK(get(operation.id).error_code == "");
    }

    TEST_CASE_FIXTURE(Fixture, "a step that was looked at and is not needed has no times") {
        auto operation = create();
        agent.connect();
        agent.fetch();
        agent.take_all();
        auto step = [&](proto::StepState state) {
            agent.step(operation.id.str(), "migrate", state);
            agent.report();
            return world.core->store
                .read([&](store::Connection& db) {
                    return operations::OperationRepo(db, world.org).steps(operation.id);
                })
                .value()
                .at(0);
        };
        CHECK(step(proto::StepState::running).started_ms);
        auto skipped = step(proto::StepState::skipped);
        CHECK(skipped.state == proto::StepState::skipped);
        CHECK_FALSE(skipped.started_ms);
        CHECK_FALSE(skipped.finished_ms);
    }

    TEST_CASE_FIXTURE(
        Fixture, "a server with a link is handed an operation by the commit that stores it, after "
                 "what waits already"
    ) {
        auto waited = create();
        agent.connect();
        auto commits = world.core->store.commits();
        auto operation = create();
        CHECK(world.core->store.commits() == commits + 1);
        CHECK(operation.state == State::queued); // as it was when it was asked
        CHECK(get(waited.id).fence == 1);
        CHECK(get(operation.id).fence == 2);
        CHECK(state(operation.id) == State::delivered);
        const auto& sent = world.links.sent[agent.link->id];
        REQUIRE(sent.size() == 2);
        CHECK(sent[0].find(waited.id.str()) != std::string::npos);
        CHECK(sent[1].find(operation.id.str()) != std::string::npos);

        REQUIRE(cancel(operation.id));
        REQUIRE(sent.size() == 3);
        CHECK(sent[2].find("cancel") != std::string::npos);
        agent.settle();
        CHECK(state(waited.id) == State::succeeded);
        CHECK(state(operation.id) == State::cancelled);
    }

    TEST_CASE_FIXTURE(
        Fixture, "what was committed as handed out and never sent comes with the next hello, with "
                 "its fence"
    ) {
        agent.connect();
        auto operation = create();
        CHECK(state(operation.id) == State::delivered);
        SUBCASE("the link broke") {
            agent.disconnect();
            CHECK(state(operation.id) == State::unknown);
        }
        SUBCASE("the controller died") {
            agent.link.reset();
            world.restart();
            CHECK(state(operation.id) == State::unknown);
            // Nobody is there yet: what is asked now waits.
            auto later = create();
            CHECK(state(later.id) == State::queued);
        }
        agent.connect();
        REQUIRE(agent.inbox.size() == 1);
        CHECK(std::get<proto::Deliver>(agent.inbox.front()).operation.fence == 1);
        agent.settle();
        CHECK(state(operation.id) == State::succeeded);
        for (const auto& [id, known] : agent.known) CHECK(known.runs == 1);
    }

    TEST_CASE_FIXTURE(
        Fixture, "a restarted controller hands nothing to the links that it had before"
    ) {
        agent.connect();
        agent.link.reset();
        world.restart();
        CHECK(state(create().id) == State::queued);
    }

    TEST_CASE_FIXTURE(
        Fixture, "a second operation on the same environment is refused and names the first, until "
                 "that is over"
    ) {
        auto environment = EnvironmentId::make(world.clock.now());
        auto first = create(ping(environment)).value();
        auto second = create(ping(environment));
        REQUIRE(!second);
        CHECK(second.error().code() == "operation_in_progress");
        CHECK(second.error().facts().at(0).second == first.id.str());

        auto other = ping(EnvironmentId::make(world.clock.now()));
        CHECK(create(other));
        auto looking = ping(environment);
        looking.mutating = false;
        CHECK(create(looking));

        REQUIRE(cancel(first.id));
        CHECK(create(ping(environment)));
    }

    TEST_CASE_FIXTURE(
        Fixture,
        "what the server holds is unknown while the link is down, and the hello resolves it"
    ) {
        auto running = create(), delivered = create();
        agent.connect();
        agent.fetch();
        agent.take(); // the second delivery is lost with the link
        agent.report();
        CHECK(state(running.id) == State::running);
        agent.disconnect();
        CHECK(state(running.id) == State::unknown);
        CHECK(state(delivered.id) == State::unknown);

        agent.connect();
        CHECK(state(running.id) == State::running);
        CHECK(state(delivered.id) == State::delivered);
        agent.settle();
        CHECK(state(running.id) == State::succeeded);
        CHECK(state(delivered.id) == State::succeeded);
        for (const auto& [id, known] : agent.known) CHECK(known.runs == 1);
    }

    TEST_CASE_FIXTURE(
        Fixture, "an outcome that was acknowledged by a controller since restored from a copy is "
                 "asked for again"
    ) {
        auto operation = create();
        agent.connect();
        agent.fetch();
        agent.take_all();
        agent.report();
        auto copy = world.folder.path() / "copy";
        world.copy_to(copy);
        agent.log(operation.id.str(), "one");
        agent.finish(operation.id.str(), proto::Outcome::failed, {}, "migration_failed");
        agent.report();
        CHECK(state(operation.id) == State::failed);

        world.restore(copy);
        CHECK(state(operation.id) == State::unknown);
        agent.connect();
        REQUIRE(agent.inbox.size() == 1);
        CHECK(std::holds_alternative<proto::Query>(agent.inbox[0]));
        agent.take_all();
        REQUIRE(agent.report());
        CHECK(state(operation.id) == State::failed);
        CHECK(get(operation.id).error_code == "migration_failed");
    }

    TEST_CASE_FIXTURE(Fixture, "a restored controller gives no fence out twice") {
        agent.connect();
        auto copy = world.folder.path() / "copy";
        world.copy_to(copy);
        create();
        create();
        agent.settle();
        CHECK(agent.highest_fence == 2);

        world.restore(copy);
        agent.connect();
        auto fresh = create();
        agent.fetch();
        CHECK(get(fresh.id).fence == 3);
    }

    TEST_CASE_FIXTURE(Fixture, "reports count once: known ones are skipped and a gap is refused") {
        auto operation = create();
        agent.connect();
        agent.fetch();
        agent.take_all();
        agent.log(operation.id.str(), "one");
        agent.report(100, false);
        agent.report(100, false);
        CHECK(lines(operation.id) == 1);
        agent.log(operation.id.str(), "two");
        CHECK(agent.report());
        CHECK(lines(operation.id) == 2);

        agent.log(operation.id.str(), "three");
        agent.log(operation.id.str(), "four");
        agent.reports.pop_front();
        CHECK(!agent.report());
        CHECK(agent.refused->code() == "report_gap");
        CHECK(lines(operation.id) == 2);
    }

    TEST_CASE_FIXTURE(
        Fixture,
        "a journal with another name counts anew, and what only the old one knew has failed"
    ) {
        auto operation = create();
        agent.connect();
        agent.fetch();
        agent.take_all();
        agent.log(operation.id.str(), "one");
        agent.report();
        agent.disconnect();
        agent.lose_journal();
        agent.connect();
        agent.take_all();
        REQUIRE(agent.report());
        CHECK(state(operation.id) == State::failed);
        CHECK(get(operation.id).error_code == "journal_unknown");
        CHECK(agent.known.empty());
    }

    TEST_CASE_FIXTURE(Fixture, "a server speaks for its own operations only") {
        auto operation = create();
        auto stranger_id = world.add_server("other-1");
        Agent stranger(world, stranger_id);
        agent.connect();
        agent.fetch();
        stranger.connect();
        stranger.known[operation.id.str()];
        stranger.finish(operation.id.str(), proto::Outcome::succeeded);
        CHECK(stranger.report());
        CHECK(state(operation.id) == State::delivered);
    }

    TEST_CASE_FIXTURE(
        Fixture, "a link that was replaced is neither heard nor able to make things unknown"
    ) {
        auto operation = create();
        agent.connect();
        agent.fetch();
        auto old = *agent.link;
        agent.connect();
        CHECK(!world.core->agents.due(old));
        CHECK(world.core->agents.reports(old, {}).error().code() == "replaced");
        REQUIRE(world.core->agents.closed(old));
        CHECK(state(operation.id) == State::delivered);
    }

    TEST_CASE_FIXTURE(Fixture, "what watchers hear is in order and ends with the final state") {
        agent.connect();
        world.events.take();
        auto operation = create();
        agent.fetch();
        agent.take_all();
        agent.step(operation.id.str(), "fetch", proto::StepState::running);
        agent.log(operation.id.str(), "one");
        agent.finish(operation.id.str(), proto::Outcome::succeeded);
        agent.report();
        std::vector<std::string> own;
        for (const auto& event : world.events.take()) {
            CHECK(event.org == world.org.org());
            CHECK(event.permission == (event.type == "log" ? "operations.log" : "operations.view"));
            if (event.operation) own.push_back(event.type + (event.final ? " final" : ""));
        }
        CHECK(
            own ==
            std::vector<std::string>{"operation", "operation", "step", "log", "operation final"}
        );
    }
}
