/// Reading CBOR (RFC 8949), as far as passkeys need it. Nothing is allocated for what an item
/// claims to hold, only for what is there.
#pragma once

#include "common/runtime/result.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::crypto {

/// One item. Byte and text strings are views into what was read, which must outlive it.
class Cbor {
public:
    enum class Kind { integer, bytes, text, array, map, other };

    /// Takes one item off the front of `from`. Errc::invalid for what is cut off, nested more than
    /// eight deep, of indefinite length or tagged (authenticators write neither: CTAP 2.1 section
    /// 8), for integers beyond 63 bits, and for maps with a key twice or more than 64 keys. What is
    /// in an array is read and not kept; floats and simple values are `other`.
    static Result<Cbor> take(std::string_view& from);
    /// The same where nothing may follow the item.
    static Result<Cbor> parse(std::string_view whole);

    Kind kind() const { return kind_; }
    std::optional<std::int64_t> integer() const;
    std::optional<std::string_view> bytes() const;
    std::optional<std::string_view> text() const;
    /// How many entries a map has.
    std::size_t size() const { return entries_.size(); }
    /// The value of a map's key; null when there is none.
    const Cbor* find(std::int64_t key) const;
    const Cbor* find(std::string_view key) const;

private:
    Cbor() = default;
    static Result<Cbor> take(std::string_view& from, int depth);
    bool same_key(const Cbor& other) const;

    Kind kind_ = Kind::other;
    std::int64_t integer_ = 0;
    std::string_view string_;
    std::vector<std::pair<Cbor, Cbor>> entries_;
};

} // namespace fairlead::crypto
