#include "agent/deploy/layout.hpp"

#include "common/crypto/hash.hpp"

namespace fairlead::deploy {

std::string account_of(const std::string& slug) {
    constexpr std::size_t longest = 31;
    auto name = "fl-" + slug;
    if (name.size() <= longest) return name;
    return name.substr(0, longest - 9) + "-" + crypto::sha256(slug).hex().substr(0, 8);
}

Place::Place(const Layout& layout, std::string name)
    : slug(std::move(name)), account(account_of(slug)), root(layout.environments() / slug) {}

} // namespace fairlead::deploy
