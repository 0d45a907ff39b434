/// egress.yaml: who may ask, what is allowed beside the internet, and how much of everything.
#pragma once

#include "common/config/config.hpp"
#include "common/runtime/result.hpp"
#include "controller/egress/allow.hpp"

#include <boost/describe.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::egress {

/// report: what would be refused is let through and logged.
BOOST_DEFINE_ENUM_CLASS(Mode, enforce, report)

struct Settings {
    std::string socket = "/run/fairlead-egress/egress.sock";
    std::string controller = "fairlead-controller"; ///< user name or number
    Mode mode = Mode::enforce;
    std::vector<std::string> allow;
    std::optional<std::string> smtp; ///< "host:port" of the mail server, for mail alone
    std::uint16_t connections = 128;
    std::chrono::seconds idle{60};
    std::chrono::seconds life{300};
    std::uint32_t mebibytes = 64; ///< for each connection, both directions together
};
BOOST_DESCRIBE_STRUCT(
    Settings, (), (socket, controller, mode, allow, smtp, connections, idle, life, mebibytes)
)

/// Reads and checks it. Errors name the file and the key.
Result<Settings> load_settings(const std::filesystem::path& file);

/// Only root, or whoever runs the program, may be able to change the exceptions. Errc::forbidden.
Result<> check_owner(const std::filesystem::path& file);

/// The user who may ask, as a number. Errc::not_found when there is none of that name.
Result<unsigned> controller_user(const Settings& settings);

} // namespace fairlead::egress
