/// Idempotency keys: the same key and request gives the first answer again, for a day.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/store/store.hpp"
#include "controller/api/replays.hpp"
#include "controller/api/sealed.hpp"

#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace fairlead::access {

/// Answers are sealed: some hold a token that is shown once. Thread-safe.
///
/// A key is taken before the request is worked on and its answer stored after: what a crash
/// interrupts in between is never done a second time; its key answers that nobody knows.
class Idempotency final : public api::Replays {
public:
    Idempotency(store::Store& store, const crypto::Keystore& keys) : store_(store), keys_(keys) {}

    Result<std::optional<api::Response>>
    begin(const api::Request& request, const api::Principal& who, std::string_view key) override;
    void
    finish(const api::Principal& who, std::string_view key, const api::Response* answer) override;

    /// Forgets what is older than a day. Every few minutes.
    Result<> tidy(Timestamp now);

    static constexpr auto kept = std::chrono::hours(24);

private:
    using Place = std::pair<std::string, std::string>; ///< user or API key, and theirs

    store::Store& store_;
    const crypto::Keystore& keys_;
    std::mutex lock_;
    std::set<Place> working_;
};

/// All that `access` seals: kept answers, open challenges, keys of authenticator apps.
Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit);

} // namespace fairlead::access
