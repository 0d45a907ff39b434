/// Bodies and headers in the shapes that the providers document for pushes, with what tests need of
/// them; the values are invented.
#pragma once

#include "controller/api/call.hpp"

#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::test {

using Headers = std::vector<std::pair<std::string, std::string>>;

inline const std::string commit_1(40, 'a'), commit_2(40, 'b'), no_commit(40, '0');

inline boost::json::object
github_push(std::string ref = "refs/heads/19.0", std::string after = commit_1) {
    return {
        {"ref", ref},
        {"before", commit_2},
        {"after", after},
        {"created", false},
        {"deleted", after == no_commit},
        {"forced", false},
        {"repository",
         {{"id", 1},
          {"full_name", "odoo/odoo"},
          {"private", false},
          {"html_url", "https://git.example.com/odoo"},
          {"clone_url", "https://git.example.com/odoo.git"},
          {"ssh_url", "git@git.example.com:odoo.git"},
          {"pushed_at", 1700000000}}},
        {"pusher", {{"name", "octocat"}, {"email", "octocat@example.org"}}},
        {"sender", {{"login", "octocat"}}},
        {"commits", boost::json::array{{{"id", after}, {"message", "Sell more"}}}}};
}

inline boost::json::object
gitlab_push(std::string ref = "refs/heads/19.0", std::string after = commit_1) {
    return {
        {"object_kind", "push"},
        {"event_name", "push"},
        {"before", commit_2},
        {"after", after},
        {"ref", ref},
        {"checkout_sha", after},
        {"user_id", 4},
        {"user_name", "Jo Smith"},
        {"user_username", "jsmith"},
        {"project",
         {{"id", 15},
          {"path_with_namespace", "odoo"},
          {"web_url", "https://git.example.com/odoo"},
          {"git_ssh_url", "git@git.example.com:odoo.git"},
          {"git_http_url", "https://git.example.com/odoo.git"}}},
        {"total_commits_count", 1}};
}

inline boost::json::object bitbucket_change(
    std::string name, std::string commit, std::string type = "branch", bool deleted = false
) {
    boost::json::object named{
        {"type", type}, {"name", name}, {"target", {{"type", "commit"}, {"hash", commit}}}};
    boost::json::object change{{"created", false}, {"closed", deleted}, {"forced", false}};
    change["old"] = named;
    change["new"] = deleted ? boost::json::value(nullptr) : boost::json::value(named);
    return change;
}

inline boost::json::object
bitbucket_push(boost::json::array changes = {bitbucket_change("19.0", commit_1)}) {
    return {
        {"actor", {{"type", "user"}, {"display_name", "Emma"}, {"nickname", "emmap1"}}},
        {"repository",
         {{"type", "repository"},
          {"full_name", "odoo"},
          {"links", {{"html", {{"href", "https://git.example.com/odoo"}}}}}}},
        {"push", {{"changes", std::move(changes)}}}};
}

inline boost::json::object
gitea_push(std::string ref = "refs/heads/19.0", std::string after = commit_1) {
    return {
        {"ref", ref},
        {"before", commit_2},
        {"after", after},
        {"repository",
         {{"id", 140},
          {"full_name", "odoo"},
          {"html_url", "https://git.example.com/odoo"},
          {"ssh_url", "gitea@git.example.com:odoo.git"},
          {"clone_url", "https://git.example.com/odoo.git"}}},
        {"pusher", {{"id", 1}, {"login", "gitea"}, {"username", "gitea"}}},
        {"sender", {{"id", 1}, {"login", "gitea"}}}};
}

} // namespace fairlead::test
