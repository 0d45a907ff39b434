#include "agent/mail/account.hpp"

#include "agent/policy/shape.hpp"
#include "common/crypto/hash.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>

namespace fairlead::mail {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_account = 4096;
constexpr std::size_t most_accounts = 1000;
constexpr std::string_view ending = ".json";

} // namespace

Result<Account> load_account(const Places& places, const std::string& slug) {
    FAIRLEAD_CHECK(policy::check_slug(slug)); // it becomes a path
    auto text = read_file(places.account(slug), largest_account);
    if (!text && text.error().kind() == Errc::not_found)
        return fail(Error(
                        Errc::not_found,
                        fmt::format(
                            "The mail of {} is not captured on this server. It is from the next "
                            "deployment on, for development and staging.",
                            slug
                        )
        )
                        .with_code("mail_not_captured"));
    if (!text) return fail(std::move(text).error());
    FAIRLEAD_TRY(account, json::decode<Account>(*text, json::Strictness::lenient));
    if (account.slug != slug)
        return fail(
            Errc::invalid,
            fmt::format(
                "{} is of another environment. Deploy again.", places.account(slug).string()
            )
        );
    return account;
}

Result<> save_account(const Places& places, const Account& account, unsigned gid) {
    auto file = places.account(account.slug);
    // The password is as random as its digest: a moment in which root alone reads it costs nothing.
    FAIRLEAD_CHECK(write_file(file, json::encode(account), 0640));
    if (::chown(file.c_str(), static_cast<uid_t>(-1), gid) != 0)
        return fail(
            Errc::internal,
            fmt::format("Cannot give {} to the group of {}.", file.string(), places.user)
        );
    return {};
}

std::vector<std::string> account_names(const Places& places) {
    std::vector<std::string> names;
    std::error_code failed;
    for (fs::directory_iterator at(places.accounts(), failed), end;
         !failed && at != end && names.size() < most_accounts; at.increment(failed)) {
        auto name = at->path().filename().string();
        if (!name.ends_with(ending)) continue;
        name.resize(name.size() - ending.size());
        if (policy::check_slug(name)) names.push_back(std::move(name));
    }
    std::ranges::sort(names);
    return names;
}

bool opens(const Account& account, std::string_view password) {
    return !account.password_sha256.empty() &&
           crypto::same(crypto::sha256(password).hex(), account.password_sha256);
}

} // namespace fairlead::mail
