/// One running operation, as its steps see it.
#pragma once

#include "agent/journal/journal.hpp"
#include "agent/journal/redactor.hpp"

#include <chrono>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace fairlead::journal {

/// Log, progress, facts and the wish to stop. Everything goes to the journal, redacted. Used by the
/// thread that runs the operation; only `flush` and `request_stop` may be called from another one.
class Work {
public:
    Work(Journal& journal, const Clock& clock, proto::Operation operation, Redactor redactor);
    ~Work();
    Work(const Work&) = delete;

    const std::string& id() const { return operation_.id; }
    const proto::Operation& operation() const { return operation_; }
    std::string redact(std::string_view text) const { return redactor_.clean(text); }

    void log(proto::LogLevel level, std::string_view text);
    void info(std::string_view text) { log(proto::LogLevel::info, text); }
    void warn(std::string_view text) { log(proto::LogLevel::warning, text); }

    /// Of the current step, 0 to 100. Told at most twice a second, and a new detail alone every 5
    /// s.
    void progress(std::uint32_t percent, std::string_view detail = {});

    /// A value of Operation::secrets; not there after a restart.
    std::optional<std::string> secret(const std::string& name) const;

    /// Durable before it returns. Names are the plan's own.
    void remember(const std::string& name, std::string_view value);
    void remember(const std::string& name, bool value) {
        remember(name, std::string_view(value ? "yes" : "no"));
    }
    std::optional<std::string> recall(const std::string& name) const;
    bool recall_yes(const std::string& name) const { return recall(name) == "yes"; }

    void request_stop() { stop_.request_stop(); }
    bool stopping() const { return stop_.stop_requested(); }
    std::stop_token stop() const { return stop_.get_token(); }

    /// Writes collected log lines when they are older than 200 ms, or at once.
    void flush(bool now);

    /// What the finished operation hands back.
    proto::OperationResult result;

private:
    friend class Engine;
    void begin_step(const proto::StepReport& step);
    void end_step(proto::StepState state, std::string_view detail = {});
    /// What is logged from now on belongs to no step.
    void leave_steps();

    using Steady = std::chrono::steady_clock;
    Journal& journal_;
    const Clock& clock_;
    proto::Operation operation_;
    Redactor redactor_;
    std::map<std::string, std::string> facts_;
    proto::StepReport step_;
    bool in_step_ = false;
    Steady::time_point told_{};
    std::stop_source stop_;

    std::mutex lines_mutex_;
    std::vector<proto::LogLine> lines_;
    Steady::time_point oldest_{};
};

} // namespace fairlead::journal
