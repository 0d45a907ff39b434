/// What is written to whoever claimed a domain, or to the owners when they have left.
#pragma once

#include "controller/domains/judgement.hpp"

#include <string>

namespace fairlead::domains {

struct Letter {
    std::string subject, text;
};

/// Of News::failing, failed and expired.
Letter letter_of(const Domain& domain, News news);

} // namespace fairlead::domains
