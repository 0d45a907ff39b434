#include "agent/link/stream_keys.hpp"

#include "common/runtime/log.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::link {
namespace {

tl::unexpected<Error> denied(std::string why) {
    return fail(Errc::forbidden, std::move(why));
}

} // namespace

Result<> StreamKeys::take(const proto::TunnelKeys& keys) {
    keys_.clear();
    if (keys.keys.size() > most_keys)
        return fail(
            Errc::invalid,
            fmt::format(
                "The controller names {} tunnel keys; {} are the most.", keys.keys.size(), most_keys
            )
        );
    std::map<std::string, Key, std::less<>> taken;
    for (const auto& one : keys.keys) {
        FAIRLEAD_TRY(key, crypto::VerifyKey::parse(one.public_key));
        taken.insert_or_assign(one.id, Key{std::move(key), one.ends_ms});
    }
    keys_ = std::move(taken);
    return {};
}

const StreamKeys::Key* StreamKeys::find(std::string_view id, Timestamp now) const {
    auto found = keys_.find(id);
    if (found == keys_.end()) return nullptr;
    const auto& key = found->second;
    if (key.ends_ms > 0 && now > from_ms(key.ends_ms) + proto::capability_skew) return nullptr;
    if (pinned_ && std::ranges::find(*pinned_, key.key.str()) == pinned_->end()) return nullptr;
    return &key;
}

bool StreamKeys::counts(std::string_view id, Timestamp now) const {
    return find(id, now) != nullptr;
}

Result<boost::json::object>
StreamKeys::open(std::string_view text, Timestamp now, std::chrono::milliseconds up) {
    FAIRLEAD_TRY(capability, proto::Capability::read(text));
    const auto* key = find(capability.key(), now);
    if (!key && keys_.empty())
        return denied("This server holds no tunnel key of its organization: it opens no streams.");
    if (!key)
        return denied(
            "The tunnel key " + capability.key().substr(0, 40) +
            " does not count here: it is not one of this server's organization, was revoked or has "
            "ended, or the server's policy does not name it."
        );
    if (!capability.was_signed(key->key, server_))
        return denied("The capability was not signed by its key for this server, or was altered.");
    auto expires = capability.expires();
    if (now > expires + proto::capability_skew)
        return denied("The capability has run out. If it is new, the clocks differ by minutes.");
    if (expires > now + capability.life() + proto::capability_skew)
        return denied("The capability lives longer than any may. If it does not, the clocks differ "
                      "by minutes.");
    if (expires - capability.life() < now - up)
        return denied("The capability is from before this agent started.");
    used_.forget_before(now - proto::capability_skew);
    if (!used_.first_use(expires, capability.nonce()))
        return denied("The capability was used before.");
    return capability.members();
}

} // namespace fairlead::link
