#include "common/crypto/hash.hpp"

#include "common/crypto/encoding.hpp"
#include "common/runtime/file.hpp"

#include <sodium.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace fairlead::crypto {
namespace {

const unsigned char* raw(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

} // namespace

std::string Digest::hex() const {
    return hex_encode(view());
}

Digest sha256(std::string_view data) {
    Digest digest;
    crypto_hash_sha256(digest.bytes.data(), raw(data), data.size());
    return digest;
}

struct Sha256::State {
    crypto_hash_sha256_state state;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    crypto_hash_sha256_init(&state_->state);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::string_view data) {
    crypto_hash_sha256_update(&state_->state, raw(data), data.size());
}

Digest Sha256::finish() {
    Digest digest;
    crypto_hash_sha256_final(&state_->state, digest.bytes.data());
    crypto_hash_sha256_init(&state_->state);
    return digest;
}

Result<Digest> sha256_file(const std::filesystem::path& file) {
    Descriptor open(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!open)
        return fail(
            errno == ENOENT ? Errc::not_found : Errc::internal,
            file.string() + ": " + std::strerror(errno) + "."
        );
    Sha256 hash;
    std::vector<char> buffer(128 * 1024);
    for (;;) {
        auto count = ::read(open.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0)
            return fail(Errc::internal, file.string() + ": " + std::strerror(errno) + ".");
        if (count == 0) return hash.finish();
        hash.add({buffer.data(), static_cast<std::size_t>(count)});
    }
}

Digest hmac_sha256(std::string_view key, std::string_view data) {
    crypto_auth_hmacsha256_state state;
    Digest digest;
    crypto_auth_hmacsha256_init(&state, raw(key), key.size());
    crypto_auth_hmacsha256_update(&state, raw(data), data.size());
    crypto_auth_hmacsha256_final(&state, digest.bytes.data());
    sodium_memzero(&state, sizeof state);
    return digest;
}

bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace fairlead::crypto
