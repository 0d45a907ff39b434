#include "agent/journal/engine.hpp"

#include "proto/codec.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

namespace fairlead::journal {
namespace {

using proto::LogLevel;
using proto::Outcome;
using proto::StepState;
using namespace std::chrono_literals;

/// OperationResult as JSON: what the steps that are over found out.
constexpr auto result_fact = "engine.result";

constexpr int tries = 10; // 1, 2, 4, … 60 s: about five minutes in all

proto::Finished failure(const Work& work, const Error& error, std::string step) {
    proto::Finished finished;
    finished.outcome = error.code() == "cancelled" ? Outcome::cancelled : Outcome::failed;
    finished.error = proto::OperationError{
        error.code().empty() ? "failed" : error.code(), work.redact(error.message()),
        std::move(step)};
    return finished;
}

/// What a step throws is a failure of that step; only a broken journal ends the process, because
/// then nothing that happens could be remembered.
Result<> guarded(const std::function<Result<>(Work&)>& act, Work& work) {
    try {
        return act(work);
    } catch (const store::StoreError&) {
        throw;
    } catch (const std::exception& error) {
        return fail(Errc::internal, fmt::format("Unexpected: {}.", error.what()));
    }
}

/// Nothing: the plan has no such step any more.
std::optional<std::size_t> index_of(const Plan& plan, const proto::StepReport& noted) {
    auto fits = [&](const Step& step) { return noted.name.empty() || step.name == noted.name; };
    if (noted.index < plan.steps.size() && fits(plan.steps[noted.index])) return noted.index;
    auto at = std::ranges::find_if(plan.steps, fits);
    if (noted.name.empty() || at == plan.steps.end()) return std::nullopt;
    return static_cast<std::size_t>(at - plan.steps.begin());
}

Error cancelled() {
    return Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled");
}

} // namespace

void Engine::begin(const Plan& plan, Work& work, std::size_t index) {
    proto::StepReport report;
    report.index = static_cast<std::uint32_t>(index);
    report.count = static_cast<std::uint32_t>(plan.steps.size());
    report.name = plan.steps[index].name;
    report.title = plan.steps[index].title;
    report.state = StepState::running;
    work.begin_step(report);
}

proto::Finished Engine::run(const Plan& plan, Work& work) {
    journal_.set_state(work.id(), "running");
    return forward(plan, work, std::vector(plan.steps.size(), StepState::pending), {});
}

proto::Finished
Engine::forward(const Plan& plan, Work& work, std::vector<StepState> states, std::string note) {
    bool last_call = false;
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        const auto& step = plan.steps[i];
        last_call = last_call || step.last_call;
        if (states[i] == StepState::done || states[i] == StepState::skipped) continue;
        if (work.stopping() && !last_call)
            return back(plan, work, states, failure(work, cancelled(), step.name));
        begin(plan, work, i);
        if (step.needed && !step.needed(work)) {
            work.end_step(StepState::skipped);
            states[i] = StepState::skipped;
            continue;
        }
        auto done = last_call ? persist(work, step.title, step.act) : guarded(step.act, work);
        if (!done) {
            const auto& error = done.error();
            work.log(LogLevel::error, error.message());
            work.end_step(StepState::failed, error.message());
            states[i] = StepState::failed;
            if (last_call) {
                auto finished = failure(work, error, step.name);
                finished.note = "could not be finished and cannot be undone any more";
                return finish(work, std::move(finished));
            }
            // A cancel that arrived in the middle of a step shows as that step's failure.
            return back(
                plan, work, states, failure(work, work.stopping() ? cancelled() : error, step.name)
            );
        }
        done_with(work);
        states[i] = StepState::done;
    }
    proto::Finished finished;
    finished.outcome = Outcome::succeeded;
    finished.note = std::move(note);
    return finish(work, std::move(finished));
}

proto::Finished Engine::back(
    const Plan& plan, Work& work, const std::vector<StepState>& states, proto::Finished outcome
) {
    if (journal_.make_room())
        work.warn("The disk is nearly full: what was held back for undoing is given free.");
    // The reason must survive a crash during the undoing.
    work.remember(
        "engine.outcome",
        std::string_view(outcome.outcome == Outcome::cancelled ? "cancelled" : "failed")
    );
    if (outcome.error) {
        work.remember("engine.code", outcome.error->code);
        work.remember("engine.message", outcome.error->message);
        work.remember("engine.step", outcome.error->step);
    }
    journal_.set_state(work.id(), "undoing");
    std::string trouble;
    bool touched = false;
    for (std::size_t i = plan.steps.size(); i-- > 0;) {
        if (states[i] == StepState::pending || states[i] == StepState::skipped ||
            states[i] == StepState::undone)
            continue;
        if (!plan.steps[i].undo) continue;
        touched = true;
        begin(plan, work, i);
        auto undone = persist(work, "Undo: " + plan.steps[i].title, plan.steps[i].undo);
        if (!undone && trouble.empty()) trouble = undone.error().message();
        // The step that failed keeps that state for the reader, however well its traces were
        // removed.
        if (!undone)
            work.end_step(StepState::failed, undone.error().message());
        else if (states[i] == StepState::failed)
            work.end_step(StepState::failed, outcome.error ? outcome.error->message : "");
        else
            work.end_step(StepState::undone);
    }
    if (plan.settle) {
        work.leave_steps();
        auto settled = persist(work, "Bring back what ran before", plan.settle);
        if (!settled && trouble.empty()) trouble = settled.error().message();
    }
    if (!trouble.empty()) {
        outcome.outcome = Outcome::failed;
        outcome.error = proto::OperationError{
            "undo_failed",
            work.redact(fmt::format(
                "{} And undoing it failed: {}", outcome.error ? outcome.error->message : "", trouble
            )),
            outcome.error ? outcome.error->step : ""};
    } else if (outcome.note.empty() && touched) {
        outcome.note = "undone";
    }
    return finish(work, std::move(outcome));
}

Result<>
Engine::persist(Work& work, std::string_view what, const std::function<Result<>(Work&)>& act) {
    auto wait = std::chrono::milliseconds(1s);
    for (int i = 1;; ++i) {
        auto done = guarded(act, work);
        if (done || i == tries) return done;
        work.warn(fmt::format(
            "{}: {} Trying again in {} s.", what, done.error().message(), wait.count() / 1000
        ));
        work.flush(true);
        pause_(wait);
        wait = std::min<std::chrono::milliseconds>(wait * 2, 60s);
    }
}

std::vector<StepState> Engine::resume(const Plan& plan, Work& work, const Unfinished& found) {
    std::vector states(plan.steps.size(), StepState::pending);
    std::vector<proto::StepReport> known;
    std::size_t past = 0;
    bool moved = false;
    for (auto step : found.steps) {
        auto index = index_of(plan, step);
        if (!index) {
            work.warn(fmt::format(
                "The step \"{}\" was begun by another version of the agent; this one knows no such "
                "step and leaves what it did.",
                step.name
            ));
            continue;
        }
        states[*index] = step.state;
        past = std::max(past, *index);
        moved = moved || *index != step.index;
        step.index = static_cast<std::uint32_t>(*index);
        step.count = static_cast<std::uint32_t>(plan.steps.size());
        known.push_back(std::move(step));
    }
    // What that version did not have there was not needed to come this far.
    for (std::size_t i = 0; i < past; ++i)
        if (states[i] == StepState::pending) states[i] = StepState::skipped;
    // At their old positions they would be written over by others.
    if (moved)
        journal_.together([&] {
            journal_.forget_steps(work.id());
            for (const auto& step : known) journal_.step(work.id(), step);
        });
    return states;
}

proto::Finished Engine::recover(const Plan& plan, Work& work, const Unfinished& found) {
    auto states = resume(plan, work, found);
    bool begun = !found.steps.empty(), last_call = false;
    for (std::size_t i = 0; i < states.size(); ++i)
        last_call = last_call || (states[i] != StepState::pending && plan.steps[i].last_call);
    if (found.state == "undoing" || (!last_call && begun && plan.recovery == Recovery::undo)) {
        proto::Finished outcome;
        auto code = work.recall("engine.code");
        outcome.outcome = work.recall("engine.outcome") == "cancelled" || (!code && found.cancel)
                              ? Outcome::cancelled
                              : Outcome::failed;
        outcome.error = proto::OperationError{
            code.value_or(found.cancel ? "cancelled" : "interrupted"),
            work.recall("engine.message")
                .value_or("The agent was interrupted in the middle of this operation."),
            work.recall("engine.step")
                .value_or(found.steps.empty() ? "" : found.steps.back().name)};
        outcome.note = "undone after the agent restarted";
        work.warn("The agent restarted in the middle of this operation: undoing it.");
        return back(plan, work, states, std::move(outcome));
    }
    if (!begun && (plan.recovery == Recovery::undo || found.cancel)) {
        proto::Finished outcome;
        outcome.outcome = found.cancel ? Outcome::cancelled : Outcome::failed;
        outcome.error = proto::OperationError{
            found.cancel ? "cancelled" : "interrupted",
            "The agent restarted before this operation began; nothing was touched.",
            {}};
        outcome.note = "not begun before the agent restarted";
        return finish(work, std::move(outcome));
    }
    if (auto text = work.recall(result_fact))
        if (auto result = proto::read_text<proto::OperationResult>(*text))
            work.result = *std::move(result);
    work.warn("The agent restarted in the middle of this operation: finishing it.");
    return forward(plan, work, std::move(states), "finished after the agent restarted");
}

void Engine::done_with(Work& work) {
    work.flush(true);
    auto found_out = proto::write_text(work.result);
    bool news = found_out != work.recall(result_fact); // together() may run what it is given twice
    journal_.together([&] {
        if (news) work.remember(result_fact, found_out);
        work.end_step(StepState::done);
    });
}

proto::Finished Engine::finish(Work& work, proto::Finished outcome) {
    work.flush(true);
    outcome.result = work.result;
    journal_.finish(work.id(), outcome);
    return outcome;
}

} // namespace fairlead::journal
