#include "agent/archive/grant.hpp"

#include "agent/archive/manifest.hpp"
#include "common/crypto/encoding.hpp"
#include "common/json/json.hpp"
#include "common/runtime/sink.hpp"

#include <boost/describe.hpp>
#include <fmt/core.h>

#include <algorithm>

namespace fairlead::archive {
namespace {

/// Dump, list and packs.
constexpr std::size_t most_keys = manifest_max_packs + 2;

/// What is inside; the values of `keys` are base64.
struct Content {
    std::uint32_t format = grant_format;
    std::string environment_id;
    std::string backup_id;
    std::string recipient;
    std::string made_at;
    std::map<std::string, std::string> keys;
};
BOOST_DESCRIBE_STRUCT(Content, (), (format, environment_id, backup_id, recipient, made_at, keys))

void wipe_keys(Content& content) {
    for (auto& [name, key] : content.keys) wipe(key);
}

tl::unexpected<Error> wrong(const std::string& what) {
    return fail(Error(Errc::invalid, "The grant " + what + ".").with_code("grant_wrong"));
}

Result<FileKeys> keys_of(const Content& content) {
    if (content.keys.size() > most_keys) return wrong("names more objects than a backup has");
    FileKeys keys;
    for (const auto& [name, text] : content.keys) {
        auto bytes = crypto::base64_decode(text);
        if (!bytes || bytes->size() != crypto::age_file_key_size)
            return wrong("has something that is no key");
        keys.emplace(name, Secret(std::move(*bytes)));
    }
    return keys;
}

} // namespace

Result<std::string> write_grant(
    std::string_view environment_id, std::string_view backup_id, const crypto::Recipient& recipient,
    const FileKeys& keys, Timestamp made_at
) {
    Content content;
    content.environment_id = environment_id;
    content.backup_id = backup_id;
    content.recipient = recipient.str();
    content.made_at = to_rfc3339(made_at);
    for (const auto& [name, key] : keys)
        content.keys.emplace(name, crypto::base64_encode(key.reveal()));
    auto text = json::encode(content);
    wipe_keys(content);
    StringSink sealed(grant_limit);
    crypto::AgeWriter writer(sealed, {recipient});
    auto written = writer.write(text);
    wipe(text);
    FAIRLEAD_CHECK(std::move(written));
    FAIRLEAD_CHECK(writer.finish());
    return std::move(sealed.text);
}

Result<FileKeys> read_grant(
    std::string_view sealed, const std::vector<crypto::Identity>& identities,
    std::string_view environment_id, std::string_view backup_id
) {
    StringSink plain(grant_limit);
    // So that no half of it is left where the text grew.
    plain.text.reserve(std::min(sealed.size(), grant_limit));
    crypto::AgeReader reader(plain, identities);
    auto opened = reader.write(sealed);
    if (opened) opened = reader.finish();
    auto content = opened
                       ? json::decode<Content>(plain.text, json::Strictness::lenient, grant_limit)
                       : Result<Content>(fail(opened.error()));
    wipe(plain.text);
    if (!opened) return fail(opened.error());
    // Nothing of what could be read is repeated: it may be a key.
    if (!content) return wrong("holds nothing that this agent understands");
    auto keys = keys_of(*content);
    wipe_keys(*content);
    if (content->format != grant_format)
        return wrong(fmt::format("has the format {}; this agent knows 1 alone", content->format));
    if (content->environment_id != environment_id || content->backup_id != backup_id)
        return wrong("is that of another backup: somebody moved it");
    bool ours = std::ranges::any_of(identities, [&](const crypto::Identity& identity) {
        return identity.recipient().str() == content->recipient;
    });
    if (!ours) return wrong("names another recipient than it was made for");
    return keys;
}

} // namespace fairlead::archive
