// What an operation under way leaves: states, steps, log lines, facts, its end.
#include "agent/journal/inside.hpp"
#include "common/json/json.hpp"
#include "common/runtime/utf8.hpp"
#include "proto/codec.hpp"

#include <algorithm>
#include <tuple>

namespace fairlead::journal {

using proto::ReportKind;

namespace {

std::string cut(std::string text, std::size_t limit) {
    if (text.size() <= limit) return text;
    return std::string(utf8::cut(text, limit)) + "…";
}

} // namespace

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

void Journal::forget_steps(std::string_view operation) {
    commit([&] { must(db_.run("DELETE FROM step WHERE operation = $1", operation)); });
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
        for (const auto& given : lines) {
            auto line = given;
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
        std::string, std::string, std::uint64_t, std::string, std::string, std::string, std::string,
        bool>;
    std::vector<Unfinished> found;
    for (auto& row : must(db_.all<Row>(
             "SELECT id, kind, ifnull(fence, 0), slug, requested_by, args, state,"
             " cancel FROM operation WHERE state <> 'finished' ORDER BY number LIMIT 1000"
         ))) {
        Unfinished one;
        std::string args;
        std::tie(
            one.operation.id, one.operation.kind, one.operation.fence, one.slug,
            one.operation.requested_by, args, one.state, one.cancel
        ) = std::move(row);
        one.operation.args = must(json::parse(args));
        for (const auto& text : must(db_.all<std::string>(
                 "SELECT report FROM step WHERE operation = $1 ORDER BY position LIMIT 1000",
                 one.operation.id
             )))
            one.steps.push_back(must(read_back<proto::StepReport>(text)));
        found.push_back(std::move(one));
    }
    return found;
}

} // namespace fairlead::journal
