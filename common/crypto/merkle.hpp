/// Merkle trees of RFC 6962 section 2.1 over SHA-256: leaves are only ever appended, and one root
/// names all of them in their order.
#pragma once

#include "common/crypto/hash.hpp"
#include "common/runtime/result.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::crypto::merkle {

Digest leaf_hash(std::string_view data);
Digest node_hash(const Digest& left, const Digest& right);
/// Of a tree without leaves.
Digest empty_root();

/// The root of the 2^level leaves from leaf `index << level` on, all of which exist. Level 0 gives
/// a leaf's own hash.
using Subtree = std::function<Result<Digest>(unsigned level, std::uint64_t index)>;

/// Of the first `size` leaves. Asks for at most 64 subtrees.
Result<Digest> root(std::uint64_t size, const Subtree& subtree);

/// What proves that the leaf `index` is among the first `size` (RFC 9162 section 2.1.3.1).
/// Errc::invalid unless index < size.
Result<std::vector<Digest>>
inclusion(std::uint64_t index, std::uint64_t size, const Subtree& subtree);
bool verify_inclusion(
    const Digest& leaf, std::uint64_t index, std::uint64_t size, const std::vector<Digest>& proof,
    const Digest& root
);

/// What proves that the first `before` of `size` leaves are what they were (RFC 9162 section
/// 2.1.4.1); empty for `before` = 0 and `before` = `size`. Errc::invalid unless before <= size.
Result<std::vector<Digest>>
consistency(std::uint64_t before, std::uint64_t size, const Subtree& subtree);
bool verify_consistency(
    std::uint64_t before, std::uint64_t size, const Digest& root_before, const Digest& root_after,
    const std::vector<Digest>& proof
);

/// A proof as JSON carries it: each hash in base64.
std::vector<std::string> proof_to_text(const std::vector<Digest>& proof);
/// Errc::invalid.
Result<std::vector<Digest>> proof_from_text(const std::vector<std::string>& text);

/// The root of leaves that come one by one, in the memory of one digest per level.
class Roots {
public:
    void add(const Digest& leaf);
    std::uint64_t size() const { return size_; }
    Digest root() const;

private:
    std::uint64_t size_ = 0;
    /// The whole subtrees that cover all leaves so far, largest first: one per bit of `size_`.
    std::vector<Digest> whole_;
};

} // namespace fairlead::crypto::merkle
