#include "controller/pushes/payload.hpp"

#include "controller/operations/operations.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <initializer_list>

namespace fairlead::pushes {
namespace {

using boost::json::value;

constexpr std::size_t most_text = 200, most_url = 500;

const value none = nullptr;

/// A member, and a member of that; null where it is not there.
const value& at(const value& from, std::initializer_list<std::string_view> names) {
    const value* found = &from;
    for (auto name : names) {
        const auto* object = found->if_object();
        found = object ? object->if_contains(name) : nullptr;
        if (!found) return none;
    }
    return *found;
}

std::string_view text(const value& from) {
    const auto* string = from.if_string();
    return string ? std::string_view(*string) : std::string_view();
}

/// One line of at most `most_text` bytes, for people.
std::string shown(std::string_view given) {
    std::string line(given.substr(0, most_text + 4));
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' '
    );
    return operations::cut(std::move(line), most_text);
}

/// The first that is there.
std::string
first(const value& body, std::initializer_list<std::initializer_list<std::string_view>> places) {
    for (const auto& place : places)
        if (auto found = text(at(body, place)); !found.empty()) return shown(found);
    return {};
}

void add_urls(
    Payload& payload, const value& body,
    std::initializer_list<std::initializer_list<std::string_view>> places
) {
    for (const auto& place : places)
        if (auto found = text(at(body, place)); !found.empty() && found.size() <= most_url)
            payload.urls.emplace_back(found);
}

std::string commit_of(std::string_view given) {
    bool hex = (given.size() == 40 || given.size() == 64) &&
               given.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    return hex ? std::string(given) : std::string();
}

/// All zeros stand for "there is none any more".
bool is_gone(std::string_view commit) {
    return !commit.empty() && commit.find_first_not_of('0') == std::string_view::npos;
}

tl::unexpected<Error> lacks(std::string field, std::string what) {
    return fail(Error(Errc::invalid, fmt::format("{} {}.", field, what))
                    .with_fields({{std::move(field), std::move(what)}}));
}

/// "refs/heads/main" with the commit that it leads to now: GitHub, GitLab and Gitea.
Result<> read_ref(Payload& payload, const value& body) {
    auto ref = text(at(body, {"ref"}));
    if (ref.empty())
        return lacks("ref", "must name the branch or tag that was pushed, as refs/heads/main");
    Change change;
    constexpr std::string_view heads = "refs/heads/", tags = "refs/tags/";
    if (ref.starts_with(heads)) {
        change.kind = Change::Kind::branch;
        ref.remove_prefix(heads.size());
    } else if (ref.starts_with(tags)) {
        change.kind = Change::Kind::tag;
        ref.remove_prefix(tags.size());
    }
    change.name = shown(ref);
    auto after = text(at(body, {"after"}));
    change.deleted = at(body, {"deleted"}) == true || is_gone(after);
    if (!change.deleted) change.commit = commit_of(after);
    payload.changes.push_back(std::move(change));
    return {};
}

/// {"push": {"changes": [{"new": {"type", "name", "target"} | null, "old": …}]}}: Bitbucket.
Result<> read_changes(Payload& payload, const value& body) {
    const auto* changes = at(body, {"push", "changes"}).if_array();
    if (!changes) return lacks("push.changes", "must list what was pushed");
    for (const auto& given : *changes) {
        if (payload.changes.size() == most_changes) break;
        const auto& now = at(given, {"new"});
        const auto& named = now.is_object() ? now : at(given, {"old"});
        Change change;
        auto type = text(at(named, {"type"}));
        if (type == "branch" || type == "named_branch") change.kind = Change::Kind::branch;
        if (type == "tag" || type == "annotated_tag") change.kind = Change::Kind::tag;
        change.name = shown(text(at(named, {"name"})));
        change.deleted = !now.is_object();
        if (!change.deleted) change.commit = commit_of(text(at(now, {"target", "hash"})));
        payload.changes.push_back(std::move(change));
    }
    return {};
}

Payload::What what_of(const Delivery& delivery) {
    using What = Payload::What;
    const auto& event = delivery.event;
    switch (delivery.provider) {
    case Provider::github:
    case Provider::gitea:
        return event == "push" ? What::push : event == "ping" ? What::ping : What::other;
    case Provider::gitlab:
        return event == "Push Hook" || event == "Tag Push Hook" ? What::push : What::other;
    case Provider::bitbucket:
        return event == "repo:push"          ? What::push
               : event == "diagnostics:ping" ? What::ping
                                             : What::other;
    }
    return What::other;
}

} // namespace

Result<Payload> read_payload(const Delivery& delivery, const value& body) {
    if (!body.is_object()) return lacks("(document)", "must be an object");
    Payload payload;
    payload.what = what_of(delivery);
    switch (delivery.provider) {
    case Provider::github:
    case Provider::gitea:
        payload.repository = first(body, {{"repository", "full_name"}});
        payload.pusher = first(
            body,
            {{"pusher", "login"}, {"pusher", "name"}, {"pusher", "username"}, {"sender", "login"}}
        );
        add_urls(
            payload, body,
            {{"repository", "clone_url"}, {"repository", "ssh_url"}, {"repository", "html_url"}}
        );
        break;
    case Provider::gitlab:
        payload.repository =
            first(body, {{"project", "path_with_namespace"}, {"repository", "name"}});
        payload.pusher = first(body, {{"user_username"}, {"user_name"}});
        add_urls(
            payload, body,
            {{"project", "git_http_url"},
             {"project", "git_ssh_url"},
             {"project", "web_url"},
             {"repository", "git_http_url"},
             {"repository", "git_ssh_url"}}
        );
        break;
    case Provider::bitbucket:
        payload.repository = first(body, {{"repository", "full_name"}});
        payload.pusher = first(body, {{"actor", "nickname"}, {"actor", "display_name"}});
        add_urls(payload, body, {{"repository", "links", "html", "href"}});
        break;
    }
    if (payload.what != Payload::What::push) return payload;
    if (delivery.provider == Provider::bitbucket)
        FAIRLEAD_CHECK(read_changes(payload, body));
    else
        FAIRLEAD_CHECK(read_ref(payload, body));
    return payload;
}

} // namespace fairlead::pushes
