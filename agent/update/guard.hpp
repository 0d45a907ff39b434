/// Carries an update through and decides about it: the new agent reaches the controller, or the one
/// before is put back. Runs as a unit of its own, from a copy of the program before, and goes on
/// after a power cut wherever it was.
#pragma once

#include "agent/update/record.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace fairlead::update {

/// What the link says of itself.
struct LinkWord {
    bool online = false; ///< it has shaken hands with the controller
    std::string version;
    std::string words; ///< why it is not online
};

class Guard {
public:
    using Steady = std::chrono::steady_clock;
    struct Parts {
        Layout layout;
        std::function<Result<>(const std::filesystem::path&)> install;
        /// Where dpkg does not take it.
        std::function<Result<>(const std::filesystem::path&)> unpack;
        /// At once, as in a crash: nothing but the update runs in it, and its journal knows that.
        std::function<void()> restart_executor;
        std::function<void()> restart_link;
        std::function<LinkWord()> link;
        std::function<void()> put_away;
        std::function<bool()> told_to_end = [] { return false; };
        std::function<void(std::chrono::milliseconds)> pause;
        std::function<Steady::time_point()> now = &Steady::now;
    };
    explicit Guard(Parts parts) : parts_(std::move(parts)) {}

    /// Returns when it is decided, or when it was told to end: then the next start goes on.
    Result<> run();

    /// For the new one to have shaken hands with the controller, from when it is in place.
    static constexpr auto patience = std::chrono::seconds(60);

private:
    Result<> set(Phase phase);
    Result<> give_up(std::string code, std::string reason);
    Result<> install();
    Result<> wait();
    Result<> go_back();
    /// True when the link is online with `version` (and the executor is of it) within `patience`.
    bool comes_online(const std::string& version, bool with_executor);
    void pause(std::chrono::milliseconds time);

    Parts parts_;
    Record record_;
};

} // namespace fairlead::update
