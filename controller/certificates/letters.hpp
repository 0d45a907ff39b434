/// What is written to an organization's owners.
#pragma once

#include "controller/certificates/certificates.hpp"

#include <string>

namespace fairlead::certificates {

struct Letter {
    std::string subject, text;
};

/// Names the first `most_listed`.
Letter letter_of(const News& news);

inline constexpr std::size_t most_listed = 50;

} // namespace fairlead::certificates
