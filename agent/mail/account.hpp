/// Whose mail is captured: a file of root's for each environment.
#pragma once

#include "agent/mail/places.hpp"
#include "common/runtime/result.hpp"
#include "proto/operations.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::mail {

struct Account {
    std::string environment; ///< its id
    std::string slug;
    std::string password_sha256; ///< hexadecimal; the password is random and has 24 bytes
    proto::MailRetention retention;
};
BOOST_DESCRIBE_STRUCT(Account, (), (environment, slug, password_sha256, retention))

/// Errc::not_found (mail_not_captured) where there is none.
Result<Account> load_account(const Places& places, const std::string& slug);

/// Readable for `gid`.
Result<> save_account(const Places& places, const Account& account, unsigned gid);

/// Slugs of all, at most 1000, sorted.
std::vector<std::string> account_names(const Places& places);

/// Whether `password` is the one that opens it.
bool opens(const Account& account, std::string_view password);

} // namespace fairlead::mail
