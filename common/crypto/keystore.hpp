/// Secrets at rest: each value under a key of its own, that key under the master key, which lives
/// outside the database.
#pragma once

#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::crypto {

/// The master keys: one that seals, and older ones that still open. Immutable and thread-safe once
/// loaded.
///
/// The file has mode 0400 and a line per key, the sealing one first: `<key id> <base64url of 32
/// bytes>`. A sealed value is `1 | key id (8) | wrapped data key (72) | nonce (24) | ciphertext |
/// tag (16)`; the context binds it to its place
/// ("git_credential/gcr_01…"), so that a value copied to another row does not open there.
class Keystore {
public:
    /// A new master key in a new file (mode 0400). Errc::conflict when the file is there.
    static Result<Keystore> create(const std::filesystem::path& file);

    /// From `$CREDENTIALS_DIRECTORY/master.key` (systemd) when that is there, else from `file`,
    /// which must belong to us or root (to root we are, the owner of a folder that is theirs or
    /// root's will do) and be closed to others. Errors say what is wrong with which file.
    static Result<Keystore> load(const std::filesystem::path& file);
    /// Whether systemd hands one over. Such a one cannot be written.
    static bool is_credential();

    /// For tests.
    static Keystore ephemeral();

    std::string seal(const Secret& value, std::string_view context) const;
    /// Errc::invalid: altered, cut or of another context. Errc::not_found: sealed by a master key
    /// that is not here.
    Result<Secret> open(std::string_view sealed, std::string_view context) const;

    /// The id (8 bytes) of the key that seals now, and of the key that sealed a value.
    const std::string& current() const;
    static Result<std::string> key_of(std::string_view sealed);
    /// All ids, the sealing one first.
    std::vector<std::string> ids() const;

    /// Puts a new sealing key in front, in the file too (atomically; its owner stays). Older values
    /// stay open-able.
    static Result<Keystore> add_key(const std::filesystem::path& file);
    /// The same value with its data key wrapped by the current master key; the content is not
    /// decrypted.
    Result<std::string> rekey(std::string_view sealed, std::string_view context) const;
    /// Forgets every key but the sealing one, in the file too. Only when no value needs them any
    /// more.
    static Result<Keystore> drop_old_keys(const std::filesystem::path& file);

private:
    struct MasterKey {
        std::string id;
        Secret key;
    };
    Keystore() = default;
    static Result<Keystore> parse(std::string_view text, const std::string& where);
    static Result<Keystore> read(const std::filesystem::path& file);
    /// The data key of a sealed value.
    Result<Secret> unwrap(std::string_view sealed, std::string_view context) const;
    Secret print() const;
    const MasterKey* find(std::string_view id) const;
    std::vector<MasterKey> keys_;
};

} // namespace fairlead::crypto
