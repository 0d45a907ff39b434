/// Private halves of tunnel keys that were unsealed lately, so that not each stream unseals one.
#pragma once

#include "common/crypto/sign.hpp"
#include "common/runtime/clock.hpp"
#include "controller/tunnels/ids.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace fairlead::tunnels {

/// What signs for one organization.
struct Signer {
    TunnelKeyId id;
    crypto::SigningKey key;
};

/// Thread-safe. At most `most` of them, the one that was used longest ago goes first; none longer
/// than `life`. Wiped when the last user lets go.
class KeyRing {
public:
    KeyRing(std::size_t most, std::chrono::milliseconds life) : most_(most), life_(life) {}

    /// Null where there is none.
    std::shared_ptr<const Signer> find(const OrgId& org, Timestamp now);

    /// Take it before the key is read from the store, and give it to keep().
    std::uint64_t epoch() const;
    /// Nothing when a key was forgotten since `epoch`: this may be that one.
    void keep(
        const OrgId& org, std::shared_ptr<const Signer> signer, Timestamp now, std::uint64_t epoch
    );

    /// After the commit that ends it.
    void forget(const OrgId& org);
    /// After the commit that replaced it: it signs until then, and what was read before is not
    /// kept.
    void leave(const OrgId& org, std::shared_ptr<const Signer> signer, Timestamp until);
    /// Those whose time is over.
    void sweep(Timestamp now);
    std::size_t size() const;

private:
    struct Held {
        OrgId org;
        std::shared_ptr<const Signer> signer;
        Timestamp until;
    };
    using Place = std::list<Held>::iterator;
    void put(const OrgId& org, std::shared_ptr<const Signer> signer, Timestamp until);
    void drop(Place place);

    std::size_t most_;
    std::chrono::milliseconds life_;
    mutable std::mutex mutex_;
    std::uint64_t epoch_ = 0;
    std::list<Held> held_;                          // what was used last stands first
    std::unordered_map<std::string, Place> places_; // by organization
};

} // namespace fairlead::tunnels
