#include "common/crypto/password.hpp"

#include "common/crypto/random.hpp"

#include <sodium.h>

#include <new>

namespace fairlead::crypto {
namespace {

bool is_phc(std::string_view hash) {
    return hash.size() < crypto_pwhash_STRBYTES && hash.starts_with("$argon2id$");
}

} // namespace

std::string hash_password(const Secret& password, PasswordCost cost) {
    start();
    char text[crypto_pwhash_STRBYTES];
    int failed = crypto_pwhash_str_alg(
        text, password.reveal().data(), password.reveal().size(), cost.passes,
        cost.memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13
    );
    if (failed) throw std::bad_alloc();
    return text;
}

bool verify_password(std::string_view hash, const Secret& password) {
    if (!is_phc(hash)) return false;
    return crypto_pwhash_str_verify(
               std::string(hash).c_str(), password.reveal().data(), password.reveal().size()
           ) == 0;
}

bool needs_rehash(std::string_view hash, PasswordCost cost) {
    if (!is_phc(hash)) return true;
    return crypto_pwhash_str_needs_rehash(
               std::string(hash).c_str(), cost.passes, cost.memory_kib * 1024
           ) != 0;
}

} // namespace fairlead::crypto
