#include "controller/access/permissions.hpp"

#include <algorithm>
#include <array>

namespace fairlead::access {
namespace {

using enum Holder;

// By area, then from seeing to destroying.
constexpr std::array table{
    Permission{"org.view", viewer, "See the organization and what happens in it"},
    Permission{"audit.view", admin, "Read the audit log"},
    Permission{"audit.export", admin, "Take the audit log away as a file"},

    Permission{"servers.view", viewer, "See servers and their measurements"},
    Permission{"servers.ping", developer, "Ask a server for an answer"},
    Permission{"servers.enroll", admin, "Make tokens that enrol servers"},
    Permission{"servers.edit", admin, "Rename and relabel servers"},
    Permission{"servers.revoke", admin, "Cut a server off for ever"},
    Permission{"servers.delete", admin, "Take revoked servers off the list"},
    Permission{"registration_tokens.view", admin, "See the tokens that enrol servers"},
    Permission{"registration_tokens.revoke", admin, "Revoke tokens that enrol servers"},

    Permission{"projects.view", viewer, "See projects"},
    Permission{"projects.create", admin, "Create projects"},
    Permission{"projects.edit", developer, "Change a project's sources and defaults"},
    Permission{"projects.delete", admin, "Delete projects"},
    Permission{
        "git_credentials.view", developer,
        "See which git credentials there are, not their secrets"},
    Permission{"git_credentials.create", admin, "Add git credentials"},
    Permission{"git_credentials.delete", admin, "Remove git credentials"},

    Permission{"environments.view", viewer, "See environments and their releases"},
    Permission{"environments.create", developer, "Create environments"},
    Permission{"environments.edit", developer, "Change an environment's settings"},
    Permission{"environments.start", developer, "Start Odoo"},
    Permission{"environments.stop", developer, "Stop Odoo"},
    Permission{"environments.restart", developer, "Restart Odoo"},
    Permission{"environments.delete", admin, "Delete environments with their data"},
    Permission{"variables.view", developer, "See variables; secret values are shown to nobody"},
    Permission{"variables.edit", developer, "Set and remove variables"},

    Permission{"deployments.preflight", developer, "Run the checks before a deployment"},
    Permission{"deployments.create", developer, "Deploy"},
    Permission{"deployments.rollback", developer, "Go back to an earlier release"},
    Permission{"operations.view", viewer, "See operations, their steps and logs"},
    Permission{"operations.cancel", developer, "Cancel operations"},
};

using Codes = std::set<std::string, std::less<>>;

Codes held_by(Holder role) {
    Codes codes;
    for (const auto& permission : table)
        if (permission.least >= role) codes.emplace(permission.code);
    return codes;
}

} // namespace

std::span<const Permission> permissions() {
    return table;
}

bool is_permission(std::string_view code) {
    return std::any_of(table.begin(), table.end(), [&](const Permission& known) {
        return known.code == code;
    });
}

bool is_built_in_role(std::string_view role) {
    return role == "admin" || role == "developer" || role == "viewer";
}

std::shared_ptr<const Codes> permissions_of(std::string_view role, bool owner) {
    static const auto none = std::make_shared<const Codes>(),
                      all = std::make_shared<const Codes>(held_by(admin)),
                      some = std::make_shared<const Codes>(held_by(developer)),
                      few = std::make_shared<const Codes>(held_by(viewer));
    if (owner || role == "admin") return all;
    if (role == "developer") return some;
    if (role == "viewer") return few;
    return none;
}

} // namespace fairlead::access
