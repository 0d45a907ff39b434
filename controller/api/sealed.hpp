/// Values that the master key sealed, wherever a subject keeps them.
#pragma once

#include "common/runtime/result.hpp"
#include "common/store/connection.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::api {

/// Is shown each sealed value with what it is bound to; gives what shall stand in its place, or
/// nothing. A subject with sealed columns has a `visit_sealed(db, visitor)` that shows all of them,
/// of every organization; `fairlead-controller keys` is its only caller.
using SealedVisitor = std::function<
    Result<std::optional<std::string>>(std::string_view sealed, std::string_view context)>;

/// Shows one value and stores what came back by `put(const store::Blob&)`.
template <class Put>
Result<> visit_one(
    const SealedVisitor& visit, const store::Blob& sealed, std::string_view context, Put&& put
) {
    FAIRLEAD_TRY(renewed, visit(sealed.bytes, context));
    if (renewed) FAIRLEAD_CHECK(put(store::Blob{*std::move(renewed)}));
    return {};
}

/// Rows that each_row() reads at a time.
constexpr std::int64_t rows_at_once = 1000;

/// Shows every row of a table, however many: a query hands out a bounded number of them. `sql` ends
/// with "rowid > $1 ORDER BY rowid LIMIT $2" and selects `rowid AS row`. What `visit` does may
/// change the rows and must not add any.
template <class Row, class Visit>
Result<> each_row(store::Connection& db, store::Sql sql, Visit&& visit) {
    for (std::int64_t after = 0;;) {
        FAIRLEAD_TRY(rows, db.all<Row>(sql, after, rows_at_once));
        for (const auto& row : rows) FAIRLEAD_CHECK(visit(row));
        if (static_cast<std::int64_t>(rows.size()) < rows_at_once) return {};
        after = rows.back().row;
    }
}

} // namespace fairlead::api
