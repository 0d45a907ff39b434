/// Values that the master key sealed, wherever a subject keeps them.
#pragma once

#include "common/runtime/result.hpp"
#include "common/store/connection.hpp"

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

} // namespace fairlead::api
