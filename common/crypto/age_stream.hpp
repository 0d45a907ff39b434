/// The payload of an age file: chunks under one key, numbered, the last one marked. For age.cpp
/// alone.
#pragma once

#include "common/runtime/secret.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fairlead::crypto::age {

constexpr std::size_t nonce_size = 16; ///< of a payload
constexpr std::size_t tag_size = 16;   ///< that each chunk is longer when sealed

/// Seals or opens the chunks of a payload in their order.
class ChunkCipher {
public:
    ChunkCipher(const Secret& file_key, std::string_view nonce);

    /// How many it has done.
    std::uint64_t chunks() const { return counter_; }

    /// `from` and `into` may be the same place; `into` takes tag_size bytes more, or fewer.
    void seal(std::span<const std::byte> from, unsigned char* into, bool last);
    /// False when this is not the next chunk as it was sealed. `from` has at least tag_size bytes.
    bool open(std::span<const std::byte> from, unsigned char* into, bool last);

private:
    const unsigned char* key() const;
    const unsigned char* next_nonce(bool last);

    Secret key_;
    std::uint64_t counter_ = 0;
    unsigned char nonce_[12] = {};
};

} // namespace fairlead::crypto::age
