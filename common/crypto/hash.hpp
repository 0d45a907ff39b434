/// SHA-256 and what is made of it.
#pragma once

#include "common/runtime/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace fairlead::crypto {

/// 32 bytes. Comparing digests of public things with == is fine; for proofs use `same`.
struct Digest {
    std::array<std::uint8_t, 32> bytes{};

    std::string_view view() const {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    std::string hex() const;
    bool operator==(const Digest&) const = default;
};

Digest sha256(std::string_view data);

/// The digest of a file of any size. Errc::not_found, Errc::internal.
Result<Digest> sha256_file(const std::filesystem::path& file);

/// SHA-256 of data that comes in pieces.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void add(std::string_view data);
    /// The digest of all that was added; starts anew.
    Digest finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

Digest hmac_sha256(std::string_view key, std::string_view data);

/// MD5's 16 bytes. For the headers and ETags of S3 that are made of it; it protects from nobody.
std::string md5(std::string_view data);

/// Compares in a time that depends on the lengths only.
bool same(std::string_view a, std::string_view b);

} // namespace fairlead::crypto
