#include "common/crypto/sha1.hpp"

#include <openssl/evp.h>

#include <new>
#include <stdexcept>

namespace fairlead::crypto {

struct Sha1::State {
    State() : context(EVP_MD_CTX_new()) {
        if (!context) throw std::bad_alloc();
        begin();
    }
    ~State() { EVP_MD_CTX_free(context); }
    State(const State&) = delete;

    void begin() {
        static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA1", nullptr);
        check(EVP_DigestInit_ex2(context, algorithm, nullptr));
    }
    static void check(int done) {
        if (done != 1) throw std::runtime_error("SHA-1 does not work");
    }

    EVP_MD_CTX* context;
};

Sha1::Sha1() : state_(std::make_unique<State>()) {}
Sha1::~Sha1() = default;
Sha1::Sha1(Sha1&&) noexcept = default;
Sha1& Sha1::operator=(Sha1&&) noexcept = default;

void Sha1::add(std::string_view data) {
    State::check(EVP_DigestUpdate(state_->context, data.data(), data.size()));
}

Sha1::Digest Sha1::finish() {
    Digest digest;
    State::check(EVP_DigestFinal_ex(state_->context, digest.data(), nullptr));
    state_->begin();
    return digest;
}

} // namespace fairlead::crypto
