#include "common/crypto/merkle.hpp"

#include "common/crypto/encoding.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <string>

namespace fairlead::crypto::merkle {
namespace {

/// The largest power of two below n; n is at least 2.
std::uint64_t split_of(std::uint64_t n) {
    return std::bit_floor(n - 1);
}

/// Leaves from `begin` up to `end`, as the recursion of the RFC cuts them: `begin` is a multiple of
/// every power of two that occurs.
Result<Digest> range_root(std::uint64_t begin, std::uint64_t end, const Subtree& subtree) {
    auto count = end - begin;
    if (std::has_single_bit(count)) {
        auto level = static_cast<unsigned>(std::countr_zero(count));
        return subtree(level, begin >> level);
    }
    auto middle = begin + split_of(count);
    FAIRLEAD_TRY(left, range_root(begin, middle, subtree));
    FAIRLEAD_TRY(right, range_root(middle, end, subtree));
    return node_hash(left, right);
}

} // namespace

Digest leaf_hash(std::string_view data) {
    thread_local Sha256 hash;
    hash.add(std::string_view("\x00", 1));
    hash.add(data);
    return hash.finish();
}

Digest node_hash(const Digest& left, const Digest& right) {
    thread_local Sha256 hash;
    std::array<char, 65> both;
    both[0] = '\x01';
    std::copy(left.bytes.begin(), left.bytes.end(), both.begin() + 1);
    std::copy(right.bytes.begin(), right.bytes.end(), both.begin() + 33);
    hash.add({both.data(), both.size()});
    return hash.finish();
}

Digest empty_root() {
    return sha256({});
}

Result<Digest> root(std::uint64_t size, const Subtree& subtree) {
    if (size == 0) return empty_root();
    return range_root(0, size, subtree);
}

Result<std::vector<Digest>>
inclusion(std::uint64_t index, std::uint64_t size, const Subtree& subtree) {
    if (index >= size) return fail(Errc::invalid, "The entry is not in a tree of this size.");
    std::vector<Digest> down; // from the root to the leaf; a proof goes up
    for (std::uint64_t begin = 0, end = size; end - begin > 1;) {
        auto middle = begin + split_of(end - begin);
        bool left = index < middle;
        FAIRLEAD_TRY(
            other, left ? range_root(middle, end, subtree) : range_root(begin, middle, subtree)
        );
        down.push_back(other);
        (left ? end : begin) = middle;
    }
    return std::vector<Digest>(down.rbegin(), down.rend());
}

bool verify_inclusion(
    const Digest& leaf, std::uint64_t index, std::uint64_t size, const std::vector<Digest>& proof,
    const Digest& root
) {
    if (index >= size) return false;
    auto node = index, last = size - 1;
    auto hash = leaf;
    for (const auto& step : proof) {
        if (last == 0) return false;
        if ((node & 1) || node == last) {
            hash = node_hash(step, hash);
            while (!(node & 1) && node != 0) node >>= 1, last >>= 1;
        } else {
            hash = node_hash(hash, step);
        }
        node >>= 1, last >>= 1;
    }
    return last == 0 && hash == root;
}

Result<std::vector<Digest>>
consistency(std::uint64_t before, std::uint64_t size, const Subtree& subtree) {
    if (before > size) return fail(Errc::invalid, "A tree never becomes smaller.");
    std::vector<Digest> down;
    if (before == 0 || before == size) return down;
    std::uint64_t begin = 0, end = size;
    // While the old tree ends inside of [begin, end).
    while (before != end) {
        auto middle = begin + split_of(end - begin);
        bool left = before <= middle;
        FAIRLEAD_TRY(
            other, left ? range_root(middle, end, subtree) : range_root(begin, middle, subtree)
        );
        down.push_back(other);
        (left ? end : begin) = middle;
    }
    // What is left is a whole subtree of the old tree; where it is the old tree, its root is known.
    if (begin != 0) {
        FAIRLEAD_TRY(own, range_root(begin, end, subtree));
        down.push_back(own);
    }
    return std::vector<Digest>(down.rbegin(), down.rend());
}

bool verify_consistency(
    std::uint64_t before, std::uint64_t size, const Digest& root_before, const Digest& root_after,
    const std::vector<Digest>& proof
) {
    if (before > size) return false;
    if (before == size) return proof.empty() && root_before == root_after;
    if (before == 0) return proof.empty() && root_before == empty_root();
    auto node = before - 1, last = size - 1;
    while (node & 1) node >>= 1, last >>= 1;
    auto step = proof.begin();
    auto old_hash = root_before;
    if (!std::has_single_bit(before)) {
        if (step == proof.end()) return false;
        old_hash = *step++;
    }
    auto new_hash = old_hash;
    for (; step != proof.end(); ++step) {
        if (last == 0) return false;
        if ((node & 1) || node == last) {
            old_hash = node_hash(*step, old_hash);
            new_hash = node_hash(*step, new_hash);
            while (!(node & 1) && node != 0) node >>= 1, last >>= 1;
        } else {
            new_hash = node_hash(new_hash, *step);
        }
        node >>= 1, last >>= 1;
    }
    return last == 0 && old_hash == root_before && new_hash == root_after;
}

std::vector<std::string> proof_to_text(const std::vector<Digest>& proof) {
    std::vector<std::string> text;
    text.reserve(proof.size());
    for (const auto& hash : proof) text.push_back(base64_encode(hash.view()));
    return text;
}

Result<std::vector<Digest>> proof_from_text(const std::vector<std::string>& text) {
    std::vector<Digest> proof(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        FAIRLEAD_TRY(bytes, base64_decode(text[i]));
        if (bytes.size() != proof[i].bytes.size())
            return fail(Errc::invalid, "A hash of the proof does not have 32 bytes.");
        std::copy(bytes.begin(), bytes.end(), proof[i].bytes.begin());
    }
    return proof;
}

void Roots::add(const Digest& leaf) {
    auto hash = leaf;
    for (auto size = size_; size & 1; size >>= 1) {
        hash = node_hash(whole_.back(), hash);
        whole_.pop_back();
    }
    whole_.push_back(hash);
    ++size_;
}

Digest Roots::root() const {
    if (whole_.empty()) return empty_root();
    auto hash = whole_.back();
    for (auto it = whole_.rbegin() + 1; it != whole_.rend(); ++it) hash = node_hash(*it, hash);
    return hash;
}

} // namespace fairlead::crypto::merkle
