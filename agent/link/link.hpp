/// The unprivileged half of the agent: dials the controller, carries messages between it and the
/// executor, and comes back whenever the line is lost.
#pragma once

#include "agent/link/executor_channel.hpp"
#include "agent/link/identity.hpp"
#include "agent/link/log_passage.hpp"
#include "agent/link/measuring.hpp"
#include "agent/link/status.hpp"
#include "agent/link/terminal_passage.hpp"

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>

namespace fairlead::link {

struct LinkOptions {
    std::filesystem::path folder = default_folder;
    std::filesystem::path status_file = default_status_file;
    std::string executor_socket = default_executor_socket;
    std::string terminal_socket = default_terminal_socket;
    std::string logs_socket = default_logs_socket;
    std::string mailbox_socket = default_mailbox_socket;
    std::string recordings_socket = default_recordings_socket;
    std::string metrics_socket = default_metrics_socket;
    std::string version;
    bool read_facts = true; ///< off in tests
};

/// Runs until SIGTERM or SIGINT. Errc::not_found and Errc::invalid for an identity that cannot be
/// used; everything else is tried again for ever.
Result<> run_link(const LinkOptions& options);

} // namespace fairlead::link
