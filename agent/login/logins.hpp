/// Logging in to an environment's Odoo from the console: whom it can be, and links that work once.
/// Passwords are neither used nor changed, and what is told is sealed for whoever asked.
#pragma once

#include "agent/deploy/layout.hpp"
#include "agent/deploy/records.hpp"
#include "agent/host/users.hpp"
#include "agent/journal/engine.hpp"
#include "agent/login/link_files.hpp"
#include "agent/policy/policy.hpp"
#include "common/runtime/clock.hpp"
#include "proto/messages.hpp"

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::login {

/// Everything here may be called from several threads.
class Logins {
public:
    struct Parts {
        deploy::Layout layout{};
        std::function<Result<policy::Policy>()> policy{};
        const Clock& clock;
        /// Rows of a query in the environment's database, whether its Odoo runs, and its Unix user;
        /// tests have their own.
        std::function<Result<std::vector<std::string>>(const deploy::Place&, const std::string&)>
            rows{};
        std::function<Result<bool>(const deploy::Place&)> runs{};
        std::function<std::optional<host::UnixUser>(const std::string&)> user{};
    };
    explicit Logins(Parts parts);

    /// The steps of odoo.users and odoo.login. Errc::invalid for arguments that cannot be read.
    Result<journal::Plan> plan(const proto::Operation& operation);

    /// For the inventory.
    std::vector<proto::UsedOdooLink> used() const;

    enum class News { none, waiting, used };
    /// At least every second: whether a link was used since the last time, or one may still be.
    News look();

    /// Of one environment at once: so many a minute.
    static constexpr std::size_t most_links = 5;

private:
    /// What is live, when it can be logged in to.
    Result<deploy::ReleaseRecord>
    live(const deploy::Place& place, const std::string& environment_id) const;
    Result<> users(journal::Work& work, const proto::OdooUsersArgs& args);
    Result<> link(journal::Work& work, const proto::OdooLoginArgs& args);
    Result<odoo::LoginFile>
    who(const journal::Work& work, const deploy::Place& place, const proto::OdooLoginArgs& args);
    LinkFiles files_of(const deploy::Place& place) const;

    Parts parts_;
    std::mutex mutex_;                 ///< for making links, one after the other, and what is below
    std::vector<std::string> watched_; ///< slugs of environments with links that may be used
    std::size_t told_ = 0;             ///< of those, as many as were used
};

} // namespace fairlead::login
