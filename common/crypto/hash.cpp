#include "common/crypto/hash.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/openssl.hpp"
#include "common/runtime/file.hpp"

#include <sodium.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
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
    thread_local Sha256 hash;
    hash.add(data);
    return hash.finish();
}

// OpenSSL's, because it knows the processor's own instructions: five times as fast as libsodium's.
struct Sha256::State {
    static const EVP_MD* algorithm() {
        static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
        return fetched;
    }
    RunningDigest digest{algorithm()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::string_view data) {
    state_->digest.add(data);
}

Digest Sha256::finish() {
    Digest digest;
    state_->digest.finish(digest.bytes.data());
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
    // An empty key is one, yet libsodium takes no null pointer for it.
    if (key.empty()) key = "";
    crypto_auth_hmacsha256_state state;
    Digest digest;
    crypto_auth_hmacsha256_init(&state, raw(key), key.size());
    crypto_auth_hmacsha256_update(&state, raw(data), data.size());
    crypto_auth_hmacsha256_final(&state, digest.bytes.data());
    sodium_memzero(&state, sizeof state);
    return digest;
}

std::string md5(std::string_view data) {
    std::string digest(16, '\0');
    std::size_t size = digest.size();
    auto* out = reinterpret_cast<unsigned char*>(digest.data());
    if (EVP_Q_digest(nullptr, "MD5", nullptr, data.data(), data.size(), out, &size) != 1)
        throw std::runtime_error("MD5 does not work");
    return digest;
}

bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace fairlead::crypto
