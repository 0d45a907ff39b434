/// What is written to an organization's owners.
#pragma once

#include "controller/certificates/certificates.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fairlead::certificates {

struct Letter {
    std::string subject, text;
};

/// Of at least one; names the first `most_listed`. `pause`: why none is asked for just now, if so.
Letter letter_of(
    Trouble trouble, const std::vector<Certificate>& certificates, const std::optional<Pause>& pause
);

inline constexpr std::size_t most_listed = 50;

} // namespace fairlead::certificates
