/// What the journal's own files share.
#pragma once

#include "agent/journal/journal.hpp"
#include "common/runtime/utf8.hpp"
#include "proto/codec.hpp"

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

/// What the journal has written; older agents wrote the bytes of strangers as they came.
template <class T>
Result<T> read_back(std::string_view text) {
    if (utf8::valid(text)) return proto::read_text<T>(text);
    return proto::read_text<T>(utf8::repaired(text));
}

/// What is told in the place of what cannot be read back.
inline constexpr const char* unreadable =
    "The server cannot read what it noted here; its own log says more.";

/// Dies where a crash test asks for it: after the n-th record from now, once. The file that
/// FAIRLEAD_TEST_CRASH_AT names holds n. Does nothing in a release.
void crash_point();

template <class Work>
void Journal::durably(Work&& work) {
    auto once = [&] {
        must(db_.transaction([&]() -> Result<> {
            work();
            return {};
        }));
    };
    std::lock_guard lock(mutex_);
    if (db_.in_transaction()) return work(); // inside together(), whose commit it shares
    try {
        once();
    } catch (const store::StoreError& error) {
        // `work` runs a second time: it must not have used up what it was given.
        if (error.kind() != store::StoreError::Kind::full || !ballast_.drop()) throw;
        once();
    }
}

template <class Work>
void Journal::commit(Work&& work) {
    std::lock_guard lock(mutex_);
    durably(work);
    if (notify_ && !db_.in_transaction()) notify_();
}

} // namespace fairlead::journal
