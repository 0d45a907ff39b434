/// SHA-1, for what others name by it: Odoo's filestore. Proves nothing against somebody who may
/// choose the content.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace fairlead::crypto {

/// SHA-1 of data that comes in pieces.
class Sha1 {
public:
    using Digest = std::array<std::uint8_t, 20>;

    Sha1();
    ~Sha1();
    Sha1(Sha1&&) noexcept;
    Sha1& operator=(Sha1&&) noexcept;

    void add(std::string_view data);
    /// The digest of all that was added; starts anew.
    Digest finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace fairlead::crypto
