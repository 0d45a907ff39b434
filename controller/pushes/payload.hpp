/// What a provider's body says, in the same words for all of them. It was signed, so it is the
/// provider's word; who may push there writes much of it all the same, so texts are cut, and what
/// has another shape than the documentation gives it counts as absent.
#pragma once

#include "common/runtime/result.hpp"
#include "controller/pushes/delivery.hpp"

#include <boost/json/value.hpp>

#include <string>
#include <vector>

namespace fairlead::pushes {

/// What became of one name in the repository.
struct Change {
    enum class Kind { branch, tag, other };
    Kind kind = Kind::other;
    std::string name; ///< "main"
    bool deleted = false;
    std::string commit; ///< in hexadecimal; "" where it is none
};

struct Payload {
    enum class What { push, ping, other };
    What what = What::other;
    std::string repository;        ///< "acme/shop"
    std::vector<std::string> urls; ///< its git addresses and its page
    std::string pusher;
    std::vector<Change> changes; ///< in the order of the body, at most `most_changes`
};

inline constexpr std::size_t most_changes = 100;

/// Errc::invalid for a push that names no branch or tag.
Result<Payload> read_payload(const Delivery& delivery, const boost::json::value& body);

} // namespace fairlead::pushes
