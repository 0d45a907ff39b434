/// Where captured mail is on a server, and how it is reached.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

namespace fairlead::mail {

/// Whose processes take it and show it: nobody else's files are theirs.
inline constexpr const char* own_user = "fairlead-mail";
/// On 127.0.0.1. Below the ports that environments get by themselves.
inline constexpr std::uint16_t sink_port = 18025;
inline constexpr const char* sink_unit = "fairlead-mail.socket";

/// Only tests move the root, and have another user.
struct Places {
    std::filesystem::path base = "/var/lib/fairlead/mail";
    std::string user = own_user;

    static Places below(std::filesystem::path base) {
        Places places;
        places.base = std::move(base);
        return places;
    }

    std::filesystem::path accounts() const { return base / "accounts"; }
    std::filesystem::path messages() const { return base / "messages"; }
    /// Root's own, readable by `own_user`: who may hand mail in, and how much of it stays.
    std::filesystem::path account(const std::string& slug) const {
        return accounts() / (slug + ".json");
    }
    /// Belongs to `own_user`.
    std::filesystem::path box(const std::string& slug) const { return messages() / slug; }
};

} // namespace fairlead::mail
