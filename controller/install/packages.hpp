/// The folder that packaging/release made: the agent's packages, their signed sums, and the
/// template of install.sh.
#pragma once

#include "common/runtime/result.hpp"
#include "controller/install/face.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace fairlead::install {

inline constexpr std::string_view default_folder = "/usr/share/fairlead/agent";
inline constexpr std::size_t largest_package = 16 << 20;

/// The agent's package that is handed out, as agents hold it against their release key.
struct Offer {
    std::string version;
    std::string package;   ///< "fairlead-agent_0.2.0_amd64.deb"
    std::string sha256;    ///< of the package, as `sums` say
    std::string sums;      ///< SHA256SUMS
    std::string signature; ///< of `sums`, base64
};

struct FilePart {
    std::string data;
    std::size_t size = 0; ///< of the whole file
};

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

    /// Errc::unavailable with the cure where there is none.
    Result<Offer> offer() const;
    /// At most `limit` bytes of what `file` would give. Errc::not_found also behind its end.
    Result<FilePart> part(std::string_view name, std::size_t offset, std::size_t limit) const;

private:
    Result<> listed(std::string_view name) const;

    std::filesystem::path folder_;
};

} // namespace fairlead::install
