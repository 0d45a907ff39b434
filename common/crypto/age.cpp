#include "common/crypto/age.hpp"

#include "common/crypto/age_header.hpp"
#include "common/crypto/age_stream.hpp"
#include "common/crypto/bech32.hpp"
#include "common/crypto/random.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>

namespace fairlead::crypto {
namespace {

constexpr std::string_view recipient_prefix = "age";
constexpr std::string_view identity_prefix = "age-secret-key-";
constexpr std::size_t key_size = 32;
using age::nonce_size;
using age::tag_size;
constexpr std::size_t sealed_size = age_chunk_size + tag_size;

using Bytes = std::span<const std::byte>;

std::string_view text_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

tl::unexpected<Error> no_recipient(const std::string& why) {
    return fail(Error(
                    Errc::invalid, "This is no age recipient: " + why +
                                       ". One looks like age1… and has 62 characters."
    )
                    .with_code("recipient_invalid"));
}
tl::unexpected<Error> no_identity(const std::string& why) {
    return fail(Error(
                    Errc::invalid, "This is no age identity: " + why +
                                       ". One looks like AGE-SECRET-KEY-1… and has 74 characters."
    )
                    .with_code("identity_invalid"));
}

Recipient recipient_of(const Secret& key) {
    Recipient::Key point;
    crypto_scalarmult_base(
        point.data(), reinterpret_cast<const unsigned char*>(key.reveal().data())
    );
    return Recipient(point);
}

/// One chunk, sealed or open; holds plaintext, so it is wiped.
class ChunkBuffer {
public:
    ~ChunkBuffer() { sodium_memzero(bytes_.data(), bytes_.size()); }

    std::size_t size() const { return size_; }
    Bytes bytes(std::size_t size) const {
        return std::as_bytes(std::span(bytes_)).subspan(0, size);
    }
    unsigned char* data() { return bytes_.data(); }
    void clear() { size_ = 0; }

    /// Takes from the front of `from` until it holds `limit` bytes.
    void fill(Bytes& from, std::size_t limit) {
        auto count = std::min(limit - size_, from.size());
        if (count > 0) std::memcpy(bytes_.data() + size_, from.data(), count);
        size_ += count;
        from = from.subspan(count);
    }

private:
    std::array<unsigned char, sealed_size> bytes_;
    std::size_t size_ = 0;
};

} // namespace

Result<Recipient> Recipient::parse(std::string_view text) {
    start();
    auto read = bech32_decode(text);
    if (!read) return no_recipient(read.error().message());
    if (read->prefix == identity_prefix)
        return no_recipient("it is a secret key, which must not be given away");
    if (read->prefix != recipient_prefix || text[0] != 'a')
        return no_recipient("it does not begin with age1");
    if (read->data.reveal().size() != key_size) return no_recipient("its length is wrong");
    Key key;
    std::memcpy(key.data(), read->data.reveal().data(), key_size);
    // A point of small order gives the same secret to everybody, whatever the scalar.
    Key probe, ignored;
    randombytes_buf(probe.data(), probe.size());
    if (crypto_scalarmult(ignored.data(), probe.data(), key.data()) != 0)
        return no_recipient("everybody could open what is encrypted for it");
    return Recipient(key);
}

std::string Recipient::str() const {
    return std::string(
        bech32_encode(recipient_prefix, {reinterpret_cast<const char*>(key_.data()), key_.size()})
            .reveal()
    );
}

Identity::Identity(Secret key) : key_(std::move(key)), recipient_(recipient_of(key_)) {}

Identity Identity::generate() {
    return Identity(random_secret(key_size));
}

Result<Identity> Identity::parse(std::string_view text) {
    start();
    auto read = bech32_decode(text);
    if (!read) return no_identity(read.error().message());
    if (read->prefix == recipient_prefix)
        return no_identity("it is a recipient, the public half of one");
    if (read->prefix != identity_prefix || text[0] != 'A')
        return no_identity("it does not begin with AGE-SECRET-KEY-1");
    if (read->data.reveal().size() != key_size) return no_identity("its length is wrong");
    return Identity(std::move(read->data));
}

Result<std::vector<Identity>> Identity::parse_file(std::string_view text) {
    std::vector<Identity> identities;
    for (std::size_t number = 1; !text.empty(); ++number) {
        auto end = text.find('\n');
        auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.starts_with('#')) continue;
        auto identity = parse(line);
        if (!identity)
            return fail(Error(
                            Errc::invalid,
                            "Line " + std::to_string(number) + ": " + identity.error().message()
            )
                            .with_code("identity_invalid"));
        if (identities.size() == age_max_recipients)
            return no_identity("the file has more than " + std::to_string(age_max_recipients));
        identities.push_back(std::move(*identity));
    }
    if (identities.empty()) return no_identity("the file has none");
    return identities;
}

Secret Identity::print() const {
    std::string text(bech32_encode(identity_prefix, key_.reveal()).reveal());
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return Secret(std::move(text));
}

// ---- writing

struct AgeWriter::State {
    Sink& out;
    std::vector<Recipient> recipients;
    std::optional<age::ChunkCipher> cipher;
    ChunkBuffer buffer;

    Result<> begin() {
        start();
        auto file_key = random_secret(age::file_key_size);
        auto nonce = random_bytes(nonce_size);
        FAIRLEAD_TRY(header, age::write_header(file_key, recipients));
        cipher.emplace(file_key, nonce);
        return out.write(header + nonce);
    }

    Result<> seal(Bytes plain, bool last) {
        cipher->seal(plain, buffer.data(), last);
        buffer.clear();
        return out.write(buffer.bytes(plain.size() + tag_size));
    }
};

AgeWriter::AgeWriter(Sink& out, const std::vector<Recipient>& recipients)
    : state_(new State{out, recipients, {}, {}}) {
    if (recipients.empty() || recipients.size() > age_max_recipients)
        throw std::logic_error("an age file has 1 to 20 recipients");
}
AgeWriter::~AgeWriter() = default;

Result<> AgeWriter::write(Bytes bytes) {
    auto& s = *state_;
    if (!s.cipher) FAIRLEAD_CHECK(s.begin());
    // A full chunk waits for the next byte: the last one is marked, and must not be empty.
    while (!bytes.empty()) {
        if (s.buffer.size() == age_chunk_size)
            FAIRLEAD_CHECK(s.seal(s.buffer.bytes(age_chunk_size), false));
        if (s.buffer.size() == 0 && bytes.size() > age_chunk_size) {
            FAIRLEAD_CHECK(s.seal(bytes.first(age_chunk_size), false));
            bytes = bytes.subspan(age_chunk_size);
        } else {
            s.buffer.fill(bytes, age_chunk_size);
        }
    }
    return {};
}

Result<> AgeWriter::finish() {
    auto& s = *state_;
    if (!s.cipher) FAIRLEAD_CHECK(s.begin());
    FAIRLEAD_CHECK(s.seal(s.buffer.bytes(s.buffer.size()), true));
    return s.out.finish();
}

// ---- reading

Result<Secret> age_file_key(std::string_view beginning, const std::vector<Identity>& identities) {
    start();
    age::HeaderReader header;
    FAIRLEAD_CHECK(header.take(beginning));
    if (!header.whole()) return age::damaged("it ends in its header");
    return age::open_header(header.text(), identities);
}

struct AgeReader::State {
    Sink& out;
    const std::vector<Identity>* identities; ///< null: the file key was given
    age::HeaderReader header;
    Secret file_key;
    std::string nonce;
    std::optional<age::ChunkCipher> cipher;
    ChunkBuffer buffer;

    /// Takes what belongs before the first chunk.
    Result<> begin(Bytes& bytes) {
        if (!header.whole()) {
            FAIRLEAD_TRY(taken, header.take(text_of(bytes)));
            bytes = bytes.subspan(taken);
            if (!header.whole()) return {};
            if (identities) {
                FAIRLEAD_TRY(found, age::open_header(header.text(), *identities));
                file_key = std::move(found);
            } else {
                FAIRLEAD_CHECK(age::check_header(header.text(), file_key));
            }
        }
        auto count = std::min(nonce_size - nonce.size(), bytes.size());
        nonce += text_of(bytes.first(count));
        bytes = bytes.subspan(count);
        if (nonce.size() < nonce_size) return {};
        cipher.emplace(file_key, nonce);
        file_key = Secret();
        return {};
    }

    Result<> open(Bytes sealed, bool last) {
        auto number = cipher->chunks();
        if (sealed.size() < tag_size || !cipher->open(sealed, buffer.data(), last))
            return age::damaged(
                last ? "its end is altered or missing"
                     : "it was altered, or cut and continued, in block " + std::to_string(number)
            );
        auto size = sealed.size() - tag_size;
        if (last && size == 0 && number > 0) return age::damaged("its last block is empty");
        buffer.clear();
        return size == 0 ? Result<>() : out.write(buffer.bytes(size));
    }
};

AgeReader::AgeReader(Sink& out, const std::vector<Identity>& identities)
    : state_(new State{out, &identities, {}, {}, {}, {}, {}}) {
    if (identities.empty()) throw std::logic_error("reading an age file needs an identity");
}
AgeReader::AgeReader(Sink& out, Secret file_key)
    : state_(new State{out, nullptr, {}, std::move(file_key), {}, {}, {}}) {
    if (state_->file_key.reveal().size() != age_file_key_size)
        throw std::logic_error("the key of an age file has 16 bytes");
}
AgeReader::~AgeReader() = default;

Result<> AgeReader::write(Bytes bytes) {
    auto& s = *state_;
    if (!s.cipher) FAIRLEAD_CHECK(s.begin(bytes));
    // A full block waits for the next byte, which tells that it is not the last.
    while (s.cipher && !bytes.empty()) {
        if (s.buffer.size() == sealed_size)
            FAIRLEAD_CHECK(s.open(s.buffer.bytes(sealed_size), false));
        if (s.buffer.size() == 0 && bytes.size() > sealed_size) {
            FAIRLEAD_CHECK(s.open(bytes.first(sealed_size), false));
            bytes = bytes.subspan(sealed_size);
        } else {
            s.buffer.fill(bytes, sealed_size);
        }
    }
    return {};
}

Result<> AgeReader::finish() {
    auto& s = *state_;
    if (!s.cipher) return age::damaged("it ends in its header");
    FAIRLEAD_CHECK(s.open(s.buffer.bytes(s.buffer.size()), true));
    return s.out.finish();
}

} // namespace fairlead::crypto
