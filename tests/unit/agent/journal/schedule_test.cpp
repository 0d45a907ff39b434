/// Random schedules of everything that can happen between controller and executor. Whatever the
/// order: an operation takes effect at most once, reports have no gaps, and the last thing told
/// about an operation is true.
#include "support.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>

using namespace fairlead;
using namespace fairlead::journal;

namespace {

struct Crash : store::StoreError {
    Crash() : StoreError(Kind::io, "crash") {}
};

/// The server and a controller that may forget what it had delivered.
class Model {
public:
    explicit Model(unsigned seed) : random_(seed), journal_(Limits{.operations = 12}) {}

    void turn() {
        switch (pick(8)) {
        case 0:
        case 1:
            deliver(next_++);
            break;
        case 2:
            if (next_ > 1) deliver(1 + pick(next_ - 1));
            break;
        case 3:
            journal_->deliver(operation(500 + next_, 1 + pick(next_)), "");
            break;
        case 4:
            if (next_ > 1) journal_->query(op_id(1 + pick(next_ - 1)));
            break;
        case 5:
            if (next_ > 1) journal_->cancel(op_id(1 + pick(next_ - 1)));
            break;
        case 6:
            receive();
            break;
        case 7:
            crash();
            break;
        }
    }

    void settle() {
        crash();
        receive();
        for (const auto& effect : effects_) {
            const auto& id = effect.first; // doctest captures by lambda: no structured binding
            int count = effect.second;
            CAPTURE(id);
            CHECK(count <= 1);
            // Told as succeeded exactly when the effect is there.
            CHECK((told_[id].outcome == proto::Outcome::succeeded) == (count == 1));
        }
        CHECK(gaps_ == 0);
    }

private:
    unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

    Plan plan(const std::string& id) {
        Plan plan;
        auto crash_here = [this] {
            if (pick(6) == 0) throw Crash();
        };
        Step first;
        first.name = first.title = "apply";
        first.act = [=, this](Work&) -> Result<> {
            crash_here();
            ++applied_[id];
            crash_here();
            if (pick(5) == 0) return fail(Errc::internal, "no luck");
            return {};
        };
        first.undo = [=, this](Work&) -> Result<> {
            crash_here();
            applied_[id] = 0;
            return {};
        };
        Step last;
        last.name = last.title = "keep";
        last.last_call = true;
        last.act = [=, this](Work&) -> Result<> {
            crash_here();
            if (applied_[id] > 0) {
                ++effects_[id];
                applied_[id] = 0;
            }
            return {};
        };
        plan.steps = {first, last};
        return plan;
    }

    void deliver(unsigned number) {
        auto op = operation(number, number);
        effects_.try_emplace(op.id, 0);
        if (journal_->deliver(op, "") != Delivered::fresh) return;
        if (pick(4) == 0) return; // accepted; the crash or the end of the test finds it
        try {
            Work work(*journal_, journal_.clock, op, {});
            Engine(*journal_, [](auto) {}).run(plan(op.id), work);
        } catch (const Crash&) {
            crash();
        }
    }

    void crash() {
        for (bool again = true; again;) {
            again = false;
            journal_.open();
            for (auto& found : journal_->unfinished()) {
                try {
                    Work work(*journal_, journal_.clock, found.operation, {});
                    Engine(*journal_, [](auto) {}).recover(plan(found.operation.id), work, found);
                } catch (const Crash&) {
                    again = true;
                    break;
                }
            }
        }
    }

    void receive() {
        for (auto& report : all_reports(*journal_)) {
            if (report.seq > seen_ + 1) ++gaps_;
            seen_ = std::max(seen_, report.seq);
            // "I have forgotten it" is no news about what became of it.
            auto code =
                report.finished && report.finished->error ? report.finished->error->code : "";
            if (told_.contains(report.operation) &&
                (code == "fence_stale" || code == "journal_unknown"))
                continue;
            if (report.finished) told_[report.operation] = *report.finished;
        }
        if (pick(3) > 0) journal_->acknowledge(seen_);
    }

    std::mt19937 random_;
    JournalFile journal_;
    unsigned next_ = 1;
    std::map<std::string, int> effects_, applied_;
    std::map<std::string, proto::Finished> told_;
    std::uint64_t seen_ = 0;
    int gaps_ = 0;
};

} // namespace

TEST_SUITE("agent/journal/schedule") {

    TEST_CASE("whatever is delivered, doubled, reordered, cancelled, acknowledged or crashed takes "
              "effect once [X-OPS-02]") {
        for (unsigned seed = 1; seed <= 40; ++seed) {
            CAPTURE(seed);
            Model model(seed);
            for (int i = 0; i < 60; ++i) model.turn();
            model.settle();
        }
    }
}
