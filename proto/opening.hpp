/// What the agent's link and a process that its connection starts say to each other first
/// (README.md sections 12 and 14).
#pragma once

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>

namespace fairlead::proto {

/// What became of what was asked for.
struct OpeningAnswer {
    std::uint32_t code = 0; ///< StreamEnd; 0: it is open, and the stream's bytes follow
    std::string reason;
};
BOOST_DESCRIBE_STRUCT(OpeningAnswer, (), (code, reason))

} // namespace fairlead::proto
