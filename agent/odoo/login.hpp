/// Signing somebody in to a running Odoo by a link that works once: whom it can be, and the part of
/// the server that answers the link.
#pragma once

#include "agent/odoo/odoo.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace fairlead::odoo {

/// Where a server answers links; the token stands behind it as "#…", which no browser sends.
inline constexpr std::string_view login_path = "/fairlead/login";

/// The first version with sessions that are bound to a token of the database. Before it a session
/// held the user's password.
inline constexpr int login_since = 11;

/// What one link means, as a file that the server of the environment can read and not write. Its
/// name is the SHA-256 of the token, in hexadecimal.
struct LoginFile {
    std::string operation;
    std::int64_t uid = 0; ///< of res.users
    std::string login;
    std::int64_t expires_ms = 0;
    std::string by; ///< who asked
    std::string reason;
};
BOOST_DESCRIBE_STRUCT(LoginFile, (), (operation, uid, login, expires_ms, by, reason))

/// The folder of these files, and the one in which the server marks those that were used.
std::filesystem::path login_folder(const Installation& installation);
std::filesystem::path used_login_folder(const Installation& installation);

/// The part of `serve_script` that answers links: functions of Python, of which `answer_links` is
/// to be called before Odoo's server is made. Any version from `login_since` on.
std::string login_script(const Installation& installation);

/// Internal users who are active, one a row as JSON: {"id", "login", "name"}; `admin` first, then
/// by name; at most `limit`.
std::string users_query(std::size_t limit);
/// The same of one login.
std::string user_query(std::string_view login);

} // namespace fairlead::odoo
