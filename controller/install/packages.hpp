/// The folder that packaging/release made: the agent's packages, their signed sums, and the
/// template of install.sh.
#pragma once

#include "common/runtime/result.hpp"
#include "controller/install/face.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace fairlead::install {

inline constexpr std::string_view default_folder = "/usr/share/fairlead/agent";
inline constexpr std::size_t largest_package = 16 << 20;

/// Reads the folder anew for each request, so that a package that was upgraded is served at once.
/// Thread-safe.
class Packages {
public:
    explicit Packages(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// The script with the controller's address and pin in it. Errc::unavailable with the cure when
    /// the folder has none, Errc::internal when the template lacks a placeholder.
    Result<std::string> script(const Face& face) const;

    /// SHA256SUMS, SHA256SUMS.sig, signing-key.pub, or a file that SHA256SUMS names;
    /// Errc::not_found for all else.
    Result<std::string> file(std::string_view name) const;

private:
    Result<> listed(std::string_view name) const;

    std::filesystem::path folder_;
};

} // namespace fairlead::install
