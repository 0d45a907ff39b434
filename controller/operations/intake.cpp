/// Reports of servers, stored once and in order.
#include "common/runtime/log.hpp"
#include "controller/operations/operations.hpp"
#include "controller/operations/view.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace fairlead::operations {

/// One batch. Each operation is read once and written once; its news goes out together.
class Operations::Intake {
public:
    Intake(Operations& operations, store::UnitOfWork& unit, const AgentLink& link)
        : operations_(operations), unit_(unit), link_(link), repo_(unit.db(), link.scope),
          now_(operations.parts_.clock.now()) {}

    Result<> take(const proto::Report& report) {
        FAIRLEAD_TRY(entry, find(report));
        // Of an operation that this controller never had: it was restored from a copy.
        if (!entry) return {};
        if (report.kind == proto::ReportKind::finished && is_final(entry->operation.state))
            FAIRLEAD_CHECK(repo_.trust(entry->operation.id));
        if (is_final(entry->operation.state) && !mistaken(entry->operation, report)) return {};
        auto& operation = entry->operation;
        auto at = std::clamp(
            from_ms(report.at_ms), operation.created_ms, std::max(now_, operation.created_ms)
        );
        if (report.kind == proto::ReportKind::finished) return finish(*entry, report, at);
        if (operation.state != State::running) {
            operation.state = State::running;
            if (!operation.delivered_ms) operation.delivered_ms = at;
            entry->moved = true;
        }
        if (!operation.started_ms) {
            operation.started_ms = at;
            entry->moved = true;
        }
        if (report.step) FAIRLEAD_CHECK(step(*entry, *report.step, at));
        for (const auto& line : report.lines) FAIRLEAD_CHECK(this->line(*entry, line));
        return {};
    }

    /// Writes what is left to write.
    Result<> complete() {
        for (auto& [id, entry] : entries_) {
            if (!entry) continue;
            api::publish(unit_, operations_.parts_.events, std::move(entry->events));
            if (entry->finished) continue;
            if (entry->moved)
                FAIRLEAD_CHECK(operations_.move(unit_, link_.scope, entry->operation));
            else if (entry->logged)
                FAIRLEAD_CHECK(repo_.update(entry->operation));
        }
        if (!any_finished_) return {};
        FAIRLEAD_TRY(waiting, repo_.count_queued(link_.server));
        if (waiting > 0) operations_.hand_out(unit_, link_.scope, link_.server);
        return {};
    }

private:
    /// A final state stays, with one exception: that nothing was delivered was said by a controller
    /// that had forgotten.
    static bool mistaken(const Operation& operation, const proto::Report& report) {
        // What a server ended itself has a start.
        bool by_us = !operation.started_ms &&
                     (operation.state == State::cancelled || operation.state == State::expired);
        return by_us && report.kind == proto::ReportKind::finished && report.finished &&
               !(report.finished->error && report.finished->error->code == "journal_unknown");
    }

    struct Entry {
        Operation operation;
        std::vector<api::Event> events;
        bool moved = false;
        bool logged = false;
        bool finished = false;
    };

    Result<Entry*> find(const proto::Report& report) {
        const auto& id = report.operation;
        auto known = entries_.find(id);
        if (known == entries_.end()) {
            std::optional<Entry> entry;
            if (auto parsed = OperationId::parse(id)) {
                FAIRLEAD_TRY(row, repo_.find(*parsed));
                if (!row && report.born && report.kind == proto::ReportKind::accepted) {
                    FAIRLEAD_TRY(born, take_over(*parsed, report));
                    row = std::move(born);
                }
                // A server speaks for its own operations only.
                if (row && row->server_id == link_.server)
                    entry = Entry{std::move(*row), {}, false, false, false};
            }
            if (!entry)
                log::info(
                    "a report names an operation that is not known here",
                    {{"server", link_.server.str()}, {"operation", cut(id, 64)}}
                );
            known = entries_.emplace(id, std::move(entry)).first;
        }
        return known->second ? &*known->second : nullptr;
    }

    /// An operation that the server began by itself gets its row, as a running one. Nothing where
    /// it is not to be believed, or the server begins too many.
    Result<std::optional<Operation>> take_over(const OperationId& id, const proto::Report& report) {
        const auto& born = *report.born;
        auto refused = [&](std::string_view why) {
            log::warning(
                "an operation that a server began by itself is not taken over",
                {{"server", link_.server.str()},
                 {"operation", id.str()},
                 {"kind", cut(born.kind, 64)},
                 {"reason", why}}
            );
            return std::optional<Operation>();
        };
        std::optional<Origin> origin;
        if (born.requested_by == "schedule") origin = Origin::schedule;
        if (born.requested_by == "root") origin = Origin::root;
        if (!origin) return refused("it names neither its schedule nor root");
        FAIRLEAD_TRY(count, repo_.count_born(link_.server, now_ - std::chrono::hours(24)));
        if (count >= max_born_a_day) return refused("there were too many within a day");

        for (auto* effects : operations_.effects_) {
            FAIRLEAD_TRY(wanted, effects->born(unit_, link_.scope, link_.server, born));
            if (!wanted) continue;
            if (wanted->args.size() > max_born_args_bytes)
                return refused("its arguments are too large");
            Operation operation;
            operation.id = id;
            operation.server_id = link_.server;
            operation.environment_id = wanted->environment;
            operation.project_id = wanted->project;
            operation.kind = wanted->kind;
            operation.target_name = wanted->target_name;
            operation.requested_by_email = born.requested_by;
            operation.origin = *origin;
            // Of what came before the controller could hear of it, a week and more is as long ago.
            auto earliest = now_ - std::chrono::hours(24 * 90);
            auto at = std::clamp(from_ms(report.at_ms), earliest, now_);
            operation.created_ms = operation.deadline_ms = at;
            operation.state = State::running;
            FAIRLEAD_TRY(stored, repo_.insert(operation, wanted->args));
            if (!stored) return refused("its id is another operation's");
            FAIRLEAD_CHECK(repo_.mark_born(id, now_));
            operation.delivered_ms = operation.started_ms = at;
            FAIRLEAD_CHECK(repo_.update(operation));
            wanted->facts["requested_by"] = born.requested_by;
            operations_.record(unit_, link_.scope, actor(), operation, std::move(wanted->facts));
            FAIRLEAD_CHECK(effects->taken_over(unit_, link_.scope, operation, wanted->args));
            FAIRLEAD_CHECK(operations_.move(unit_, link_.scope, operation));
            return std::optional(std::move(operation));
        }
        return refused("there is no such environment on this server, or no such act");
    }

    api::Actor actor() const {
        api::Actor server;
        server.kind = api::Actor::Kind::server;
        server.id = link_.server.str();
        server.label = link_.server.str();
        return server;
    }

    Result<> step(Entry& entry, const proto::StepReport& report, Timestamp at) {
        if (report.index >= max_steps) return {};
        FAIRLEAD_TRY(before, repo_.step(entry.operation.id, report.index));
        Step step = before.value_or(Step{});
        step.position = report.index;
        step.name = cut(report.name, 64);
        step.title = cut(report.title, 200);
        step.state = report.state;
        step.percent = std::min(report.percent, 100u);
        step.detail = cut(report.detail, 1000);
        bool begun =
            report.state != proto::StepState::pending && report.state != proto::StepState::skipped;
        if (begun && !step.started_ms) step.started_ms = at;
        if (!begun) step.started_ms.reset(); // it was looked at, and not needed
        bool over = begun && report.state != proto::StepState::running;
        step.finished_ms = over ? std::optional(at) : std::nullopt;
        FAIRLEAD_CHECK(repo_.put_step(entry.operation.id, step));
        add_events(entry.events, link_.scope.org(), entry.operation, step);
        return {};
    }

    Result<> line(Entry& entry, const proto::LogLine& from) {
        auto& operation = entry.operation;
        if (operation.log_lines >= max_log_lines || operation.log_bytes >= max_log_bytes) return {};
        LoggedLine line;
        line.seq = ++operation.log_lines;
        line.time_ms = from_ms(std::clamp<std::int64_t>(from.time_ms, 0, to_ms(now_)));
        line.level = from.level;
        line.step = cut(from.step, 64);
        line.text = cut(from.text, max_line_bytes);
        operation.log_bytes += static_cast<std::int64_t>(line.text.size());
        if (operation.log_lines == max_log_lines || operation.log_bytes >= max_log_bytes) {
            line.level = proto::LogLevel::warning;
            line.text =
                "The log of this operation has reached its limit; further lines are left out.";
        }
        entry.logged = true;
        FAIRLEAD_CHECK(repo_.add_line(operation.id, line));
        add_events(entry.events, link_.scope.org(), operation, line);
        return {};
    }

    Result<> finish(Entry& entry, const proto::Report& report, Timestamp at) {
        auto& operation = entry.operation;
        auto finished = report.finished.value_or(proto::Finished{});
        if (!report.finished)
            finished.error = proto::OperationError{
                "bad_report", "The server reported an end without an outcome.", ""};
        bool unknown_there = finished.error && finished.error->code == "journal_unknown";
        // It is on its way there on this very link, and what asked for it (a cancel) was faster.
        if (unknown_there && operation.state == State::delivered) return {};
        if (unknown_there && !operation.started_ms) {
            // It never arrived.
            if (!operation.fence && !operation.cancel_requested && operation.deadline_ms > now_) {
                operation.state = State::queued;
                entry.moved = any_finished_ = true;
                return {};
            }
            finished = {};
            finished.outcome =
                operation.cancel_requested ? proto::Outcome::cancelled : proto::Outcome::expired;
            finished.note = "it never reached its server";
        } else if (!operation.started_ms) {
            operation.started_ms = at;
        }
        if (!operation.delivered_ms && !unknown_there) operation.delivered_ms = at;
        // Steps and lines come before the end, for those who watch.
        api::publish(unit_, operations_.parts_.events, std::move(entry.events));
        entry.events.clear();
        if (finished.error && finished.error->code == "policy_refused")
            record_refusal(operation, *finished.error);
        FAIRLEAD_CHECK(operations_.finish(unit_, link_.scope, operation, finished, at));
        entry.finished = any_finished_ = true;
        return {};
    }

    /// That somebody asked is in the audit log already; that the server's owner had forbidden it
    /// belongs there too.
    void record_refusal(const Operation& operation, const proto::OperationError& error) {
        api::Act act;
        act.action = operation.kind;
        act.target_type = operation.environment_id ? "environment" : "server";
        act.target_id =
            operation.environment_id ? operation.environment_id->str() : operation.server_id.str();
        act.target_name = operation.target_name;
        act.outcome = api::Act::Outcome::refused;
        act.after = boost::json::object{
            {"operation_id", operation.id.str()},
            {"code", error.code},
            {"message", cut(error.message, 500)}};
        operations_.parts_.audit.record(unit_, link_.scope, actor(), std::move(act));
    }

    Operations& operations_;
    store::UnitOfWork& unit_;
    const AgentLink& link_;
    OperationRepo repo_;
    Timestamp now_;
    std::map<std::string, std::optional<Entry>> entries_;
    bool any_finished_ = false;
};

Result<std::uint64_t> Operations::accept(
    store::UnitOfWork& unit, const AgentLink& link, const std::vector<proto::Report>& reports
) {
    OperationRepo repo(unit.db(), link.scope);
    FAIRLEAD_TRY(position, position_of(repo, link));
    auto before = position.last_seq;
    Intake intake(*this, unit, link);
    for (const auto& report : reports) {
        if (report.seq <= position.last_seq) continue;
        if (report.seq != position.last_seq + 1)
            return fail(Error(
                            Errc::conflict, fmt::format(
                                                "Report {} came where {} was due.", report.seq,
                                                position.last_seq + 1
                                            )
            )
                            .with_code("report_gap"));
        FAIRLEAD_CHECK(intake.take(report));
        position.last_seq = report.seq;
    }
    FAIRLEAD_CHECK(intake.complete());
    if (position.last_seq != before) FAIRLEAD_CHECK(repo.put_journal(link.server, position));
    return position.last_seq;
}

} // namespace fairlead::operations
