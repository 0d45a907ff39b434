/// What the journal's own files share.
#pragma once

#include "agent/journal/journal.hpp"

#include <stdexcept>
#include <type_traits>
#include <utility>

namespace fairlead::journal {

/// None of the journal's own statements can violate a constraint that its caller could act on.
template <class T>
T must(Result<T> result) {
    if (!result) throw std::logic_error(result.error().message() + " " + result.error().detail());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Dies where a crash test asks for it: after the n-th record from now, once. The file that
/// FAIRLEAD_TEST_CRASH_AT names holds n. Does nothing in a release.
void crash_point();

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

} // namespace fairlead::journal
