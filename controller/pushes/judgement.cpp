#include "controller/pushes/judgement.hpp"

#include "controller/environments/git_address.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::pushes {
namespace {

bool is_of(const Payload& payload, const Source& source) {
    return std::any_of(payload.urls.begin(), payload.urls.end(), [&](const auto& url) {
        return environments::same_repository(url, source.url);
    });
}

Judgement because(std::string reason, std::string detail, bool settled = false) {
    Judgement judgement;
    judgement.reason = std::move(reason);
    judgement.detail = std::move(detail);
    judgement.settled = settled;
    return judgement;
}

/// "main of shop-addons"
std::string wanted(const std::vector<Source>& sources) {
    std::string text;
    for (const auto& source : sources) {
        if (text.size() > 200) return text + ", …";
        text += fmt::format("{}{} of {}", text.empty() ? "" : ", ", source.branch, source.name);
    }
    return text;
}

Judgement why_not(const Change& change, const std::vector<Source>& sources) {
    Judgement judgement;
    if (change.kind == Change::Kind::tag) {
        judgement = because(
            "tag", fmt::format("{} is a tag; environments are made of branches.", change.name), true
        );
    } else if (change.kind == Change::Kind::other) {
        judgement = because(
            "other_event", fmt::format("{} is neither a branch nor a tag.", change.name), true
        );
    } else if (change.deleted) {
        judgement = because(
            "branch_deleted",
            fmt::format("The branch {} was deleted: there is nothing to deploy.", change.name), true
        );
        judgement.branch = change.name;
    } else {
        judgement = because(
            "other_branch", fmt::format(
                                "It was to the branch {}; this environment is made of {}.",
                                change.name, wanted(sources)
                            )
        );
        judgement.branch = change.name;
        judgement.commit = change.commit;
    }
    return judgement;
}

} // namespace

Judgement
judge(const Delivery& delivery, const Payload& payload, const std::vector<Source>& sources) {
    if (payload.what == Payload::What::ping)
        return because(
            "ping", fmt::format("{} tried the hook out: it works.", name_of(delivery.provider)),
            true
        );
    if (payload.what == Payload::What::other || payload.changes.empty())
        return because(
            "other_event",
            "It tells of no push. Let the repository send pushes alone to this address.", true
        );
    std::vector<Source> its;
    std::copy_if(sources.begin(), sources.end(), std::back_inserter(its), [&](const auto& source) {
        return is_of(payload, source);
    });
    auto name = payload.repository.empty() ? std::string("The repository") : payload.repository;
    if (its.empty())
        return because(
            "other_repository",
            fmt::format("{} is none of the repositories that this environment is made of.", name)
        );
    std::erase_if(its, [](const auto& source) { return !source.counts; });
    if (its.empty())
        return because(
            "other_repository", fmt::format("Pushes to {} do not count for this environment.", name)
        );
    // The newest comes last.
    for (auto change = payload.changes.rbegin(); change != payload.changes.rend(); ++change) {
        if (change->kind != Change::Kind::branch || change->deleted) continue;
        bool counts = std::any_of(its.begin(), its.end(), [&](const auto& source) {
            return source.branch == change->name;
        });
        if (counts) {
            Judgement judgement;
            judgement.branch = change->name;
            judgement.commit = change->commit;
            return judgement;
        }
    }
    return why_not(payload.changes.back(), its);
}

} // namespace fairlead::pushes
