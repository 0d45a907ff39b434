#include "common/crypto/pbkdf2.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace fairlead::crypto {

std::string pbkdf2_sha512(
    const Secret& password, std::string_view salt, unsigned iterations, std::size_t bytes
) {
    auto text = password.reveal();
    std::string out(bytes, '\0');
    if (::PKCS5_PBKDF2_HMAC(
            text.data(), static_cast<int>(text.size()),
            reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
            static_cast<int>(iterations), ::EVP_sha512(), static_cast<int>(bytes),
            reinterpret_cast<unsigned char*>(out.data())
        ) != 1)
        throw std::runtime_error("PBKDF2 failed");
    return out;
}

} // namespace fairlead::crypto
