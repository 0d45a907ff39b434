// Operations that end otherwise than by their own outcome, and what is bounded.
#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using operations::Operation;
using operations::State;
using Fixture = OperationWorld;

TEST_SUITE("controller/operations") {

    TEST_CASE_FIXTURE(
        Fixture, "what is not delivered by its deadline expires; what is delivered does not"
    ) {
        auto late = create();
        agent.connect();
        agent.fetch();
        agent.disconnect();
        auto waiting = create();
        world.clock.advance(3h);
        REQUIRE(world.core->operations.tick());
        CHECK(state(late.id) == State::unknown);
        CHECK(state(waiting.id) == State::expired);
        agent.settle();
        CHECK(!agent.known.contains(waiting.id.str()));
        CHECK(state(late.id) == State::succeeded);
    }

    TEST_CASE_FIXTURE(Fixture, "a restored controller asks before it calls an operation expired") {
        auto operation = create();
        auto copy = world.folder.path() / "copy";
        world.copy_to(copy);
        agent.connect();
        agent.fetch();
        agent.take_all();
        agent.settle();
        CHECK(state(operation.id) == State::succeeded);
        auto never = create();

        world.clock.advance(3h);
        world.restore(copy);
        REQUIRE(world.core->operations.tick());
        CHECK(state(operation.id) == State::queued);
        agent.connect();
        agent.settle();
        CHECK(state(operation.id) == State::succeeded);
        CHECK(agent.known.at(operation.id.str()).runs == 1);
        CHECK(!agent.known.contains(never.id.str()));
    }

    TEST_CASE_FIXTURE(
        Fixture,
        "a queued operation is cancelled at once, a running one when the server has undone it"
    ) {
        auto queued = create();
        CHECK(cancel(queued.id)->state == State::cancelled);
        CHECK(cancel(queued.id).error().code() == "operation_finished");

        auto running = create();
        agent.connect();
        agent.fetch();
        agent.take_all();
        agent.report();
        auto asked = cancel(running.id);
        CHECK(asked->state == State::running);
        CHECK(asked->cancel_requested);
        agent.fetch();
        REQUIRE(agent.inbox.size() == 1);
        agent.fetch();
        CHECK_MESSAGE(agent.inbox.size() == 1, "it is said once");
        agent.settle();
        CHECK(state(running.id) == State::cancelled);
        CHECK(!agent.known.contains(queued.id.str()));
    }

    TEST_CASE_FIXTURE(Fixture, "a cancel that overtakes its delivery does not end the operation") {
        auto operation = create();
        agent.connect();
        agent.fetch();
        REQUIRE(cancel(operation.id));
        agent.fetch();
        REQUIRE(agent.inbox.size() == 2);
        agent.take(1);
        REQUIRE(agent.report());
        CHECK(state(operation.id) == State::delivered);
        agent.take_all();
        agent.finish(operation.id.str(), proto::Outcome::succeeded);
        REQUIRE(agent.report());
        CHECK(state(operation.id) == State::succeeded);
    }

    TEST_CASE_FIXTURE(Fixture, "past the switch there is nothing left to cancel") {
        auto operation = create();
        agent.connect();
        agent.fetch();
        agent.take_all();
        agent.step(operation.id.str(), "keep", proto::StepState::running, 8);
        agent.report();
        CHECK(cancel(operation.id).error().code() == "not_cancellable");
    }

    TEST_CASE_FIXTURE(
        Fixture, "a revoked server's operations expire or become unknown, and its link is not heard"
    ) {
        auto delivered = create();
        agent.connect();
        agent.fetch();
        for (int i = 1; i < operations::max_outstanding; ++i) create();
        auto queued = create();
        auto reply = world.in_org(
            "POST", "/servers/" + server.str() + "/revoke", nullptr, {{"x-confirm", "odoo-fra-1"}}
        );
        CHECK(reply.status == 200);
        CHECK(state(delivered.id) == State::unknown);
        CHECK(state(queued.id) == State::expired);
        agent.take_all();
        CHECK(!agent.report());
        agent.connect();
        CHECK(agent.refused->code() == "revoked");
    }

    TEST_CASE_FIXTURE(
        Fixture, "a server holds a bounded number at a time and gets the next ones as it finishes"
    ) {
        for (int i = 0; i < 70; ++i) create();
        agent.connect();
        agent.fetch();
        CHECK(agent.inbox.size() == operations::max_outstanding);
        agent.take_all();
        agent.finish(agent.known.begin()->first, proto::Outcome::succeeded);
        while (!agent.reports.empty()) REQUIRE(agent.report());
        CHECK(world.links.sent[agent.link->id].size() == 1);
        agent.fetch();
        CHECK(agent.inbox.size() == 1);
    }

    TEST_CASE_FIXTURE(Fixture, "a log ends at its limit and says so") {
        auto operation = create();
        agent.connect();
        agent.fetch();
        agent.take_all();
        std::string line(operations::max_line_bytes + 100, 'x');
        for (int i = 0; i < 1100; ++i) agent.log(operation.id.str(), line);
        while (!agent.reports.empty()) REQUIRE(agent.report());
        auto stored =
            world.core->store
                .read([&](store::Connection& db) {
                    return operations::OperationRepo(db, world.org).log(operation.id, 0, 10000);
                })
                .value();
        CHECK(stored.size() < 1100);
        CHECK(stored.front().text.size() <= operations::max_line_bytes + 3);
        CHECK(
            stored.back().text ==
            "The log of this operation has reached its limit; further lines are left out."
        );
    }

    TEST_CASE_FIXTURE(Fixture, "more operations than may wait are refused") {
        std::optional<Error> refused;
        for (int i = 0; i <= operations::max_queued && !refused; ++i) {
            auto made = create(ping());
            if (!made) refused = made.error();
        }
        REQUIRE(refused);
        CHECK(refused->code() == "too_many_operations");
    }

    TEST_CASE_FIXTURE(
        Fixture, "logs of old operations are forgotten, ended or never heard of again; they stay"
    ) {
        for (bool ends : {true, false}) {
            CAPTURE(ends);
            auto operation = create();
            agent.connect();
            agent.fetch();
            agent.take_all();
            agent.log(operation.id.str(), "one");
            if (ends)
                agent.settle();
            else
                agent.report();
            CHECK(lines(operation.id) == 1);
            world.clock.advance(24h * 91);
            REQUIRE(world.core->operations.tick());
            CHECK(lines(operation.id) == 0);
            CHECK((state(operation.id) == State::succeeded) == ends);
        }
    }
}
