/// What is measured beside the facts: the host's own counters here, and PostgreSQL and environments
/// by a process that may ask them, which lives for the moment of the question alone.
#pragma once

#include "common/async/task.hpp"
#include "common/runtime/result.hpp"
#include "proto/messages.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace fairlead::link {

inline constexpr const char* default_metrics_socket = "/run/fairlead/metrics.sock";

/// True for an interface that is a device, and no bridge, bond or VLAN over one.
bool is_device(std::string_view interface);
/// Bytes in and out as /proc/net/dev lists them: of all devices, so that nothing counts twice;
/// where there is none, as in a container, of all but the loopback.
void take_network(
    std::string_view text, proto::MeasuredValues& values,
    const std::function<bool(std::string_view)>& device = &is_device
);
void take_swap(std::string_view meminfo, proto::MeasuredValues& values);

/// What costs more is asked for every tenth time, and told again between.
class Deep {
public:
    bool due() const { return rounds_ == 0; }
    /// Keeps what is new of it, puts in what is not; counts the round.
    void complete(proto::Measures& measures);
    /// It took too long: the next one is asked for later.
    void pass() { rounds_ = 1; }

private:
    unsigned rounds_ = 0;
    proto::MeasuredValues server_;
    std::map<std::string, proto::MeasuredValues> environments_;
};

/// Outlives links. One call at a time.
class Measuring {
public:
    Measuring(Executor executor, std::string socket)
        : executor_(std::move(executor)), socket_(std::move(socket)) {}

    /// `ask_too`: there is a PostgreSQL, or an environment. Without an answer the host's own
    /// numbers come alone; why is logged once.
    Task<proto::Measures> take(bool ask_too);

private:
    Task<Result<proto::Measures>> ask(bool deep);

    Executor executor_;
    std::string socket_;
    Deep deep_;
    bool failing_ = false;
};

} // namespace fairlead::link
