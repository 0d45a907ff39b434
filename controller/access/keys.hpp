/// API keys in use: which key a token is, mostly without the store.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/access/key_repo.hpp"
#include "controller/access/rights.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/events.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fairlead::access {

struct KeyInUse {
    ApiKey key;
    Rights permissions; ///< the key's own; what counts is never more than its maker holds
    std::vector<std::string> addresses;
    bool within_maker = true; ///< its projects are among those that its maker is limited to
};

/// "flk_ro_…" or "flk_rw_…".
Secret make_key(KeyKind kind);

/// Their maker is no member any more: the keys end for good, with an entry each and their streams,
/// so that none comes back to life with a new membership.
Result<> end_keys_of(
    store::UnitOfWork& unit, const api::OrgScope& scope, const UserId& maker, api::AuditLog& audit,
    api::EventSink& events
);

/// Thread-safe. What is kept counts until something is committed, and for five seconds.
class Keys {
public:
    explicit Keys(store::Store& store) : store_(store) {}

    /// Null for what is no key, or none any more. Saves at most once a minute that it was used.
    Result<std::shared_ptr<const KeyInUse>> use(std::string_view token, Timestamp now);

private:
    struct Known {
        std::shared_ptr<const KeyInUse> key;
        std::uint64_t commits = 0;
        Timestamp read;
        Timestamp saved{}; ///< when the use was saved last
    };
    Result<std::shared_ptr<const KeyInUse>> find(const std::string& hash, Timestamp now);
    Result<> used(const std::string& hash, const ApiKey& key, Timestamp now);

    store::Store& store_;
    std::mutex lock_;
    std::unordered_map<std::string, Known> known_; ///< by token hash
};

} // namespace fairlead::access
