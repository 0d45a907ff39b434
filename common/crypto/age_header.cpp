#include "common/crypto/age_header.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"

#include <sodium.h>

#include <algorithm>
#include <optional>

namespace fairlead::crypto::age {
namespace {

constexpr std::string_view version_line = "age-encryption.org/v1\n";
constexpr std::string_view wrap_info = "age-encryption.org/v1/X25519";
constexpr std::size_t columns = 64;
constexpr std::size_t tag_size = crypto_aead_chacha20poly1305_ietf_ABYTES;
constexpr std::size_t wrapped_size = file_key_size + tag_size;
constexpr std::size_t share_size = crypto_scalarmult_BYTES;

/// The wrapping key serves once, so its nonce is fixed.
constexpr unsigned char zero_nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = {};

struct Stanza {
    std::vector<std::string_view> arguments;
    std::string body;
};

struct Header {
    std::vector<Stanza> stanzas;
    std::string_view covered; ///< what the MAC is of
    std::string mac;
};

const unsigned char* raw(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* raw(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}
std::string_view view(const Recipient::Key& key) {
    return {reinterpret_cast<const char*>(key.data()), key.size()};
}

/// age writes base64 without padding, in its one canonical spelling.
std::string encode(std::string_view bytes) {
    auto text = base64_encode(bytes);
    text.resize(text.find_last_not_of('=') + 1);
    return text;
}
Result<std::string> decode(std::string_view text) {
    if (text.find('=') != std::string_view::npos) return fail(Errc::invalid, "padding");
    std::string padded(text);
    padded.append((4 - text.size() % 4) % 4, '=');
    return base64_decode(padded);
}

/// What both sides of an exchange know; empty when the other's point is one of the few that make it
/// zero.
std::optional<Secret> agree(const Secret& scalar, std::string_view point) {
    std::string shared(crypto_scalarmult_BYTES, '\0');
    bool made = crypto_scalarmult(raw(shared), raw(scalar.reveal()), raw(point)) == 0;
    Secret secret(std::move(shared));
    if (!made) return std::nullopt;
    return secret;
}

Secret wrap_key(const Secret& shared, std::string_view share, const Recipient& recipient) {
    std::string salt(share);
    salt += view(recipient.key());
    return derive(shared.reveal(), salt, wrap_info);
}

std::string mac_of(const Secret& file_key, std::string_view covered) {
    auto key = derive(file_key.reveal(), {}, "header");
    return std::string(hmac_sha256(key.reveal(), covered).view());
}

Result<std::string> stanza_for(const Recipient& recipient, const Secret& file_key) {
    auto secret = random_secret(crypto_scalarmult_SCALARBYTES);
    std::string share(share_size, '\0');
    crypto_scalarmult_base(raw(share), raw(secret.reveal()));
    auto shared = agree(secret, view(recipient.key()));
    if (!shared)
        return fail(Error(
                        Errc::invalid, "The recipient " + recipient.str() +
                                           " is no real key: everybody could open what is "
                                           "encrypted for it. Make a new one with age-keygen."
        )
                        .with_code("recipient_invalid"));
    auto key = wrap_key(*shared, share, recipient);
    std::string body(wrapped_size, '\0');
    crypto_aead_chacha20poly1305_ietf_encrypt(
        raw(body), nullptr, raw(file_key.reveal()), file_key_size, nullptr, 0, nullptr, zero_nonce,
        raw(key.reveal())
    );
    return "-> X25519 " + encode(share) + "\n" + encode(body) + "\n";
}

/// The next line without its line feed; the text is known to end with one.
std::string_view next_line(std::string_view& text) {
    auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
}

Result<std::vector<std::string_view>> arguments_of(std::string_view line) {
    std::vector<std::string_view> arguments;
    for (;;) {
        auto end = line.find(' ');
        auto argument = line.substr(0, end);
        bool printable = std::all_of(argument.begin(), argument.end(), [](char c) {
            return c >= '!' && c <= '~';
        });
        if (argument.empty() || !printable) return damaged("its header has a broken line");
        arguments.push_back(argument);
        if (end == std::string_view::npos) return arguments;
        line.remove_prefix(end + 1);
    }
}

/// A body ends with the first line that is shorter than the others, maybe an empty one.
Result<std::string> body_of(std::string_view& text) {
    std::string encoded;
    for (;;) {
        if (text.empty()) return damaged("its header ends too early");
        auto line = next_line(text);
        if (line.size() > columns) return damaged("its header has too long a line");
        encoded += line;
        if (line.size() < columns) break;
    }
    auto body = decode(encoded);
    if (!body) return damaged("its header has a line that is no base64");
    return std::move(*body);
}

Result<Header> parse(std::string_view text) {
    Header header;
    auto rest = text.substr(version_line.size());
    while (!rest.starts_with("---")) {
        if (!rest.starts_with("-> ")) return damaged("its header has a line of no known kind");
        auto line = next_line(rest);
        FAIRLEAD_TRY(arguments, arguments_of(line.substr(3)));
        FAIRLEAD_TRY(body, body_of(rest));
        header.stanzas.push_back({std::move(arguments), std::move(body)});
    }
    if (header.stanzas.empty()) return damaged("its header names no recipient");
    header.covered = text.substr(0, text.size() - rest.size() + 3);
    rest.remove_prefix(3);
    auto mac = rest.starts_with(' ') ? decode(rest.substr(1, rest.size() - 2))
                                     : Result<std::string>(std::string());
    if (!mac || mac->size() != crypto_auth_hmacsha256_BYTES)
        return damaged("its header ends with no checksum");
    header.mac = std::move(*mac);
    return header;
}

/// The file key when `identity` is the one that this stanza is for.
Result<std::optional<Secret>> unwrap(const Stanza& stanza, const Identity& identity) {
    if (stanza.arguments[0] != "X25519") return std::optional<Secret>();
    auto share = stanza.arguments.size() == 2 ? decode(stanza.arguments[1])
                                              : Result<std::string>(std::string());
    if (!share || share->size() != share_size || stanza.body.size() != wrapped_size)
        return damaged("its header has a recipient of the wrong size");
    auto shared = agree(identity.key(), *share);
    if (!shared) return damaged("its header has a recipient that hides nothing");
    auto key = wrap_key(*shared, *share, identity.recipient());
    std::string found(file_key_size, '\0');
    int failed = crypto_aead_chacha20poly1305_ietf_decrypt(
        raw(found), nullptr, nullptr, raw(stanza.body), stanza.body.size(), nullptr, 0, zero_nonce,
        raw(key.reveal())
    );
    Secret file_key(std::move(found));
    if (failed) return std::optional<Secret>();
    return std::optional<Secret>(std::move(file_key));
}

} // namespace

tl::unexpected<Error> damaged(std::string what) {
    return fail(Error(Errc::invalid, "The encrypted data is damaged or no age file: " + what + ".")
                    .with_code("backup_damaged"));
}

Secret derive(std::string_view key, std::string_view salt, std::string_view info) {
    auto extracted = hmac_sha256(salt, key);
    auto expanded = hmac_sha256(extracted.view(), std::string(info) + '\x01');
    Secret derived{std::string(expanded.view())};
    sodium_memzero(&extracted, sizeof extracted);
    sodium_memzero(&expanded, sizeof expanded);
    return derived;
}

Result<std::string> write_header(const Secret& file_key, const std::vector<Recipient>& recipients) {
    std::string header(version_line);
    for (const auto& recipient : recipients) {
        FAIRLEAD_TRY(stanza, stanza_for(recipient, file_key));
        header += stanza;
    }
    header += "---";
    return header + " " + encode(mac_of(file_key, header)) + "\n";
}

Result<std::size_t> HeaderReader::take(std::string_view bytes) {
    std::size_t taken = 0;
    while (!whole_ && taken < bytes.size()) {
        auto end = bytes.find('\n', taken);
        auto piece = bytes.substr(taken, end == std::string_view::npos ? end : end - taken + 1);
        if (piece.size() > age_max_header - text_.size()) return damaged("its header is too long");
        text_ += piece;
        taken += piece.size();
        auto expected = version_line.substr(0, text_.size());
        if (text_.compare(0, expected.size(), expected) != 0)
            return damaged("it does not begin as one of version 1");
        if (piece.back() != '\n') break;
        whole_ = text_.compare(line_at_, 3, "---") == 0;
        line_at_ = text_.size();
    }
    return taken;
}

Result<Secret> open_header(std::string_view text, const std::vector<Identity>& identities) {
    FAIRLEAD_TRY(header, parse(text));
    auto is_passphrase = [](const Stanza& s) { return s.arguments[0] == "scrypt"; };
    bool passphrase = std::any_of(header.stanzas.begin(), header.stanzas.end(), is_passphrase);
    // A passphrase beside keys would let whoever knows it write for the keys' owners.
    if (passphrase && header.stanzas.size() > 1)
        return damaged("its header has a passphrase beside other recipients");

    std::optional<Secret> file_key;
    for (const auto& stanza : header.stanzas) {
        for (const auto& identity : identities) {
            FAIRLEAD_TRY(found, unwrap(stanza, identity));
            if (found && !file_key) file_key = std::move(found);
        }
    }
    if (!file_key)
        return fail(Error(
                        Errc::forbidden,
                        passphrase
                            ? "Wrong key: this was encrypted with a passphrase, not for a key."
                            : "Wrong key: none of the given identities can open this. Use the "
                              "identity of the environment that made the backup, or the recovery "
                              "identity."
        )
                        .with_code("backup_key_wrong"));
    if (!same(mac_of(*file_key, header.covered), header.mac))
        return damaged("its header was altered");
    return std::move(*file_key);
}

Result<> check_header(std::string_view text, const Secret& file_key) {
    FAIRLEAD_TRY(header, parse(text));
    if (same(mac_of(file_key, header.covered), header.mac)) return {};
    return fail(Error(
                    Errc::forbidden,
                    "Wrong key: this file was encrypted anew, or its header was altered, since its "
                    "key was handed on."
    )
                    .with_code("backup_key_wrong"));
}

} // namespace fairlead::crypto::age
