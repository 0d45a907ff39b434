#include "agent/journal/journal.hpp"

#include "agent/journal/schema.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <stdexcept>
#include <tuple>

#ifdef FAIRLEAD_TEST_HOOKS
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#endif

namespace fairlead::journal {
namespace {

using proto::ReportKind;

/// None of the journal's own statements can violate a constraint that its caller could act on.
template <class T>
T must(Result<T> result) {
    if (!result) throw std::logic_error(result.error().message() + " " + result.error().detail());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Dies where a crash test asks for it: after the n-th record from now, once. The file that the
/// environment names holds n.
void crash_point() {
#ifdef FAIRLEAD_TEST_HOOKS
    static const char* name = std::getenv("FAIRLEAD_TEST_CRASH_AT");
    if (!name) return;
    auto text = read_file(name, 32);
    if (!text) return;
    auto left = std::atol(text->c_str()) - 1;
    if (left > 0) {
        (void)write_file(name, std::to_string(left), 0600);
        return;
    }
    ::unlink(name);
    ::kill(::getpid(), SIGKILL);
#endif
}

std::string cut(std::string text, std::size_t limit) {
    if (text.size() <= limit) return text;
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
    text.resize(limit);
    return text + "…";
}

proto::Finished failed(std::string code, std::string message) {
    proto::Finished finished;
    finished.outcome = proto::Outcome::failed;
    finished.error = proto::OperationError{std::move(code), std::move(message), {}};
    return finished;
}

} // namespace

Journal::Journal(const std::filesystem::path& file, const Clock& clock, Limits limits)
    : db_(file), clock_(clock), limits_(limits) {
    store::migrate(db_, migrations, clock_.now());
    auto name = must(db_.one<std::string>("SELECT name FROM journal"));
    if (!name) {
        name = "jrn_" + new_ulid(clock_.now());
        must(db_.run(
            "INSERT INTO journal (name, last_seq, acknowledged, highest_fence, pruned_fence)"
            " VALUES ($1, 0, 0, 0, 0)",
            *name
        ));
    }
    name_ = *name;
}

template <class Work>
void Journal::commit(Work&& work) {
    {
        std::lock_guard lock(mutex_);
        must(db_.transaction([&]() -> Result<> {
            work();
            return {};
        }));
    }
    if (notify_) notify_();
}

proto::ExecutorStatus Journal::status() {
    std::lock_guard lock(mutex_);
    auto row = must(db_.one<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>>(
        "SELECT highest_fence, last_seq, acknowledged FROM journal"
    ));
    proto::ExecutorStatus status;
    status.journal = name_;
    std::tie(status.highest_fence, status.last_seq, status.acknowledged) = *row;
    status.active = must(db_.all<std::string>(
        "SELECT id FROM operation WHERE state <> 'finished'"
        " UNION SELECT operation FROM report WHERE operation <> '' ORDER BY 1 LIMIT 1000"
    ));
    return status;
}

std::uint64_t Journal::add_report(proto::Report report) {
    report.seq =
        *must(db_.one<std::uint64_t>("UPDATE journal SET last_seq = last_seq + 1 RETURNING last_seq"
        ));
    report.at_ms = to_ms(clock_.now());
    must(db_.run(
        "INSERT INTO report (seq, operation, kind, body) VALUES ($1, $2, $3, $4)", report.seq,
        report.operation, json::enum_name(report.kind), proto::write_text(report)
    ));
    return report.seq;
}

void Journal::add_finished(std::string_view operation, const proto::Finished& finished) {
    proto::Report report;
    report.operation = operation;
    report.kind = ReportKind::finished;
    report.finished = finished;
    add_report(std::move(report));
}

void Journal::report_again(std::string_view operation) {
    using Row = std::tuple<std::string, std::optional<std::string>>;
    auto row = must(db_.one<Row>("SELECT state, finished FROM operation WHERE id = $1", operation));
    bool done = row && std::get<0>(*row) == "finished";
    std::string_view kind = !row || done ? "finished" : "accepted";
    // What is not acknowledged yet is sent anyhow; a second copy would only let a peer fill the
    // disk.
    if (must(db_.one<std::int64_t>(
            "SELECT seq FROM report WHERE operation = $1 AND kind = $2 LIMIT 1", operation, kind
        )))
        return;
    if (!row)
        return add_finished(
            operation, failed(
                           "journal_unknown",
                           "The server's journal does not know this operation: "
                           "it was never accepted here, or so long ago that it is forgotten."
                       )
        );
    if (done)
        return add_finished(operation, must(proto::read_text<proto::Finished>(*std::get<1>(*row))));
    proto::Report report;
    report.operation = operation;
    report.kind = ReportKind::accepted;
    add_report(std::move(report));
}

Delivered
Journal::insert(const proto::Operation& operation, std::string_view slug, std::string_view state) {
    if (must(db_.one<std::int64_t>("SELECT 1 FROM operation WHERE id = $1", operation.id))) {
        report_again(operation.id);
        return Delivered::known;
    }
    if (*must(db_.one<std::int64_t>("SELECT count(*) FROM report")) >=
        static_cast<std::int64_t>(limits_.unacknowledged))
        return Delivered::full;
    auto pruned = *must(db_.one<std::uint64_t>("SELECT pruned_fence FROM journal"));
    bool stale = operation.fence <= pruned;
    bool reused =
        !stale &&
        must(db_.one<std::int64_t>("SELECT 1 FROM operation WHERE fence = $1", operation.fence));
    std::optional<std::uint64_t> fence;
    if (!stale && !reused) fence = operation.fence;
    auto now = to_ms(clock_.now());
    must(db_.run(
        "INSERT INTO operation (id, kind, fence, slug, requested_by, args, state, accepted_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        operation.id, operation.kind, fence, slug, operation.requested_by,
        json::serialize(operation.args), state, now
    ));
    if (fence)
        must(db_.run("UPDATE journal SET highest_fence = max(highest_fence, $1)", operation.fence));
    if (!stale && !reused) return Delivered::fresh;

    auto finished =
        stale ? failed(
                    "fence_stale", fmt::format(
                                       "Fence {} is not above {}, which this server has already "
                                       "passed and forgotten: ask for a new operation.",
                                       operation.fence, pruned
                                   )
                )
              : failed(
                    "fence_reused", fmt::format(
                                        "Fence {} was used by another operation of this server: "
                                        "ask for a new operation.",
                                        operation.fence
                                    )
                );
    must(db_.run(
        "UPDATE operation SET state = 'finished', finished = $2, finished_ms = $3 WHERE id = $1",
        operation.id, proto::write_text(finished), now
    ));
    add_finished(operation.id, finished);
    return stale ? Delivered::fence_stale : Delivered::fence_reused;
}

Delivered Journal::deliver(const proto::Operation& operation, std::string_view slug) {
    auto delivered = Delivered::full;
    commit([&] {
        delivered = insert(operation, slug, "accepted");
        if (delivered != Delivered::fresh) return;
        proto::Report report;
        report.operation = operation.id;
        report.kind = ReportKind::accepted;
        add_report(std::move(report));
        prune();
    });
    if (delivered == Delivered::fresh) crash_point();
    return delivered;
}

Delivered Journal::refuse(const proto::Operation& operation, const proto::OperationError& error) {
    auto delivered = Delivered::full;
    commit([&] {
        delivered = insert(operation, "", "accepted");
        if (delivered != Delivered::fresh) return;
        proto::Finished finished;
        finished.error = error;
        must(db_.run(
            "UPDATE operation SET state = 'finished', finished = $2, finished_ms = $3 WHERE id = "
            "$1",
            operation.id, proto::write_text(finished), to_ms(clock_.now())
        ));
        add_finished(operation.id, finished);
        prune();
    });
    return delivered;
}

void Journal::query(std::string_view operation) {
    commit([&] {
        if (*must(db_.one<std::int64_t>("SELECT count(*) FROM report")) <
            static_cast<std::int64_t>(limits_.unacknowledged))
            report_again(operation);
    });
}

bool Journal::cancel(std::string_view operation) {
    bool known = false;
    commit([&] {
        known =
            must(db_.run(
                "UPDATE operation SET cancel = 1 WHERE id = $1 AND state <> 'finished'", operation
            )) > 0;
        if (!known) report_again(operation);
    });
    return known;
}

void Journal::set_state(std::string_view operation, std::string_view state) {
    commit([&] {
        must(db_.run(
            "UPDATE operation SET state = $2 WHERE id = $1 AND state <> 'finished'", operation,
            state
        ));
    });
    crash_point();
}

void Journal::step(std::string_view operation, const proto::StepReport& step) {
    commit([&] {
        must(db_.run(
            "INSERT INTO step (operation, position, report) VALUES ($1, $2, $3)"
            " ON CONFLICT (operation, position) DO UPDATE SET report = excluded.report",
            operation, step.index, proto::write_text(step)
        ));
        // Of the percentages of one step only the last matters to a controller that was away.
        proto::Report report;
        report.operation = operation;
        report.kind = ReportKind::step;
        report.step = step;
        add_report(std::move(report));
    });
    crash_point();
}

void Journal::log(std::string_view operation, std::vector<proto::LogLine> lines) {
    if (lines.empty()) return;
    commit([&] {
        using Row = std::tuple<std::size_t, std::size_t>;
        auto row =
            must(db_.one<Row>("SELECT log_lines, log_bytes FROM operation WHERE id = $1", operation)
            );
        if (!row) return;
        auto [count, bytes] = *row;
        if (count >= limits_.log_lines || bytes >= limits_.log_bytes) return;
        proto::Report report;
        report.operation = operation;
        report.kind = ReportKind::log;
        for (auto& line : lines) {
            line.text = cut(std::move(line.text), limits_.line_bytes);
            ++count;
            bytes += line.text.size();
            if (count < limits_.log_lines && bytes < limits_.log_bytes) {
                report.lines.push_back(std::move(line));
                continue;
            }
            report.lines.push_back(
                {line.time_ms, proto::LogLevel::warning, line.step,
                 "The log of this operation has reached its limit; further lines are left out."}
            );
            count = std::max(count, limits_.log_lines);
            break;
        }
        must(db_.run(
            "UPDATE operation SET log_lines = $2, log_bytes = $3 WHERE id = $1", operation, count,
            bytes
        ));
        add_report(std::move(report));
    });
}

void Journal::finish(std::string_view operation, const proto::Finished& finished) {
    commit([&] {
        auto changed = must(db_.run(
            "UPDATE operation SET state = 'finished', finished = $2, finished_ms = $3"
            " WHERE id = $1 AND state <> 'finished'",
            operation, proto::write_text(finished), to_ms(clock_.now())
        ));
        if (changed == 0) return;
        must(db_.run("DELETE FROM fact WHERE operation = $1", operation));
        add_finished(operation, finished);
    });
    crash_point();
}

void Journal::remember(std::string_view operation, std::string_view name, std::string_view value) {
    commit([&] {
        must(db_.run(
            "INSERT INTO fact (operation, name, value) VALUES ($1, $2, $3)"
            " ON CONFLICT (operation, name) DO UPDATE SET value = excluded.value",
            operation, name, value
        ));
    });
    crash_point();
}

std::map<std::string, std::string> Journal::facts(std::string_view operation) {
    std::lock_guard lock(mutex_);
    using Row = std::tuple<std::string, std::string>;
    std::map<std::string, std::string> facts;
    for (auto& [name, value] : must(
             db_.all<Row>("SELECT name, value FROM fact WHERE operation = $1 LIMIT 1000", operation)
         ))
        facts.emplace(std::move(name), std::move(value));
    return facts;
}

std::vector<Unfinished> Journal::unfinished() {
    std::lock_guard lock(mutex_);
    using Row = std::tuple<
        std::string, std::string, std::string, std::string, std::string, std::string, bool>;
    std::vector<Unfinished> found;
    for (auto& row :
         must(db_.all<Row>("SELECT id, kind, slug, requested_by, args, state, cancel FROM operation"
                           " WHERE state <> 'finished' ORDER BY number LIMIT 1000"))) {
        Unfinished one;
        std::string args;
        std::tie(
            one.operation.id, one.operation.kind, one.slug, one.operation.requested_by, args,
            one.state, one.cancel
        ) = std::move(row);
        one.operation.args = must(json::parse(args));
        for (const auto& text : must(db_.all<std::string>(
                 "SELECT report FROM step WHERE operation = $1 ORDER BY position LIMIT 1000",
                 one.operation.id
             )))
            one.steps.push_back(must(proto::read_text<proto::StepReport>(text)));
        found.push_back(std::move(one));
    }
    return found;
}

std::vector<proto::Report>
Journal::reports_after(std::uint64_t seq, std::size_t count, std::size_t bytes) {
    std::lock_guard lock(mutex_);
    auto texts = must(db_.all<std::string>(
        "SELECT body FROM report WHERE seq > $1 ORDER BY seq LIMIT $2", seq, count
    ));
    std::vector<proto::Report> reports;
    std::size_t size = 0;
    for (const auto& text : texts) {
        size += text.size();
        if (!reports.empty() && size > bytes) break;
        reports.push_back(must(proto::read_text<proto::Report>(text)));
    }
    return reports;
}

void Journal::acknowledge(std::uint64_t seq) {
    std::lock_guard lock(mutex_);
    must(db_.transaction([&]() -> Result<> {
        // An acknowledgement of what was never sent must not swallow what comes.
        auto last = *must(db_.one<std::uint64_t>("SELECT last_seq FROM journal"));
        auto upto = std::min(seq, last);
        must(db_.run("DELETE FROM report WHERE seq <= $1", upto));
        must(db_.run("UPDATE journal SET acknowledged = max(acknowledged, $1)", upto));
        return {};
    }));
}

void Journal::prune() {
    auto count = *must(db_.one<std::int64_t>("SELECT count(*) FROM operation"));
    auto surplus = count - static_cast<std::int64_t>(limits_.operations);
    if (surplus <= 0) return;
    auto fence = must(db_.one<std::optional<std::uint64_t>>(
        "SELECT max(fence) FROM (SELECT fence FROM operation WHERE state = 'finished' ORDER BY "
        "number LIMIT $1)",
        surplus
    ));
    if (fence && *fence)
        must(db_.run("UPDATE journal SET pruned_fence = max(pruned_fence, $1)", **fence));
    must(db_.run(
        "DELETE FROM operation WHERE number IN"
        " (SELECT number FROM operation WHERE state = 'finished' ORDER BY number LIMIT $1)",
        surplus
    ));
}

} // namespace fairlead::journal
