/// One piece of work for each of many, where a failure of one is no reason to leave out the others.
#pragma once

#include "common/runtime/result.hpp"

namespace fairlead {

/// Calls `work` for every item, in order; returns the first error, if there was any.
template <class Items, class Work>
Result<> try_each(const Items& items, Work work) {
    Result<> first;
    for (const auto& item : items) {
        Result<> done = work(item);
        if (!done && first) first = std::move(done);
    }
    return first;
}

} // namespace fairlead
