// libstdc++ of Debian 12, linked statically, takes random numbers from arc4random of glibc 2.36.
// Ubuntu 22.04 has 2.35, so the programs bring this one along.
#include <sys/random.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

extern "C" std::uint32_t arc4random() noexcept {
    std::uint32_t value = 0;
    // Waits until the kernel's pool is ready; so few bytes come whole.
    while (getrandom(&value, sizeof value, 0) != sizeof value)
        if (errno != EINTR) std::abort();
    return value;
}
