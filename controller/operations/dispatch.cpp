/// Links coming and going, and handing out what waits.
#include "common/runtime/log.hpp"
#include "controller/operations/operations.hpp"
#include "proto/codec.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <set>

namespace fairlead::operations {
namespace {

std::uint64_t left_ms(const Operation& operation, Timestamp now) {
    auto left = operation.deadline_ms - now;
    return left.count() > 0 ? static_cast<std::uint64_t>(left.count()) : 1;
}

} // namespace

Result<JournalPosition> Operations::position_of(OperationRepo& repo, const AgentLink& link) {
    FAIRLEAD_TRY(position, repo.journal(link.server));
    if (!position || position->link != link.id || position->journal != link.journal)
        return fail(
            Error(Errc::conflict, "Another link speaks for this server now.").with_code("replaced")
        );
    return *position;
}

Result<proto::Deliver> Operations::delivery(
    store::Connection& db, const api::OrgScope& scope, const Operation& operation
) {
    FAIRLEAD_TRY(args, OperationRepo(db, scope).args(operation.id));
    proto::Deliver deliver;
    auto& to = deliver.operation;
    to.id = operation.id.str();
    to.kind = operation.kind;
    to.fence = operation.fence.value_or(0);
    to.deadline_ms = left_ms(operation, parts_.clock.now());
    to.requested_by = operation.requested_by_email;
    to.args = boost::json::parse(args);
    for (auto* effects : effects_) {
        FAIRLEAD_TRY(secrets, effects->secrets(db, scope, operation, args));
        to.secrets.merge(secrets);
    }
    return deliver;
}

Result<Attached>
Operations::attach(store::UnitOfWork& unit, const AgentLink& link, const proto::Hello& hello) {
    OperationRepo repo(unit.db(), link.scope);
    auto now = parts_.clock.now();
    FAIRLEAD_TRY(stored, repo.journal(link.server));
    auto position = stored.value_or(JournalPosition{});
    bool same = stored && position.journal == hello.journal;
    // Fences that we never gave, reports that we never acknowledged: this controller was restored
    // from a copy and has forgotten what it asked, or what it heard.
    bool forgot =
        hello.highest_fence > position.fence || (same && hello.acknowledged > position.last_seq);
    if (stored && forgot)
        log::warning(
            "a server knows later operations than this controller: it was restored from a copy",
            {{"server", link.server.str()},
             {"fence", position.fence},
             {"servers_fence", hello.highest_fence}}
        );

    Attached attached;
    attached.acknowledged = std::max(
        same ? std::min(position.last_seq, hello.last_seq) : 0,
        std::min(hello.acknowledged, hello.last_seq)
    );
    position = {
        hello.journal, attached.acknowledged, std::max(position.fence, hello.highest_fence),
        link.id};
    FAIRLEAD_CHECK(repo.put_journal(link.server, position));

    std::set<std::string, std::less<>> active(hello.active.begin(), hello.active.end());
    FAIRLEAD_TRY(open, repo.open_of(link.server, max_queued + max_outstanding));
    // Redelivered in the order of their fences.
    std::stable_sort(open.begin(), open.end(), [](const Operation& a, const Operation& b) {
        return a.fence.value_or(UINT64_MAX) < b.fence.value_or(UINT64_MAX);
    });
    for (auto& operation : open) {
        auto before = operation.state;
        bool in_journal = active.contains(operation.id.str());
        bool answers = in_journal;
        if (in_journal) {
            // Its reports follow. Where we saw none yet, they may also say that the journal does
            // not know it.
            operation.state = operation.started_ms ? State::running : State::unknown;
        } else if (before == State::queued && !forgot) {
            continue; // due() hands it out, or it expires
        } else if (!operation.started_ms && operation.fence && same) {
            // Never seen to arrive. The journal takes it once, whatever happened to the first copy.
            operation.state = State::delivered;
            auto again = delivery(unit.db(), link.scope, operation);
            if (!again) {
                proto::Finished finished;
                finished.error =
                    proto::OperationError{"secrets_unavailable", again.error().message(), ""};
                FAIRLEAD_CHECK(finish(unit, link.scope, operation, finished, now));
                continue;
            }
            attached.messages.emplace_back(std::move(*again));
            answers = true;
        } else {
            operation.state = State::unknown;
            attached.messages.emplace_back(proto::Query{operation.id.str()});
        }
        operation.cancel_sent = operation.cancel_requested && answers;
        if (operation.cancel_sent)
            attached.messages.emplace_back(proto::Cancel{operation.id.str()});
        if (operation.state != before)
            FAIRLEAD_CHECK(move(unit, link.scope, operation));
        else
            FAIRLEAD_CHECK(repo.update(operation));
    }
    // What we ended as never delivered since we were restored may have been delivered before.
    if (forgot) FAIRLEAD_CHECK(repo.doubt_undelivered(link.server, now - doubt));
    FAIRLEAD_TRY(doubtful, repo.doubted(link.server));
    for (const auto& operation : doubtful) {
        attached.messages.emplace_back(proto::Query{operation.id.str()});
        if (operation.state == State::cancelled && active.contains(operation.id.str()))
            attached.messages.emplace_back(proto::Cancel{operation.id.str()});
    }
    return attached;
}

void Operations::hand_out(
    store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server
) {
    auto wake = [&links = parts_.links, server] { links.wake(server); };
    // Others' operations wait for this server too, whatever projects the caller is limited to.
    auto whole = api::ScopeIssuer::scope(scope.org());
    // After the caller's unit: what delivery() reads is written by then.
    unit.follow_with(
        [this, scope = std::move(whole), server, wake](store::UnitOfWork& next) -> Result<> {
            FAIRLEAD_TRY(position, OperationRepo(next.db(), scope).journal(server));
            if (!position || position->link.empty()) return {};
            FAIRLEAD_TRY(more, due(next, {scope, server, position->journal, position->link}));
            if (more) next.after_commit(wake);
            return {};
        },
        wake
    );
}

Result<bool> Operations::due(store::UnitOfWork& unit, const AgentLink& link) {
    constexpr std::int64_t at_once = 32;
    OperationRepo repo(unit.db(), link.scope);
    auto now = parts_.clock.now();
    FAIRLEAD_TRY(position, position_of(repo, link));
    std::vector<std::string> messages;
    bool more = false;

    FAIRLEAD_TRY(outstanding, repo.count_outstanding(link.server));
    auto room = std::min(at_once, max_outstanding - outstanding);
    FAIRLEAD_TRY(updating, repo.is_updating(link.server));
    if (room > 0 && !updating) {
        FAIRLEAD_TRY(queued, repo.queued_of(link.server, now, room + 1));
        more = static_cast<std::int64_t>(queued.size()) > room;
        if (more) queued.pop_back();
        auto fence = position.fence;
        for (auto& operation : queued) {
            if (updating) break; // what comes behind the agent's own update waits for its end
            operation.fence = position.fence + 1;
            auto message = delivery(unit.db(), link.scope, operation);
            if (!message) {
                operation.fence.reset();
                proto::Finished finished;
                finished.error =
                    proto::OperationError{"secrets_unavailable", message.error().message(), ""};
                FAIRLEAD_CHECK(finish(unit, link.scope, operation, finished, now));
                continue;
            }
            ++position.fence;
            operation.state = State::delivered;
            operation.delivered_ms = now;
            updating = operation.kind == proto::kind::agent_update;
            FAIRLEAD_CHECK(move(unit, link.scope, operation));
            messages.push_back(proto::encode(proto::ToAgent(std::move(*message))));
        }
        more = more && !updating;
        if (position.fence != fence) FAIRLEAD_CHECK(repo.put_journal(link.server, position));
    }

    FAIRLEAD_TRY(to_cancel, repo.to_cancel_of(link.server));
    for (auto& operation : to_cancel) {
        operation.cancel_sent = true;
        FAIRLEAD_CHECK(repo.update(operation));
        messages.push_back(proto::encode(proto::ToAgent(proto::Cancel{operation.id.str()})));
    }
    // Lost when the process ends between commit and send, or the link does: attach() brings again
    // what never arrived.
    if (!messages.empty())
        unit.after_commit([&links = parts_.links, server = link.server, id = link.id,
                           texts = std::move(messages)]() mutable {
            links.send(server, std::move(id), std::move(texts));
        });
    return more;
}

Result<bool> Operations::detach(store::UnitOfWork& unit, const AgentLink& link) {
    OperationRepo repo(unit.db(), link.scope);
    FAIRLEAD_TRY(position, repo.journal(link.server));
    if (!position || position->link != link.id) return false;
    position->link.clear();
    FAIRLEAD_CHECK(repo.put_journal(link.server, *position));
    FAIRLEAD_TRY(open, repo.open_of(link.server, max_queued + max_outstanding));
    for (auto& operation : open) {
        if (operation.state != State::delivered && operation.state != State::running) continue;
        operation.state = State::unknown;
        operation.cancel_sent = false;
        FAIRLEAD_CHECK(move(unit, link.scope, operation));
    }
    return true;
}

} // namespace fairlead::operations
