#include "controller/access/permissions.hpp"

#include <algorithm>
#include <array>

namespace fairlead::access {
namespace {

using enum Holder;
using enum Reach;

// By area, then from seeing to destroying. `project` ones are of one project's things: a membership
// or a key that is limited to projects keeps them, and org.view and servers.view beside them.
constexpr std::array table{
    Permission{"org.view", viewer, any, "See the organization and what happens in it"},
    Permission{"org.edit", admin, org, "Rename the organization"},
    Permission{"plan.view", admin, org, "See the plan, what it holds and how much is used"},
    Permission{"members.view", viewer, org, "See who belongs to the organization"},
    Permission{"members.edit", admin, org, "Change members' roles"},
    Permission{"members.adjust", admin, org, "Grant or withdraw single permissions of a member"},
    Permission{"members.limit", admin, org, "Limit members to projects"},
    Permission{"members.remove", admin, org, "Remove members"},
    Permission{"invitations.view", admin, org, "See open invitations"},
    Permission{"invitations.create", admin, org, "Invite people"},
    Permission{"invitations.revoke", admin, org, "Take invitations back"},
    Permission{"roles.view", viewer, org, "See roles and what they may do"},
    Permission{"roles.create", admin, org, "Make roles"},
    Permission{"roles.edit", admin, org, "Change what a role may do"},
    Permission{"roles.delete", admin, org, "Delete roles that nobody has"},
    Permission{"api_keys.view", admin, org, "See API keys, not their secrets"},
    Permission{"api_keys.create", admin, org, "Make API keys"},
    Permission{"api_keys.revoke", admin, org, "Revoke API keys"},
    Permission{"security.view", admin, org, "See the security settings"},
    Permission{"security.edit", admin, org, "Change the security settings"},
    Permission{"support.view", admin, org, "See when the operator was given access for support"},
    Permission{"connect.view", admin, org, "See Connect-As grants, given and received"},
    Permission{"connect.grant", admin, org, "Let an agency work in this organization"},
    Permission{"connect.revoke", admin, org, "Take Connect-As grants back"},
    Permission{"connect.use", developer, org, "Work in clients' organizations by Connect-As"},
    Permission{"connect.sessions", admin, org, "See Connect-As sessions"},
    Permission{"connect.end", admin, org, "End Connect-As sessions"},
    Permission{"audit.view", admin, org, "Read the audit log"},
    Permission{"audit.export", admin, org, "Take the audit log away as a file"},

    Permission{"servers.view", viewer, any, "See servers and their measurements"},
    Permission{"servers.ping", developer, org, "Ask a server for an answer"},
    Permission{"servers.enroll", admin, org, "Make tokens that enrol servers"},
    Permission{"servers.edit", admin, org, "Rename and relabel servers"},
    Permission{
        "servers.update_agent", admin, org, "Update the agents of servers, alone or in stages"},
    Permission{"servers.revoke", admin, org, "Cut a server off for ever"},
    Permission{"servers.delete", admin, org, "Take revoked servers off the list"},
    Permission{"servers.adopt", admin, org, "Adopt environments that were found on a server"},
    Permission{"terminals.view", admin, org, "See which terminals are open on servers"},
    Permission{"terminals.open", admin, org, "Open terminals on servers, as users that they allow"},
    Permission{"terminals.close", admin, org, "End terminals, others' too"},
    Permission{
        "recordings.view", admin, org, "Replay what terminals showed, where it was recorded"},
    Permission{"ssh_keys.view", admin, org, "See which SSH keys let people in to servers"},
    Permission{"ssh_keys.add", admin, org, "Add SSH keys for users that a server allows"},
    Permission{"ssh_keys.rotate", admin, org, "Put another SSH key in a key's place"},
    Permission{"ssh_keys.revoke", admin, org, "Revoke SSH keys, which ends their sessions"},
    Permission{
        "ssh.connect", admin, org, "Reach servers' sshd by native ssh, which asks for a key"},
    Permission{"logs.server", developer, org, "Read the logs of PostgreSQL and of agents"},
    Permission{
        "metrics.view", viewer, any, "Read the newest measurements of everything, for Prometheus"},
    Permission{"alerts.view", viewer, org, "See alerts and their rules"},
    Permission{"alerts.edit", admin, org, "Set, change and remove rules for alerts"},
    Permission{"registration_tokens.view", admin, org, "See the tokens that enrol servers"},
    Permission{"registration_tokens.revoke", admin, org, "Revoke tokens that enrol servers"},

    Permission{"projects.view", viewer, project, "See projects"},
    Permission{"projects.create", admin, org, "Create projects"},
    Permission{"projects.edit", developer, project, "Change a project's sources and defaults"},
    Permission{"projects.delete", admin, project, "Delete projects"},
    Permission{
        "git_credentials.view", developer, any,
        "See which git credentials there are, not their secrets"},
    Permission{"git_credentials.create", admin, org, "Add git credentials"},
    Permission{"git_credentials.delete", admin, org, "Remove git credentials"},

    Permission{"environments.view", viewer, project, "See environments and their releases"},
    Permission{"logs.view", developer, project, "Read the logs of Odoo"},
    Permission{
        "mail.view", developer, project,
        "Read the mail that development and staging would have sent"},
    Permission{"mail.delete", developer, project, "Delete captured mail"},
    Permission{
        "mail.configure", developer, project,
        "Set whether mail is captured, and how long it stays"},
    Permission{
        "odoo.login", admin, project,
        "Log in to Odoo by one-time links, as users that the server allows"},
    Permission{"environments.create", developer, project, "Create environments"},
    Permission{"environments.edit", developer, project, "Change an environment's settings"},
    Permission{"environments.start", developer, project, "Start Odoo"},
    Permission{"environments.stop", developer, project, "Stop Odoo"},
    Permission{"environments.restart", developer, project, "Restart Odoo"},
    Permission{"environments.delete", admin, project, "Delete environments with their data"},
    Permission{
        "variables.view", developer, project, "See variables; secret values are shown to nobody"},
    Permission{"variables.edit", developer, project, "Set variables"},
    Permission{"variables.delete", developer, project, "Remove variables"},

    Permission{"deployments.preflight", developer, project, "Run the checks before a deployment"},
    Permission{"deployments.create", developer, project, "Deploy"},
    Permission{"deployments.push", developer, project, "Let pushes to a repository deploy"},
    Permission{"deployments.rollback", developer, project, "Go back to an earlier release"},
    Permission{
        "environments.clone", developer, project, "Copy an environment's data over another's"},

    Permission{
        "storages.view", developer, any, "See the buckets for backups, not their secret keys"},
    Permission{"storages.create", admin, org, "Add buckets for backups"},
    Permission{"storages.edit", admin, org, "Change buckets for backups and their keys"},
    Permission{"storages.delete", admin, org, "Remove buckets from the list"},
    Permission{"storages.test", admin, org, "Test a bucket from a server"},
    Permission{
        "backup_settings.view", developer, any, "See who can open backups beside the servers"},
    Permission{"backup_settings.edit", admin, org, "Set the recovery recipients of all backups"},
    Permission{"backups.view", viewer, project, "See backups and backup policies"},
    Permission{
        "backups.configure", admin, project, "Set where to, how often and how long to back up"},
    Permission{"backups.create", developer, project, "Make backups"},
    Permission{"backups.delete", admin, project, "Delete backups from their bucket"},
    Permission{"restores.create", developer, project, "Restore backups"},
    Permission{
        "restores.production", admin, project, "Replace the data of production environments"},
    Permission{"drills.create", developer, project, "Try backups out by restoring them aside"},

    Permission{"domains.view", developer, org, "See the domains of the organization"},
    Permission{"domains.claim", admin, org, "Claim domains"},
    Permission{"domains.check", admin, org, "Have the proof of a domain looked for"},
    Permission{"domains.delete", admin, org, "Give domains up"},

    Permission{"certificates.view", developer, org, "See the certificates of names"},
    Permission{"certificates.renew", admin, org, "Ask for a certificate before its time"},
    Permission{"tunnel_keys.view", developer, org, "See the keys that open tunnels to servers"},
    Permission{"tunnel_keys.rotate", admin, org, "Give tunnels a new key"},
    Permission{"tunnel_keys.revoke", admin, org, "Revoke keys of tunnels, which ends connections"},

    Permission{"webhooks.view", developer, org, "See webhooks and what was sent to them"},
    Permission{"webhooks.create", admin, org, "Add webhooks"},
    Permission{"webhooks.edit", admin, org, "Change webhooks, turn them on and off"},
    Permission{"webhooks.rotate", admin, org, "Give a webhook a new secret"},
    Permission{"webhooks.delete", admin, org, "Remove webhooks"},
    Permission{"webhooks.send", admin, org, "Send test pings, and deliveries again"},

    Permission{"operations.view", viewer, project, "See operations and their steps"},
    Permission{"operations.log", viewer, project, "Read the logs of operations"},
    Permission{"operations.cancel", developer, project, "Cancel operations"},
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

const std::set<std::string, std::less<>>& permissions_of(std::string_view role) {
    static const Codes none, all = held_by(admin), some = held_by(developer), few = held_by(viewer);
    if (role == "admin") return all;
    if (role == "developer") return some;
    if (role == "viewer") return few;
    return none;
}

const std::set<std::string, std::less<>>& limited_permissions() {
    static const Codes codes = [] {
        Codes kept;
        for (const auto& permission : table)
            if (permission.reach != org) kept.emplace(permission.code);
        return kept;
    }();
    return codes;
}

} // namespace fairlead::access
