#include "common/crypto/encoding.hpp"
#include "common/crypto/merkle.hpp"
#include "common/crypto/random.hpp"

#include <doctest/doctest.h>

#include <bit>

using namespace fairlead;
using namespace fairlead::crypto;

namespace {

/// Straight from the definition in RFC 6962 section 2.1: slow, and of another shape than ours.
Digest by_definition(const std::vector<Digest>& leaves, std::size_t begin, std::size_t end) {
    if (begin == end) return merkle::empty_root();
    if (end - begin == 1) return leaves[begin];
    std::size_t split = 1;
    while (split * 2 < end - begin) split *= 2;
    return merkle::node_hash(
        by_definition(leaves, begin, begin + split), by_definition(leaves, begin + split, end)
    );
}

struct Tree {
    std::vector<Digest> leaves;
    mutable int asked = 0;

    merkle::Subtree subtree() const {
        return [this](unsigned level, std::uint64_t index) -> Result<Digest> {
            ++asked;
            auto begin = index << level;
            REQUIRE(begin + (1ULL << level) <= leaves.size());
            return by_definition(leaves, begin, begin + (1ULL << level));
        };
    }
    Digest root(std::size_t size) const { return by_definition(leaves, 0, size); }
};

Tree tree_of(std::size_t size) {
    Tree tree;
    for (std::size_t i = 0; i < size; ++i)
        tree.leaves.push_back(merkle::leaf_hash("entry " + std::to_string(i)));
    return tree;
}

constexpr std::size_t largest = 70;

} // namespace

TEST_SUITE("common/crypto/merkle") {

    TEST_CASE("roots are those of the test vectors of Certificate Transparency") {
        const char* leaves[] = {"",
                                "00",
                                "10",
                                "2021",
                                "3031",
                                "40414243",
                                "5051525354555657",
                                "606162636465666768696a6b6c6d6e6f"};
        const char* roots[] = {
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
        merkle::Roots so_far;
        CHECK(so_far.root() == sha256(""));
        for (int i = 0; i < 8; ++i) {
            so_far.add(merkle::leaf_hash(hex_decode(leaves[i]).value()));
            CHECK(so_far.root().hex() == roots[i]);
        }
    }

    TEST_CASE("roots of every size agree, however they are made") {
        auto tree = tree_of(largest);
        merkle::Roots so_far;
        for (std::size_t size = 0; size <= largest; ++size) {
            CHECK(merkle::root(size, tree.subtree()).value() == tree.root(size));
            CHECK(so_far.root() == tree.root(size));
            if (size < largest) so_far.add(tree.leaves[size]);
        }
    }

    TEST_CASE("each leaf proves to be in each tree, and nothing else does") {
        auto tree = tree_of(largest);
        for (std::size_t size = 1; size <= largest; ++size) {
            for (std::size_t i = 0; i < size; ++i) {
                auto proof = merkle::inclusion(i, size, tree.subtree()).value();
                CAPTURE(size);
                CAPTURE(i);
                REQUIRE(merkle::verify_inclusion(tree.leaves[i], i, size, proof, tree.root(size)));
                REQUIRE(proof.size() <= std::bit_width(size));
                auto other = (i + 1) % largest;
                CHECK_FALSE(
                    merkle::verify_inclusion(tree.leaves[other], i, size, proof, tree.root(size))
                );
                if (other < size)
                    CHECK_FALSE(merkle::verify_inclusion(
                        tree.leaves[i], other, size, proof, tree.root(size)
                    ));
                if (proof.empty()) continue;
                auto cut = proof;
                cut.pop_back();
                CHECK_FALSE(merkle::verify_inclusion(tree.leaves[i], i, size, cut, tree.root(size))
                );
                auto longer = proof;
                longer.push_back(proof.back());
                CHECK_FALSE(
                    merkle::verify_inclusion(tree.leaves[i], i, size, longer, tree.root(size))
                );
                auto bent = proof;
                bent[i % bent.size()].bytes[i % 32] ^= 1;
                CHECK_FALSE(merkle::verify_inclusion(tree.leaves[i], i, size, bent, tree.root(size))
                );
            }
            CHECK_FALSE(merkle::inclusion(size, size, tree.subtree()));
        }
    }

    TEST_CASE("each tree proves to go on from each before it, and no forked one does") {
        auto tree = tree_of(largest);
        for (std::size_t size = 0; size <= largest; ++size) {
            for (std::size_t before = 0; before <= size; ++before) {
                auto proof = merkle::consistency(before, size, tree.subtree()).value();
                auto was = tree.root(before), is = tree.root(size);
                CAPTURE(size);
                CAPTURE(before);
                REQUIRE(merkle::verify_consistency(before, size, was, is, proof));
                if (before == 0) continue;
                auto fork = tree;
                fork.leaves[(before * 7) % before] = merkle::leaf_hash("another past");
                fork.leaves[before / 2] = merkle::leaf_hash("another past");
                auto forged = merkle::consistency(before, size, fork.subtree()).value();
                CHECK_FALSE(merkle::verify_consistency(before, size, was, fork.root(size), forged));
                CHECK_FALSE(merkle::verify_consistency(before, size, fork.root(before), is, proof));
                for (std::size_t i = 0; i < proof.size(); ++i) {
                    auto bent = proof;
                    bent[i].bytes[i % 32] ^= 0x80;
                    CHECK_FALSE(merkle::verify_consistency(before, size, was, is, bent));
                }
                if (!proof.empty()) {
                    auto cut = proof;
                    cut.pop_back();
                    CHECK_FALSE(merkle::verify_consistency(before, size, was, is, cut));
                }
            }
            CHECK_FALSE(merkle::consistency(size + 1, size, tree.subtree()));
        }
    }

    TEST_CASE("a tree of a million million leaves is proven by a few subtrees") {
        int asked = 0;
        auto subtree = [&](unsigned, std::uint64_t) -> Result<Digest> {
            ++asked;
            return Digest();
        };
        CHECK(merkle::inclusion(123'456'789'012, 1'000'000'000'000, subtree).value().size() <= 40);
        CHECK(asked <= 64);
    }
}
