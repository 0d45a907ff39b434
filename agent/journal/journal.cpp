#include "agent/journal/journal.hpp"

#include "agent/journal/inside.hpp"
#include "agent/journal/schema.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/log.hpp"
#include "proto/codec.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

#ifdef FAIRLEAD_TEST_HOOKS
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#endif

namespace fairlead::journal {

using proto::ReportKind;

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

Journal::Journal(const std::filesystem::path& file, const Clock& clock, Limits limits)
    : db_(file), ballast_(file.string() + ".ballast"), clock_(clock), limits_(limits) {
    // Of a newer agent that was taken back. Its steps only added.
    auto schema = store::schema_version(db_);
    if (schema > static_cast<int>(std::size(migrations)))
        log::warning("the journal was written by a newer agent", {{"schema", schema}});
    else
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
    // Again: a controller restored from an older copy may not have the first report.
    report.born = birth(operation);
    add_report(std::move(report));
}

std::vector<proto::Report>
Journal::reports_after(std::uint64_t seq, std::size_t count, std::size_t bytes) {
    std::lock_guard lock(mutex_);
    using Row = std::tuple<std::uint64_t, std::string, std::string, std::string>;
    auto rows = must(db_.all<Row>(
        "SELECT seq, operation, kind, body FROM report WHERE seq > $1 ORDER BY seq LIMIT $2", seq,
        count
    ));
    std::vector<proto::Report> reports;
    std::size_t size = 0;
    for (const auto& [number, operation, kind, text] : rows) {
        size += text.size();
        if (!reports.empty() && size > bytes) break;
        auto report = read_back<proto::Report>(text);
        if (!report)
            log::error(
                "a report cannot be read and is told without its contents",
                {{"seq", number}, {"operation", operation}, {"why", report.error().message()}}
            );
        reports.push_back(report ? std::move(*report) : stand_in(number, operation, kind));
    }
    return reports;
}

proto::Report
Journal::stand_in(std::uint64_t seq, const std::string& operation, std::string_view kind) {
    proto::Report report;
    report.seq = seq;
    report.operation = operation;
    report.at_ms = to_ms(clock_.now());
    report.kind = json::enum_from<ReportKind>(kind).value_or(ReportKind::log);
    if (report.kind == ReportKind::accepted) {
        report.born = birth(operation);
    } else if (report.kind == ReportKind::finished) {
        report.finished.emplace().error =
            proto::OperationError{"report_unreadable", unreadable, {}};
        report.born = birth(operation);
    } else {
        report.kind = ReportKind::log;
        report.lines.push_back({report.at_ms, proto::LogLevel::warning, {}, unreadable});
    }
    return report;
}

/// For the next one, where an operation before it used it up and the disk has room again.
void Journal::hold_ballast() {
    std::lock_guard lock(mutex_);
    ballast_.hold();
}

bool Journal::make_room() {
    std::lock_guard lock(mutex_);
    return ballast_.drop_if_full();
}

void Journal::acknowledge(std::uint64_t seq) {
    durably([&] {
        // An acknowledgement of what was never sent must not swallow what comes.
        auto last = *must(db_.one<std::uint64_t>("SELECT last_seq FROM journal"));
        auto upto = std::min(seq, last);
        must(db_.run("DELETE FROM report WHERE seq <= $1", upto));
        must(db_.run("UPDATE journal SET acknowledged = max(acknowledged, $1)", upto));
    });
}

} // namespace fairlead::journal
