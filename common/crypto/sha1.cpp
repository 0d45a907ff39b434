#include "common/crypto/sha1.hpp"

#include "common/crypto/openssl.hpp"

namespace fairlead::crypto {

struct Sha1::State {
    static const EVP_MD* algorithm() {
        static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA1", nullptr);
        return fetched;
    }
    RunningDigest digest{algorithm()};
};

Sha1::Sha1() : state_(std::make_unique<State>()) {}
Sha1::~Sha1() = default;
Sha1::Sha1(Sha1&&) noexcept = default;
Sha1& Sha1::operator=(Sha1&&) noexcept = default;

void Sha1::add(std::string_view data) {
    state_->digest.add(data);
}

Sha1::Digest Sha1::finish() {
    Digest digest;
    state_->digest.finish(digest.data());
    return digest;
}

} // namespace fairlead::crypto
