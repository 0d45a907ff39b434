#include "agent/executor/executor.hpp"

#include "common/runtime/log.hpp"
#include "common/runtime/utf8.hpp"

#include <unistd.h>

#include <algorithm>

namespace fairlead::executor {
namespace {

constexpr auto leaving_time = std::chrono::milliseconds(500);

proto::OperationError as_error(const Error& error) {
    return {error.code().empty() ? "invalid" : error.code(), error.message(), {}};
}

journal::Pause pause_of(const Options& options) {
    if (options.pause) return options.pause;
    return [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); };
}

} // namespace

Executor::Executor(
    journal::Journal& journal, PolicySource policy, PlanMaker plans, const Clock& clock,
    std::function<void()> on_change, Options options
)
    : journal_(journal), policy_(std::move(policy)), plans_(std::move(plans)), clock_(clock),
      on_change_(std::move(on_change)), options_(std::move(options)),
      engine_(journal, pause_of(options_)) {}

Executor::~Executor() {
    wait_until_idle();
    tick();
}

void Executor::recover() {
    std::lock_guard lock(mutex_);
    for (auto& found : journal_.unfinished()) {
        Run run;
        run.operation = found.operation;
        run.slugs = policy::slugs_of(found.operation);
        run.found = std::move(found);
        waiting_.push_back(std::move(run));
    }
    if (!waiting_.empty())
        log::warning("recovering operations that were interrupted", {{"count", waiting_.size()}});
    start_what_can();
}

void Executor::deliver(proto::Operation operation) {
    auto refuse = [&](const proto::OperationError& error) {
        auto delivered = journal_.refuse(operation, error);
        if (delivered == journal::Delivered::fresh)
            log::warning(
                "operation refused",
                {{"operation", operation.id}, {"code", error.code}, {"why", error.message}}
            );
    };
    // The id is what the journal is keyed by; without a good one there is nothing to answer to.
    if (auto good = policy::check_id(operation.id, "op_"); !good)
        return log::error(
            "a delivery without a usable id was dropped", {{"why", good.error().message()}}
        );
    operation.requested_by.resize(utf8::cut(operation.requested_by, 200).size());
    auto policy = policy_();
    if (!policy) return refuse({"policy_refused", policy.error().message(), {}});
    if (auto permitted = policy->permit(operation); !permitted)
        return refuse(as_error(permitted.error()));
    auto slug = policy::slug_of(operation);
    Result<journal::Plan> plan = fail(Errc::invalid, "Its plan is made when it is its turn.");
    if (slug.empty()) plan = plans_(operation);
    bool at_once = plan && plan->touches_nothing;

    std::unique_lock lock(mutex_);
    // Not taken, and so brought again: what would wait here would not outlive the update, and what
    // ran would be cut off by it. The update itself may be asked about.
    if (updating() && !at_once && operation.kind != proto::kind::agent_update)
        return log::info(
            "an operation waits until the agent is updated", {{"operation", operation.id}}
        );
    bool update = operation.kind == proto::kind::agent_update && !updating();
    // One whose end the controller has heard of may be here for a moment yet.
    if (update && waiting_.empty())
        changed_.wait_for(lock, leaving_time, [this] { return running_count() == 0; });
    // It would wait for these, and all that comes later for it: a backup takes hours.
    auto others = running_count() + waiting_.size();
    if (update && others > 0)
        return refuse(
            {"agent_busy",
             std::to_string(others) +
                 " operations run or wait on this server, and an update would hold up what comes "
                 "after them; ask again when they are done.",
             {}}
        );
    if (waiting_.size() >= options_.waiting)
        return refuse(
            {"agent_busy",
             "The server has " + std::to_string(waiting_.size()) +
                 " operations waiting already; ask again when some are done.",
             {}}
        );
    auto delivered = at_once ? answer(operation, *plan) : journal_.deliver(operation, slug);
    if (delivered == journal::Delivered::full)
        log::error(
            "an operation was not taken: too many reports wait for the controller",
            {{"operation", operation.id}}
        );
    if (delivered == journal::Delivered::known) inventory_changed_ = true; // as for a query
    if (delivered != journal::Delivered::fresh) return;
    log::info(
        "operation accepted", {{"operation", operation.id},
                               {"kind", operation.kind},
                               {"environment", slug},
                               {"requested_by", operation.requested_by}}
    );
    if (!at_once) wait_its_turn(std::move(operation));
}

void Executor::wait_its_turn(proto::Operation operation) {
    Run run;
    run.slugs = policy::slugs_of(operation);
    run.operation = std::move(operation);
    waiting_.push_back(std::move(run));
    start_what_can();
}

std::size_t Executor::running_count() const {
    return static_cast<std::size_t>(std::ranges::count_if(running_, [](const Run& run) {
        return !run.ended;
    }));
}

bool Executor::updating() const {
    auto alone = [](const Run& run) { return run.alone() && !run.ended; };
    return std::ranges::any_of(running_, alone) || std::ranges::any_of(waiting_, alone);
}

bool Executor::begin(proto::Operation operation, const proto::Born& born) {
    auto policy = policy_();
    auto permitted = policy ? policy->permit(operation) : Result<>(fail(policy.error()));
    if (!permitted) {
        log::warning(
            "an operation of this server's own was refused",
            {{"kind", operation.kind}, {"why", permitted.error().message()}}
        );
        return journal_.refuse(operation, as_error(permitted.error()), born) !=
               journal::Delivered::full;
    }
    auto slug = policy::slug_of(operation);
    std::lock_guard lock(mutex_);
    if (updating() || waiting_.size() >= options_.waiting) return false;
    auto begun = journal_.begin(operation, slug, born);
    if (begun != journal::Delivered::fresh) return begun == journal::Delivered::known;
    log::info(
        "operation begun by this server", {{"operation", operation.id},
                                           {"kind", operation.kind},
                                           {"environment", slug},
                                           {"requested_by", operation.requested_by}}
    );
    wait_its_turn(std::move(operation));
    return true;
}

/// From taking it in to its end in one commit: it need not wait for others, nor others for it.
journal::Delivered Executor::answer(const proto::Operation& operation, const journal::Plan& plan) {
    auto delivered = journal::Delivered::full;
    journal_.together([&] {
        delivered = journal_.deliver(operation, "");
        if (delivered != journal::Delivered::fresh) return;
        journal::Work work(journal_, clock_, operation, journal::Redactor(operation.secrets));
        engine_.run(plan, work);
    });
    return delivered;
}

void Executor::query(const std::string& id) {
    journal_.query(id);
    // Others may have followed on the one that is told again: what is there now is told as well.
    std::lock_guard lock(mutex_);
    inventory_changed_ = true;
}

void Executor::cancel(const std::string& id) {
    if (!journal_.cancel(id)) return;
    std::lock_guard lock(mutex_);
    for (auto& run : running_)
        if (run.operation.id == id && run.work) run.work->request_stop();
    for (auto& run : waiting_)
        if (run.operation.id == id) run.cancelled = true;
}

void Executor::start_what_can() {
    auto among = [](const std::vector<std::string>& slugs, const std::string& slug) {
        return std::ranges::find(slugs, slug) != slugs.end();
    };
    auto busy = [&](const std::string& slug) {
        return std::ranges::any_of(running_, [&](const Run& run) {
            return !run.ended && among(run.slugs, slug);
        });
    };
    // What a crash interrupted comes first: nothing new begins beside it.
    bool recovering =
        std::ranges::any_of(running_, [](const Run& run) { return !run.ended && run.found; }) ||
        std::ranges::any_of(waiting_, [](const Run& run) { return run.found.has_value(); });
    std::set<std::string> passed; // the order within an environment stays
    auto alone = [](const Run& run) { return !run.ended && run.alone(); };
    for (auto it = waiting_.begin(); it != waiting_.end() && running_count() < options_.at_once;) {
        bool may = std::ranges::none_of(it->slugs, [&](const std::string& slug) {
            return busy(slug) || passed.contains(slug);
        });
        may = may && std::ranges::none_of(running_, alone);
        if (it->alone()) may = running_count() == 0 && it == waiting_.begin();
        if (!may || (recovering && !it->found)) {
            passed.insert(it->slugs.begin(), it->slugs.end());
            ++it;
            continue;
        }
        running_.push_back(std::move(*it));
        it = waiting_.erase(it);
        start(running_.back());
    }
}

void Executor::start(Run& run) {
    journal::Redactor redactor(run.operation.secrets);
    run.work = std::make_unique<journal::Work>(
        journal_, clock_, std::move(run.operation), std::move(redactor)
    );
    run.operation.id = run.work->id();
    run.operation.kind = run.work->operation().kind;
    run.operation.secrets.clear();
    if (run.cancelled) run.work->request_stop();
    run.thread = std::thread([this, &run] { run_one(run); });
}

void Executor::run_one(Run& run) {
    try {
        auto plan = plans_(run.work->operation());
        proto::Finished finished;
        if (!plan) {
            finished.error = as_error(plan.error());
            journal_.finish(run.work->id(), finished);
        } else if (run.found) {
            finished = engine_.recover(*plan, *run.work, *run.found);
        } else {
            finished = engine_.run(*plan, *run.work);
        }
        log::info(
            "operation finished",
            {{"operation", run.work->id()},
             {"error", finished.error ? finished.error->message : std::string("none")},
             {"note", finished.note}}
        );
    } catch (const std::exception& error) {
        // Nothing that happens now could be remembered: end, and let the next start recover.
        log::error("the journal cannot be written; ending", {{"why", error.what()}});
        ::_exit(70);
    }
    end(run);
}

void Executor::end(Run& run) {
    {
        std::lock_guard lock(mutex_);
        run.ended = true;
        if (run.alone()) update_ended_ = true;
        bool changes = !run.slugs.empty() && run.operation.kind != proto::kind::preflight;
        if (changes || run.operation.kind == proto::kind::ssh_keys) inventory_changed_ = true;
        start_what_can();
        changed_.notify_all();
    }
    on_change_();
}

void Executor::tick() {
    std::list<Run> ended;
    {
        std::lock_guard lock(mutex_);
        for (auto it = running_.begin(); it != running_.end();) {
            auto next = std::next(it);
            if (it->ended)
                ended.splice(ended.end(), running_, it);
            else if (it->work)
                it->work->flush(false);
            it = next;
        }
    }
    for (auto& run : ended) run.thread.join();
}

bool Executor::idle() {
    std::lock_guard lock(mutex_);
    return waiting_.empty() &&
           std::ranges::all_of(running_, [](const Run& run) { return run.ended; });
}

void Executor::wait_until_idle() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
        return waiting_.empty() &&
               std::ranges::all_of(running_, [](const Run& run) { return run.ended; });
    });
}

bool Executor::take_update_ended() {
    std::lock_guard lock(mutex_);
    return std::exchange(update_ended_, false);
}

bool Executor::take_inventory_changed() {
    std::lock_guard lock(mutex_);
    return std::exchange(inventory_changed_, false);
}

} // namespace fairlead::executor
