/// Runs the steps of an operation so that a crash at any point can be finished or undone.
#pragma once

#include "agent/journal/work.hpp"

#include <functional>
#include <string>
#include <vector>

namespace fairlead::journal {

/// One step. `act` and `undo` may be called again after a crash in their middle, and then reach the
/// same end; what `undo` must know, `act` remembers before it acts.
struct Step {
    std::string name;  ///< "fetch"; once in a plan, and the same in every version of the agent
    std::string title; ///< "Fetch the repositories"
    std::function<Result<>(Work&)> act;
    std::function<Result<>(Work&)> undo = {}; ///< empty: there is nothing to take back
    std::function<bool(Work&)> needed = {};   ///< false: skipped
    bool last_call = false; ///< from this step on there is only forward: no cancel, no undo
};

/// What to do with a plan that a crash interrupted before its last call.
enum class Recovery { undo, finish };

struct Plan {
    std::vector<Step> steps;
    Recovery recovery = Recovery::undo;
    /// Steps change nothing, ask nobody and take no time: what they say may stand in the journal
    /// together with the end, and after a crash they are taken again.
    bool touches_nothing = false;
    /// After everything is undone, and again after a crash in it: bring back what ran before.
    std::function<Result<>(Work&)> settle = {};
};

/// Waits between tries of an undo or of a step that can only go forward; injected so that tests do
/// not wait.
using Pause = std::function<void(std::chrono::milliseconds)>;

class Engine {
public:
    Engine(Journal& journal, Pause pause) : journal_(journal), pause_(std::move(pause)) {}

    /// From the start to the end; the journal has the outcome when this returns.
    proto::Finished run(const Plan& plan, Work& work);

    /// After a crash: finishes or undoes, and says which in the note.
    proto::Finished recover(const Plan& plan, Work& work, const Unfinished& found);

private:
    proto::Finished
    forward(const Plan& plan, Work& work, std::vector<proto::StepState> states, std::string note);
    proto::Finished back(
        const Plan& plan, Work& work, const std::vector<proto::StepState>& states,
        proto::Finished outcome
    );
    /// The states that a crash left; steps of another version's plan are found by their names.
    std::vector<proto::StepState> resume(const Plan& plan, Work& work, const Unfinished& found);
    Result<> persist(Work& work, std::string_view what, const std::function<Result<>(Work&)>& act);
    /// Notes the end of a step together with what was found out by then: after a crash the outcome
    /// tells it though the step is not taken again.
    void done_with(Work& work);
    proto::Finished finish(Work& work, proto::Finished outcome);
    void begin(const Plan& plan, Work& work, std::size_t index);

    Journal& journal_;
    Pause pause_;
};

} // namespace fairlead::journal
