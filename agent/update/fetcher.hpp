/// A file that comes over the link, part by part, each asked for. The operation's thread waits, the
/// socket's thread sends and receives.
#pragma once

#include "common/runtime/result.hpp"
#include "proto/messages.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

namespace fairlead::update {

/// Thread-safe. One file at a time.
class Fetcher {
public:
    /// `wake` is called when there is something to send. `patience`: for one part, also while no
    /// link is there.
    explicit Fetcher(
        std::function<void()> wake, std::chrono::seconds patience = std::chrono::seconds(300)
    )
        : wake_(std::move(wake)), patience_(patience) {}

    /// The whole file. `progress` gets percents. Errc::unavailable: package_unavailable.
    Result<std::string> fetch(
        const std::string& file, std::stop_token stop,
        const std::function<void(std::uint32_t)>& progress
    );

    // ---- for the socket's thread ----

    /// What is to be sent now, once.
    std::optional<proto::PackageWanted> take_wanted();
    void answer(proto::PackagePart part);
    /// Another link is there: what was asked of the one before is asked again.
    void linked();

private:
    Result<proto::PackagePart>
    part(const std::string& file, std::uint64_t offset, const std::stop_token& stop);

    std::function<void()> wake_;
    std::chrono::seconds patience_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::optional<proto::PackageWanted> wanted_;
    bool sent_ = false;
    std::optional<proto::PackagePart> part_;
};

} // namespace fairlead::update
