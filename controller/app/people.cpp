#include "controller/app/people.hpp"

#include "controller/access/users.hpp"
#include "controller/app/installation.hpp"
#include "controller/orgs/orgs.hpp"

#include <fmt/core.h>

namespace fairlead::app {

Result<std::string> list_people(const Settings& settings) {
    Layout layout(settings);
    FAIRLEAD_CHECK(expect_database(layout));
    store::Connection db(layout.database(), {.access = store::Access::read_only});
    access::UserRepo users(db);
    std::string text, after;
    for (;;) {
        FAIRLEAD_TRY(some, users.list(after, 200));
        for (const auto& user : some) {
            text += fmt::format(
                "{}{} ({}){}{}", text.empty() ? "" : "\n", user.email, user.name,
                user.password_hash.empty() ? ", no password chosen yet" : "",
                user.verified ? "" : ", address not confirmed"
            );
            FAIRLEAD_TRY(memberships, orgs::Memberships(db).of(user.id));
            for (const auto& m : memberships)
                text += fmt::format(
                    "\n  {} of {} ({}){}", m.role, m.org_name, m.org_id.str(),
                    m.owner ? ", owner" : ""
                );
        }
        if (some.size() < 200) return text.empty() ? "Nobody." : text;
        after = some.back().email;
    }
}

} // namespace fairlead::app
