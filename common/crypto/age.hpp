/// Encrypted streams that Debian's own `age` opens: the age v1 format (age-encryption.org/v1,
/// C2SP's age.md) with X25519 recipients.
#pragma once

#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"
#include "common/runtime/sink.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::crypto {

constexpr std::size_t age_max_recipients = 20;
constexpr std::size_t age_max_header = 64 * 1024;
constexpr std::size_t age_chunk_size = 64 * 1024; ///< of plaintext

/// Who can open what is written for them: a public key, "age1…".
class Recipient {
public:
    using Key = std::array<std::uint8_t, 32>;

    explicit Recipient(const Key& key) : key_(key) {}
    /// Errc::invalid, code "recipient_invalid": says what is wrong, also that a secret key stands
    /// where a recipient belongs (without repeating it).
    static Result<Recipient> parse(std::string_view text);

    std::string str() const;
    const Key& key() const { return key_; }
    bool operator==(const Recipient&) const = default;

private:
    Key key_;
};

/// The private half, "AGE-SECRET-KEY-1…".
class Identity {
public:
    static Identity generate();
    /// Errc::invalid, code "identity_invalid"; the message never repeats the text.
    static Result<Identity> parse(std::string_view text);
    /// The identities of a file as age-keygen writes it: one a line, `#` begins a comment, empty
    /// lines are nothing. At least one, at most 20.
    static Result<std::vector<Identity>> parse_file(std::string_view text);

    Secret print() const;
    const Recipient& recipient() const { return recipient_; }
    /// The 32 bytes of the key.
    const Secret& key() const { return key_; }
    Identity clone() const { return Identity(key_.clone()); }

private:
    explicit Identity(Secret key);
    Secret key_;
    Recipient recipient_;
};

/// Encrypts what is written into it. The header goes out with the first bytes. About 64 KiB of
/// memory, whatever the size.
class AgeWriter final : public Sink {
public:
    /// `out` outlives the writer. 1 to age_max_recipients recipients, else std::logic_error.
    AgeWriter(Sink& out, const std::vector<Recipient>& recipients);
    ~AgeWriter() override;

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override;
    Result<> finish() override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The key of one age file, taken out of its header: whoever has it opens that file, and no other.
/// `beginning`: the file's first bytes, the whole header among them (age_max_header is enough).
/// Errc::invalid, code "backup_damaged"; Errc::forbidden, code "backup_key_wrong".
Result<Secret> age_file_key(std::string_view beginning, const std::vector<Identity>& identities);

constexpr std::size_t age_file_key_size = 16;

/// Decrypts what is written into it, and passes on only what was authenticated. About 64 KiB of
/// memory beside a header of at most age_max_header.
///
/// Errc::invalid, code "backup_damaged": altered, cut, reordered, more after the end, or no age
/// file at all. Errc::forbidden, code "backup_key_wrong": whole as far as can be told, but written
/// for others. That `finish` succeeded says that the stream was whole; until then its end may be
/// missing.
class AgeReader final : public Sink {
public:
    /// `out` and `identities` (at least one) outlive the reader.
    AgeReader(Sink& out, const std::vector<Identity>& identities);
    /// With the key of this one file, see age_file_key. Held against the header: another file's key
    /// is Errc::forbidden, code "backup_key_wrong". std::logic_error when it has another size.
    AgeReader(Sink& out, Secret file_key);
    ~AgeReader() override;

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override;
    Result<> finish() override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace fairlead::crypto
