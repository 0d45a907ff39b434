#include "proto/capability.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "common/json/json.hpp"
#include "proto/messages.hpp"
#include "proto/terminal.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>
#include <vector>

namespace fairlead::proto {
namespace {

constexpr std::string_view domain = "fairlead stream 1";
constexpr std::size_t most_members = 32;
constexpr std::string_view signature_name = "signature";

tl::unexpected<Error> malformed(std::string_view what) {
    return fail(Errc::invalid, "This is no capability: " + std::string(what) + ".");
}

/// Its length in front, so that no two lists of texts look alike.
void append(std::string& out, std::string_view item) {
    out += std::to_string(item.size());
    out += ':';
    out += item;
    out += ',';
}

/// The only way to write a value down; nothing for what has more than one.
std::optional<std::string> plain(const boost::json::value& value) {
    if (value.is_string()) return "t" + std::string(value.get_string());
    if (value.is_int64() && value.get_int64() >= 0) return "n" + std::to_string(value.get_int64());
    if (value.is_uint64()) return "n" + std::to_string(value.get_uint64());
    return {};
}

/// What the signature is over: the domain, the server, and each other member by name. One text for
/// one meaning, however the JSON was written.
Result<std::string> signed_text(const boost::json::object& members, std::string_view server) {
    if (members.size() > most_members) return malformed("it has more than 32 members");
    std::vector<const boost::json::key_value_pair*> ordered;
    for (const auto& member : members)
        if (member.key() != signature_name) ordered.push_back(&member);
    std::ranges::sort(ordered, {}, [](const auto* member) {
        return std::string_view(member->key().data(), member->key().size());
    });
    std::string text;
    append(text, domain);
    append(text, server);
    for (const auto* member : ordered) {
        auto value = plain(member->value());
        if (!value)
            return malformed(
                "\"" + std::string(member->key()).substr(0, 40) +
                "\" is neither a text nor a whole number from 0"
            );
        append(text, {member->key().data(), member->key().size()});
        append(text, *value);
    }
    return text;
}

Result<std::string> text_of(const boost::json::object& members, std::string_view name) {
    const auto* value = members.if_contains(name);
    if (!value || !value->is_string()) return malformed("it has no \"" + std::string(name) + "\"");
    return std::string(value->get_string());
}

std::chrono::milliseconds life_of(const boost::json::object& members) {
    const auto* kind = members.if_contains("kind");
    if (!kind || !kind->is_string()) return capability_life;
    return capability_life_of(std::string_view(kind->get_string()));
}

} // namespace

std::chrono::milliseconds capability_life_of(std::string_view kind) {
    bool awaited = kind == TerminalPurpose::terminal_kind || kind == StreamPurpose::ssh_kind;
    return awaited ? terminal_capability_life : capability_life;
}

std::chrono::milliseconds Capability::life() const {
    return life_of(members_);
}

Result<std::string> sign_capability(
    boost::json::object purpose, std::string_view server, std::string_view key_id,
    const crypto::SigningKey& key, Timestamp now
) {
    purpose["key"] = key_id;
    purpose["expires_ms"] = to_ms(now + life_of(purpose));
    purpose["nonce"] =
        crypto::base64url_encode(crypto::random_bytes(std::tuple_size_v<Capability::Nonce>));
    FAIRLEAD_TRY(text, signed_text(purpose, server));
    purpose[signature_name] = crypto::base64url_encode(key.sign(text));
    auto whole = json::serialize(purpose);
    if (whole.size() > longest_capability) return malformed("it is longer than 4 KiB");
    return whole;
}

Result<Capability> Capability::read(std::string_view text) {
    auto value = json::parse(text, longest_capability);
    if (!value || !value->is_object()) return malformed("it is no JSON object");
    Capability read;
    read.members_ = std::move(value->get_object());
    FAIRLEAD_TRY(key, text_of(read.members_, "key"));
    read.key_ = std::move(key);
    const auto* expires = read.members_.if_contains("expires_ms");
    // Far from where adding the allowances would overflow.
    constexpr auto latest = std::numeric_limits<std::int64_t>::max() / 2;
    if (!expires || !expires->is_int64() || expires->get_int64() < 0 ||
        expires->get_int64() > latest)
        return malformed("it has no \"expires_ms\"");
    read.expires_ = from_ms(expires->get_int64());
    FAIRLEAD_TRY(nonce_text, text_of(read.members_, "nonce"));
    auto nonce = crypto::base64url_decode(nonce_text);
    if (!nonce || nonce->size() != read.nonce_.size())
        return malformed("its \"nonce\" is not 16 bytes as base64url");
    std::ranges::copy(*nonce, read.nonce_.begin());
    FAIRLEAD_TRY(signature_text, text_of(read.members_, signature_name));
    auto signature = crypto::base64url_decode(signature_text);
    if (!signature) return malformed("its \"signature\" is no base64url");
    read.signature_ = std::move(*signature);
    return read;
}

bool Capability::was_signed(const crypto::VerifyKey& key, std::string_view server) const {
    auto text = signed_text(members_, server);
    return text && key.verify(*text, signature_);
}

} // namespace fairlead::proto
