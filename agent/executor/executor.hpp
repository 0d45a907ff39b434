/// Takes operations in, holds them against the policy, and runs them: up to four at once, one per
/// environment. The agent's own update runs alone.
#pragma once

#include "agent/journal/engine.hpp"
#include "agent/policy/policy.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

namespace fairlead::executor {

/// The steps of an operation, also for one that is found unfinished (then without secrets).
using PlanMaker = std::function<Result<journal::Plan>(const proto::Operation&)>;

/// The policy as it is now: asked for each operation, so that a change of the file needs no
/// restart.
using PolicySource = std::function<Result<policy::Policy>()>;

struct Options {
    std::size_t at_once = 4;
    std::size_t waiting =
        64;               ///< accepted and not begun; above it a delivery fails with "agent_busy"
    journal::Pause pause; ///< between tries; empty: really waits
};

/// Called from the socket's thread; operations run on threads of their own. `on_change` is called
/// from any thread when there is a report to send or a run has ended.
class Executor {
public:
    Executor(
        journal::Journal& journal, PolicySource policy, PlanMaker plans, const Clock& clock,
        std::function<void()> on_change, Options options = {}
    );
    /// Waits for what runs.
    ~Executor();

    /// Finishes or undoes what the journal has unfinished, on a thread; what is delivered meanwhile
    /// waits.
    void recover();

    void deliver(proto::Operation operation);
    /// An operation that this server asks for itself, held against the policy like any other; its
    /// id is new. False: it was not taken, and should be tried again later.
    bool begin(proto::Operation operation, const proto::Born& born);
    void cancel(const std::string& id);
    void query(const std::string& id);
    void acknowledge(std::uint64_t seq) { journal_.acknowledge(seq); }

    /// Writes log lines that waited long enough, joins threads that ended. Call at least every 200
    /// ms while busy.
    void tick();

    /// Nothing runs and nothing waits.
    bool idle();
    void wait_until_idle();

    /// True once after an operation that may have changed what the inventory tells.
    bool take_inventory_changed();
    /// True once after an update of the agent, during which `begin` took nothing.
    bool take_update_ended();

private:
    struct Run {
        bool alone() const { return operation.kind == proto::kind::agent_update; }

        proto::Operation operation;
        std::vector<std::string> slugs;      ///< no other run has one of them
        std::unique_ptr<journal::Work> work; ///< null until it runs
        std::optional<journal::Unfinished> found;
        bool cancelled = false;
        bool ended = false;
        std::thread thread;
    };

    void wait_its_turn(proto::Operation operation);
    bool updating() const;
    std::size_t running_count() const;
    journal::Delivered answer(const proto::Operation& operation, const journal::Plan& plan);
    void start_what_can();
    void start(Run& run);
    void run_one(Run& run);
    void end(Run& run);

    journal::Journal& journal_;
    PolicySource policy_;
    PlanMaker plans_;
    const Clock& clock_;
    std::function<void()> on_change_;
    Options options_;
    journal::Engine engine_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::list<Run> running_;
    std::deque<Run> waiting_;
    bool inventory_changed_ = false;
    bool update_ended_ = false;
};

} // namespace fairlead::executor
