/// Memory of this server, as the kernel tells it.
#pragma once

#include <cstdint>

namespace fairlead::host {

struct Memory {
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0; ///< what programs can still have, swap included
};

/// Zeroes where /proc does not say.
Memory memory();

} // namespace fairlead::host
