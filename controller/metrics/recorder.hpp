/// Takes what servers measure into the store and into memory.
#pragma once

#include "controller/fleet/measure_watch.hpp"
#include "controller/metrics/newest.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

namespace fairlead::metrics {

/// Thread-safe; runs in other subjects' transactions. Hand it to AgentService::use.
class Recorder final : public fleet::MeasureWatch {
public:
    /// `every`: how often agents tell.
    explicit Recorder(store::Store& store, std::chrono::seconds every = std::chrono::seconds(30))
        : store_(store), newest_(every) {}

    Result<> measured(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server, Timestamp at,
        const proto::Facts& facts
    ) override;
    Result<>
    gone(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server) override;
    /// An environment's row goes.
    static Result<>
    gone(store::UnitOfWork& unit, const api::OrgScope& scope, const EnvironmentId& environment);

    /// Now and then: drops what is too old of those that are not measured any more.
    Result<> tidy(Timestamp now);

    const NewestOfAll& newest() const { return newest_; }
    /// Points taken since the start.
    std::uint64_t samples() const { return samples_; }

private:
    Result<>
    keep(store::UnitOfWork& unit, const api::OrgScope& scope, std::string subject, Newest newest);

    store::Store& store_;
    NewestOfAll newest_;
    std::atomic<std::uint64_t> samples_ = 0;
};

/// What is kept of a server, by what it told now and the time before.
Values server_values(const proto::Facts& facts, const Newest* before, const Newest& now);
/// The same of an environment; `state` is the server's word for it, "" where it has none.
Values environment_values(std::string_view state, const Newest* before, const Newest& now);

} // namespace fairlead::metrics
