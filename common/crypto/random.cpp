#include "common/crypto/random.hpp"

#include <sodium.h>

#include <stdexcept>

namespace fairlead::crypto {

void start() {
    if (sodium_init() < 0)
        throw std::runtime_error("libsodium cannot start: the kernel gives no random numbers");
}

std::string random_bytes(std::size_t count) {
    start();
    std::string bytes(count, '\0');
    randombytes_buf(bytes.data(), count);
    return bytes;
}

Secret random_secret(std::size_t count) {
    return Secret(random_bytes(count));
}

} // namespace fairlead::crypto
