/// The operation agent.update: from the signed package to what the guard decided.
#pragma once

#include "agent/host/dpkg.hpp"
#include "agent/journal/engine.hpp"
#include "agent/policy/policy.hpp"
#include "agent/update/fetcher.hpp"
#include "agent/update/record.hpp"

#include <functional>
#include <string>

namespace fairlead::update {

/// What is asked of the system; tests have their own.
struct System {
    std::function<Result<std::string>()> installed;
    std::function<Result<bool>(const std::string&, const std::string&)> below;
    std::function<Result<host::PackageFacts>(const std::filesystem::path&)> facts;
    /// Packs what is installed into Layout::previous() and copies the program to Layout::guard().
    std::function<Result<>()> keep;
    std::function<Result<>()> start_watch;
    std::function<bool()> watch_runs;
    std::function<int()> minute_of_day;
    std::function<void(std::chrono::milliseconds)> pause;
};
System real_system(const Layout& layout);

class Updates {
public:
    struct Parts {
        Layout layout{};
        std::string version; ///< of this program
        std::function<Result<policy::Policy>()> policy;
        Fetcher& fetcher;
        System system;
    };
    explicit Updates(Parts parts) : parts_(std::move(parts)) {}

    /// Errc::invalid for arguments that cannot be read. An executor that finds the operation
    /// unfinished, of the version before or of the new one, goes on with it.
    Result<journal::Plan> plan(const proto::Operation& operation);

private:
    Result<> check(journal::Work& work, const proto::AgentUpdateArgs& args);
    Result<> may_install(const std::string& from, const std::string& to);
    Result<> fetch(journal::Work& work, const proto::AgentUpdateArgs& args);
    Result<> keep(journal::Work& work);
    Result<> install(journal::Work& work, const proto::AgentUpdateArgs& args);
    Result<Record> begin(journal::Work& work, const proto::AgentUpdateArgs& args);
    /// `started`: the guard was started just before.
    Result<Record> await_decision(journal::Work& work, bool started);
    /// Errc::conflict (update_running) while another update is not decided.
    Result<> is_free();

    Parts parts_;
};

} // namespace fairlead::update
