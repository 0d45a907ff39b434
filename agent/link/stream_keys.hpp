/// Who may open streams to this server: whoever signs with a tunnel key of its organization.
#pragma once

#include "agent/link/replay_memory.hpp"
#include "common/crypto/sign.hpp"
#include "common/runtime/result.hpp"
#include "proto/messages.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::link {

/// The keys are the controller's word, narrowed by what root on this server pinned. They live in
/// memory: a link brings them again before anything can come over it. Single-threaded.
class StreamKeys {
public:
    static constexpr std::size_t most_keys = 16;
    static constexpr std::size_t most_used = 32'768;

    /// `server` is our own id.
    explicit StreamKeys(std::string server) : server_(std::move(server)) {}

    /// These are all from now on. Errc::invalid for too many, or what is no key: then none counts.
    Result<> take(const proto::TunnelKeys& keys);
    /// Public keys that alone count; nothing: all do.
    void pin(std::optional<std::vector<std::string>> keys) { pinned_ = std::move(keys); }

    /// Whether the key of this id counts: it was told, is pinned where any is, and has not ended.
    bool counts(std::string_view id, Timestamp now) const;

    /// The members of a capability that counts, once. What was signed before we came `up` does not:
    /// what was used then is not known any more. (How long ago, and not when: the clock may have
    /// been wrong then.) Errc::forbidden says why it does not count; Errc::invalid when it is none.
    Result<boost::json::object>
    open(std::string_view text, Timestamp now, std::chrono::milliseconds up);

private:
    struct Key {
        crypto::VerifyKey key;
        std::int64_t ends_ms = 0;
    };
    const Key* find(std::string_view id, Timestamp now) const;

    std::string server_;
    std::map<std::string, Key, std::less<>> keys_; // by id
    std::optional<std::vector<std::string>> pinned_;
    ReplayMemory used_{most_used};
};

} // namespace fairlead::link
