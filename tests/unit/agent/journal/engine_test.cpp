#include "support.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::journal;
using proto::Outcome;
using proto::StepState;

namespace {

struct World {
    JournalFile journal;
    std::vector<std::string> acts;
    std::string fails;
    int undo_failures = 0;

    Engine engine() {
        return Engine(*journal, [](auto) {});
    }
    std::unique_ptr<Work> work(unsigned number = 1) {
        return std::make_unique<Work>(
            *journal, journal.clock, operation(number, number), Redactor()
        );
    }
    Step step(std::string name, bool last_call = false) {
        Step result;
        result.name = name;
        result.title = "Do " + name;
        result.last_call = last_call;
        result.act = [this, name](Work&) -> Result<> {
            acts.push_back(name);
            if (fails == name)
                return fail(Error(Errc::internal, name + " broke").with_code("it_broke"));
            return {};
        };
        result.undo = [this, name](Work&) -> Result<> {
            if (undo_failures > 0) {
                --undo_failures;
                return fail(Errc::internal, "not yet");
            }
            acts.push_back("-" + name);
            return {};
        };
        return result;
    }
    Plan plan() {
        Plan result;
        result.steps = {step("a"), step("b"), step("c"), step("keep", true)};
        result.settle = [this](Work&) -> Result<> {
            acts.push_back("settle");
            return {};
        };
        return result;
    }
    void deliver(unsigned number = 1) {
        REQUIRE(journal->deliver(operation(number, number), "") == Delivered::fresh);
    }
};

using Names = std::vector<std::string>;

} // namespace

TEST_SUITE("agent/journal/engine") {

    TEST_CASE("steps run in order and the outcome is in the journal") {
        World world;
        world.deliver();
        auto work = world.work();
        auto finished = world.engine().run(world.plan(), *work);
        CHECK(finished.outcome == Outcome::succeeded);
        CHECK(world.acts == Names{"a", "b", "c", "keep"});
        CHECK(last_outcome(*world.journal, op_id(1))->outcome == Outcome::succeeded);
        CHECK(world.journal->unfinished().empty());
    }

    TEST_CASE("a failed step is undone with all before it, in reverse, and then the old settles in"
    ) {
        World world;
        world.fails = "b";
        world.deliver();
        auto work = world.work();
        auto finished = world.engine().run(world.plan(), *work);
        CHECK(finished.outcome == Outcome::failed);
        REQUIRE(finished.error);
        CHECK(finished.error->code == "it_broke");
        CHECK(finished.error->step == "b");
        CHECK(world.acts == Names{"a", "b", "-b", "-a", "settle"});
    }

    TEST_CASE("a cancelled operation stops at the next step and is undone") {
        World world;
        world.deliver();
        auto work = world.work();
        auto plan = world.plan();
        plan.steps[0].act = [&](Work& inside) -> Result<> {
            world.acts.push_back("a");
            inside.request_stop();
            return {};
        };
        auto finished = world.engine().run(plan, *work);
        CHECK(finished.outcome == Outcome::cancelled);
        CHECK(world.acts == Names{"a", "-a", "settle"});
    }

    TEST_CASE("after the last call nothing is cancelled or undone") {
        World world;
        world.deliver();
        auto work = world.work();
        auto plan = world.plan();
        plan.steps[3].act = [&](Work& inside) -> Result<> {
            inside.request_stop();
            world.acts.push_back("keep");
            if (std::ranges::count(world.acts, "keep") < 3)
                return fail(Errc::unavailable, "disk busy");
            return {};
        };
        CHECK(world.engine().run(plan, *work).outcome == Outcome::succeeded);
        CHECK(world.acts == Names{"a", "b", "c", "keep", "keep", "keep"});
    }

    TEST_CASE("undoing is tried again until it works, and told when it does not") {
        World world;
        world.fails = "a";
        world.deliver(1);
        world.undo_failures = 3;
        auto first = world.work(1);
        CHECK(world.engine().run(world.plan(), *first).error->code == "it_broke");

        world.deliver(2);
        world.undo_failures = 1000;
        auto second = world.work(2);
        auto finished = world.engine().run(world.plan(), *second);
        CHECK(finished.error->code == "undo_failed");
        CHECK(finished.error->message.find("a broke") != std::string::npos);
    }

    TEST_CASE("an exception in a step is that step's failure") {
        World world;
        world.deliver();
        auto work = world.work();
        auto plan = world.plan();
        plan.steps[1].act = [](Work&) -> Result<> { throw std::runtime_error("surprise"); };
        auto finished = world.engine().run(plan, *work);
        CHECK(finished.error->message.find("surprise") != std::string::npos);
        CHECK(world.acts == Names{"a", "-b", "-a", "settle"});
    }

    TEST_CASE("facts are there again after a crash, and gone when it is over") {
        World world;
        world.deliver();
        world.work()->remember("made_user", true);
        world.journal.open();
        auto work = world.work();
        CHECK(work->recall_yes("made_user"));
        world.journal->finish(op_id(1), {});
        CHECK(world.journal->facts(op_id(1)).empty());
    }

    TEST_CASE(
        "what steps found out is in the outcome, also when a crash came after the last of them"
    ) {
        for (bool over : {false, true}) { // the last step, or not yet
            CAPTURE(over);
            World world;
            world.deliver();
            auto plan = world.plan();
            plan.steps[1].act = [](Work& work) -> Result<> {
                work.result.downtime_ms = 7;
                return {};
            };
            plan.steps[3].act = [](Work& work) -> Result<> {
                work.result.release.emplace().number = 3;
                return {};
            };
            auto interrupted = plan;
            interrupted.steps.push_back(world.step("between", true));
            interrupted.steps.back().act = [](Work&) -> Result<> {
                throw store::StoreError(store::StoreError::Kind::io, "crash");
            };
            if (!over) interrupted.steps[3].act = interrupted.steps.back().act;
            CHECK_THROWS((void)world.engine().run(interrupted, *world.work()));
            world.journal.open();
            auto found = world.journal->unfinished();
            REQUIRE(found.size() == 1);
            auto finished = world.engine().recover(plan, *world.work(), found[0]);
            CHECK(finished.outcome == Outcome::succeeded);
            CHECK(finished.result.downtime_ms == 7u);
            REQUIRE(finished.result.release);
            CHECK(finished.result.release->number == 3);
        }
    }

    TEST_CASE("of what was undone the outcome tells nothing, also when a crash came in the middle"
    ) {
        World world;
        world.deliver();
        auto plan = world.plan();
        plan.steps[1].act = [](Work& work) -> Result<> {
            work.result.backup.emplace().id = "made";
            return {};
        };
        plan.steps[1].undo = [](Work& work) -> Result<> {
            work.result.backup.reset();
            return {};
        };
        world.fails = "c";
        auto interrupted = plan;
        interrupted.steps[0].undo = [](Work&) -> Result<> {
            throw store::StoreError(store::StoreError::Kind::io, "crash");
        };
        CHECK_THROWS((void)world.engine().run(interrupted, *world.work()));
        world.journal.open();
        auto found = world.journal->unfinished();
        REQUIRE(found.size() == 1);
        auto finished = world.engine().recover(plan, *world.work(), found[0]);
        CHECK(finished.outcome == Outcome::failed);
        CHECK_FALSE(finished.result.backup);
    }

    TEST_CASE("after a crash: undone before the last call, finished after it [X-DEP-01]") {
        // The crash is an exception of a kind that the engine does not turn into a failure, at
        // every record in turn.
        struct Crash : store::StoreError {
            Crash() : StoreError(Kind::io, "crash") {}
        };
        for (const std::string at : {"a", "b", "c", "keep"}) {
            CAPTURE(at);
            World world;
            world.deliver();
            auto plan = world.plan();
            for (auto& step : plan.steps)
                if (step.name == at) step.act = [](Work&) -> Result<> { throw Crash(); };
            CHECK_THROWS_AS((void)world.engine().run(plan, *world.work()), Crash);
            world.journal.open();
            world.acts.clear();
            auto found = world.journal->unfinished();
            REQUIRE(found.size() == 1);
            CHECK(found[0].operation.fence > 0); // what stands behind a later one knows it still
            auto finished = world.engine().recover(world.plan(), *world.work(), found[0]);
            if (at == "keep") {
                CHECK(finished.outcome == Outcome::succeeded);
                CHECK(finished.note == "finished after the agent restarted");
                CHECK(world.acts == Names{"keep"});
            } else {
                CHECK(finished.outcome == Outcome::failed);
                CHECK(finished.error->code == "interrupted");
                CHECK(finished.note == "undone after the agent restarted");
                CHECK(world.acts.back() == "settle");
                CHECK(world.acts.front() == "-" + at);
            }
            CHECK(world.journal->unfinished().empty());
        }
    }

    TEST_CASE(
        "a plan that another version of the agent began is recovered by the names of its steps"
    ) {
        // x is new before the step that was interrupted, or was there and is no more.
        auto with_x = [](World& world) {
            auto plan = world.plan();
            plan.steps.insert(plan.steps.begin() + 1, world.step("x"));
            return plan;
        };
        const auto crash = [](Work&) -> Result<> {
            throw store::StoreError(store::StoreError::Kind::io, "crash");
        };
        for (bool newer : {true, false}) {
            CAPTURE(newer);
            for (const std::string at : {"b", "c", "keep"}) {
                CAPTURE(at);
                World world;
                world.deliver();
                auto plan_of = [&](bool has_x) { return has_x ? with_x(world) : world.plan(); };
                auto old = plan_of(!newer);
                for (auto& step : old.steps)
                    if (step.name == at) step.act = crash;
                CHECK_THROWS((void)world.engine().run(old, *world.work()));
                if (at == "c") {
                    // The first undoing is interrupted as well.
                    auto again = plan_of(newer);
                    for (auto& step : again.steps)
                        if (step.name == "b") step.undo = crash;
                    world.journal.open();
                    CHECK_THROWS((void)world.engine().recover(
                        again, *world.work(), world.journal->unfinished().at(0)
                    ));
                }
                world.journal.open();
                world.acts.clear();
                auto finished = world.engine().recover(
                    plan_of(newer), *world.work(), world.journal->unfinished().at(0)
                );
                if (at == "keep") {
                    CHECK(finished.outcome == Outcome::succeeded);
                    CHECK(world.acts == Names{"keep"});
                } else {
                    CHECK(finished.error->code == "interrupted");
                    CHECK(world.acts == Names{"-b", "-a", "settle"});
                }
            }
        }
    }

    TEST_CASE("steps that were noted without a name are recovered by their positions") {
        World world;
        world.deliver();
        world.journal->set_state(op_id(1), "running");
        proto::StepReport step;
        step.index = 1;
        step.state = StepState::running;
        world.journal->step(op_id(1), step);
        (void)world.engine().recover(
            world.plan(), *world.work(), world.journal->unfinished().at(0)
        );
        CHECK(world.acts == Names{"-b", "settle"});
    }

    TEST_CASE("a crash during the undoing keeps the reason of the failure") {
        World world;
        world.fails = "c";
        world.deliver();
        auto plan = world.plan();
        plan.steps[1].undo = [](Work&) -> Result<> {
            throw store::StoreError(store::StoreError::Kind::io, "crash");
        };
        CHECK_THROWS_AS((void)world.engine().run(plan, *world.work()), store::StoreError);
        world.journal.open();
        world.acts.clear();
        auto found = world.journal->unfinished();
        REQUIRE(found.size() == 1);
        auto finished = world.engine().recover(world.plan(), *world.work(), found[0]);
        CHECK(finished.error->code == "it_broke");
        CHECK(finished.error->message == "c broke");
        // The step that failed is undone once more: it does no harm, and nobody has to know how far
        // it was.
        CHECK(world.acts == Names{"-c", "-b", "-a", "settle"});
    }

    TEST_CASE("what was accepted and not begun touches nothing after a crash") {
        World world;
        world.deliver();
        world.journal.open();
        auto finished =
            world.engine().recover(world.plan(), *world.work(), world.journal->unfinished().at(0));
        CHECK(finished.outcome == Outcome::failed);
        CHECK(finished.note == "not begun before the agent restarted");
        CHECK(world.acts.empty());
    }

    TEST_CASE("a plan that recovers by finishing goes on where it was") {
        World world;
        world.deliver();
        auto plan = world.plan();
        plan.recovery = Recovery::finish;
        plan.steps[1].act = [](Work&) -> Result<> {
            throw store::StoreError(store::StoreError::Kind::io, "crash");
        };
        CHECK_THROWS_AS((void)world.engine().run(plan, *world.work()), store::StoreError);
        world.journal.open();
        world.acts.clear();
        plan = world.plan();
        plan.recovery = Recovery::finish;
        CHECK(
            world.engine()
                .recover(plan, *world.work(), world.journal->unfinished().at(0))
                .outcome == Outcome::succeeded
        );
        CHECK(world.acts == Names{"b", "c", "keep"});
    }
}
