// What comes in: an operation is taken once, refused once, and told again to whoever asks again.
#include "agent/journal/inside.hpp"
#include "common/json/json.hpp"
#include "common/runtime/utf8.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <tuple>

namespace fairlead::journal {

using proto::ReportKind;

namespace {

/// How far a fence may be above the highest one before it. A stolen controller that used up all
/// numbers would lock its successor out for ever; like this it takes a billion synced deliveries.
constexpr std::uint64_t furthest_fence = 1ULL << 32;
constexpr std::size_t longest_kind = 64;

proto::Finished failed(std::string code, std::string message) {
    proto::Finished finished;
    finished.outcome = proto::Outcome::failed;
    finished.error = proto::OperationError{std::move(code), std::move(message), {}};
    return finished;
}

} // namespace

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
    if (done) {
        auto finished = read_back<proto::Finished>(*std::get<1>(*row));
        return add_finished(
            operation, finished ? std::move(*finished) : failed("report_unreadable", unreadable)
        );
    }
    proto::Report report;
    report.operation = operation;
    report.kind = ReportKind::accepted;
    report.born = birth(operation);
    add_report(std::move(report));
}

std::optional<proto::Born> Journal::birth(std::string_view operation) {
    auto text = must(
        db_.one<std::string>("SELECT born FROM operation WHERE id = $1 AND born <> ''", operation)
    );
    if (!text) return std::nullopt;
    return must(read_back<proto::Born>(*text));
}

bool Journal::known(std::string_view operation) {
    if (!must(db_.one<std::int64_t>("SELECT 1 FROM operation WHERE id = $1", operation)))
        return false;
    report_again(operation);
    return true;
}

bool Journal::full() {
    return *must(db_.one<std::int64_t>("SELECT count(*) FROM report")) >=
           static_cast<std::int64_t>(limits_.unacknowledged);
}

Delivered
Journal::insert(const proto::Operation& operation, std::string_view slug, std::string_view state) {
    if (known(operation.id)) return Delivered::known;
    if (full()) return Delivered::full;
    auto pruned = *must(db_.one<std::uint64_t>("SELECT pruned_fence FROM journal"));
    auto highest = *must(db_.one<std::uint64_t>("SELECT highest_fence FROM journal"));
    bool far = operation.fence == 0 || operation.fence > highest + furthest_fence;
    bool stale = !far && operation.fence <= pruned;
    bool reused =
        !far && !stale &&
        must(db_.one<std::int64_t>("SELECT 1 FROM operation WHERE fence = $1", operation.fence));
    std::optional<std::uint64_t> fence;
    if (!far && !stale && !reused) fence = operation.fence;
    auto now = to_ms(clock_.now());
    must(db_.run(
        "INSERT INTO operation (id, kind, fence, slug, requested_by, args, state, accepted_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        operation.id, operation.kind, fence, slug, operation.requested_by,
        json::serialize(operation.args), state, now
    ));
    if (fence)
        must(db_.run("UPDATE journal SET highest_fence = max(highest_fence, $1)", operation.fence));
    if (fence) return Delivered::fresh;

    auto finished =
        far ? failed(
                  "fence_invalid", fmt::format(
                                       "Fence {} is 0 or too far above {}, the highest that this "
                                       "server has seen.",
                                       operation.fence, highest
                                   )
              )
        : stale ? failed(
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
    return far     ? Delivered::fence_invalid
           : stale ? Delivered::fence_stale
                   : Delivered::fence_reused;
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
    if (delivered == Delivered::fresh) {
        hold_ballast();
        crash_point();
    }
    return delivered;
}

Delivered
Journal::begin(const proto::Operation& operation, std::string_view slug, const proto::Born& born) {
    auto begun = Delivered::full;
    commit([&] {
        begun = known(operation.id) ? Delivered::known
                : full()            ? Delivered::full
                                    : Delivered::fresh;
        if (begun != Delivered::fresh) return;
        must(db_.run(
            "INSERT INTO operation"
            " (id, kind, fence, slug, requested_by, args, state, accepted_ms, born)"
            " VALUES ($1, $2, NULL, $3, $4, $5, 'accepted', $6, $7)",
            operation.id, operation.kind, slug, operation.requested_by,
            json::serialize(operation.args), to_ms(clock_.now()), proto::write_text(born)
        ));
        proto::Report report;
        report.operation = operation.id;
        report.kind = ReportKind::accepted;
        report.born = born;
        add_report(std::move(report));
        prune();
    });
    if (begun == Delivered::fresh) {
        hold_ballast();
        crash_point();
    }
    return begun;
}

Delivered Journal::refuse(
    const proto::Operation& operation, const proto::OperationError& error, const proto::Born& born
) {
    auto begun = Delivered::full;
    commit([&] {
        begun = begin(operation, "", born);
        if (begun != Delivered::fresh) return;
        proto::Finished finished;
        finished.error = error;
        finish(operation.id, finished);
    });
    return begun;
}

void Journal::together(const std::function<void()>& work) {
    commit(work);
}

Delivered Journal::refuse(const proto::Operation& operation, const proto::OperationError& error) {
    auto delivered = Delivered::full;
    // What is never run need not be kept, however large somebody made it.
    auto bare = operation;
    bare.kind.resize(utf8::cut(bare.kind, longest_kind).size());
    bare.args = boost::json::object();
    commit([&] {
        delivered = insert(bare, "", "accepted");
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
        if (!full()) report_again(operation);
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
