#include "../world/agent.hpp"
#include "controller/operations/repo.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using operations::State;

namespace {

State state_of(proto::Outcome outcome) {
    switch (outcome) {
    case proto::Outcome::succeeded:
        return State::succeeded;
    case proto::Outcome::failed:
        return State::failed;
    case proto::Outcome::cancelled:
        return State::cancelled;
    case proto::Outcome::expired:
        return State::expired;
    }
    return State::unknown;
}

/// A random life of one controller and one server. Whatever is lost, repeated, swapped or forgotten
/// on the way, the end is what the server's journal says, and nothing ran twice.
class Life {
public:
    explicit Life(unsigned seed)
        : random_(seed), server_(world_.add_server()), agent_(world_, server_) {
        copy_ = world_.folder.path() / "copy";
        world_.copy_to(copy_);
    }

    void live(int events) {
        for (int i = 0; i < events; ++i) event();
        agent_.settle();
        agent_.disconnect();
        agent_.settle();
    }

    void check() {
        operations::OperationFilter all;
        all.limit = 1000;
        auto rows = world_.core->store
                        .read([&](store::Connection& db) {
                            return operations::OperationRepo(db, world_.org).list(all);
                        })
                        .value();
        for (const auto& row : rows) {
            auto known = agent_.known.find(row.id.str());
            CAPTURE(row.id.str());
            CAPTURE(static_cast<int>(row.state));
            if (known == agent_.known.end()) {
                CHECK((row.state == State::cancelled || row.state == State::expired));
                continue;
            }
            CHECK(known->second.runs == 1);
            REQUIRE(known->second.finished);
            CHECK(row.state == state_of(known->second.finished->outcome));
        }
        for (const auto& [id, known] : agent_.known) CHECK(known.runs == 1);
    }

    std::size_t ran() const { return agent_.known.size(); }
    int restores = 0;

private:
    bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
    template <class Container>
    auto& any(Container& from) {
        return from[random_() % from.size()];
    }

    void create() {
        operations::NewOperation wanted;
        wanted.kind = proto::kind::ping;
        wanted.server = server_;
        wanted.target_name = "odoo-fra-1";
        wanted.args = "{}";
        auto made = world_.core->store.write([&](store::UnitOfWork& unit) {
            return world_.core->operations.create(unit, world_.org, {}, wanted);
        });
        REQUIRE(made);
        asked_.push_back(made->id);
    }

    void cancel() {
        if (asked_.empty()) return;
        // Refusals (over, or forgotten by a restore) are fine.
        (void)world_.core->store.write([&](store::UnitOfWork& unit) {
            return world_.core->operations.cancel(unit, world_.org, {}, any(asked_));
        });
    }

    void work() {
        auto open = agent_.unfinished();
        if (open.empty()) return;
        auto id = any(open);
        if (agent_.known.at(id).cancel)
            return agent_.finish(
                id, chance(80) ? proto::Outcome::cancelled : proto::Outcome::succeeded
            );
        if (chance(30)) return agent_.step(id, "fetch", proto::StepState::running);
        if (chance(30)) return agent_.log(id, "line");
        if (chance(50)) return agent_.finish(id, proto::Outcome::succeeded);
        agent_.finish(id, proto::Outcome::failed, {}, "migration_failed");
    }

    void event() {
        if (!agent_.connected()) {
            if (chance(50)) agent_.connect();
            if (chance(30)) create();
            if (chance(30)) work();
            if (chance(10)) cancel();
            return;
        }
        switch (random_() % 12) {
        case 0:
        case 1:
            return create();
        case 2:
            return agent_.fetch();
        case 3:
        case 4:
            return work();
        case 5: // out of order
            if (!agent_.inbox.empty()) agent_.take(random_() % agent_.inbox.size());
            return;
        case 6: // twice
            if (!agent_.inbox.empty()) agent_.inbox.push_back(any(agent_.inbox));
            return;
        case 7: { // a part of the reports, and the answer may be lost
            bool taken = agent_.report(1 + random_() % 5, chance(70));
            CAPTURE(agent_.refused ? agent_.refused->message() : "");
            REQUIRE(taken);
            return;
        }
        case 8:
            return cancel();
        case 9:
            if (chance(30)) agent_.disconnect();
            return;
        case 10:
            if (!chance(30)) return;
            world_.copy_to(temporary());
            std::filesystem::rename(temporary(), copy_);
            return;
        case 11:
            if (chance(15)) {
                ++restores;
                agent_.link.reset();
                agent_.inbox.clear();
                world_.restore(copy_);
            } else if (chance(20)) {
                agent_.link.reset();
                agent_.inbox.clear();
                world_.restart();
            } else if (chance(20)) {
                world_.clock.advance(20min);
                REQUIRE(world_.core->operations.tick());
            }
            return;
        }
    }

    std::filesystem::path temporary() { return world_.folder.path() / "copying"; }

    std::mt19937 random_;
    World world_;
    ServerId server_;
    Agent agent_;
    std::filesystem::path copy_;
    std::vector<OperationId> asked_;
};

} // namespace

TEST_SUITE("controller/operations/interleavings") {

    TEST_CASE("whatever is lost, repeated, swapped or forgotten, the end is the journal's and "
              "nothing runs twice") {
        std::size_t ran = 0;
        int restores = 0;
        for (unsigned seed = 1; seed <= 130; ++seed) {
            CAPTURE(seed);
            Life life(seed);
            life.live(150);
            life.check();
            ran += life.ran();
            restores += life.restores;
        }
        MESSAGE(ran, " operations ran, ", restores, " times a controller forgot");
        CHECK(ran > 1500);
        CHECK(restores > 100);
    }
}
