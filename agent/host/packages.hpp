/// Programs that must be there, installed from the distribution when they are not.
#pragma once

#include "common/runtime/result.hpp"

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::host {

/// True for a program in one of the system's folders.
bool has_program(std::string_view name);

/// Installs packages with the distribution's tool. `progress` gets lines for the log.
/// Errc::unavailable when there is no tool that we know, or it failed.
Result<> install_packages(
    const std::vector<std::string>& packages, const std::function<void(std::string_view)>& progress,
    std::stop_token stop
);

} // namespace fairlead::host
