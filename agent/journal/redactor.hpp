/// Keeps secrets out of everything that is written or sent.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::journal {

/// Replaces exact values of at least 4 characters, each line of a value with several, and what
/// stands before the @ of a URL. Copies are made freely; the values are wiped with the last one's
/// strings only as far as std::string goes.
class Redactor {
public:
    Redactor() = default;
    explicit Redactor(const std::map<std::string, std::string>& secrets);

    std::string clean(std::string_view text) const;

private:
    std::vector<std::string>
        values_; ///< longest first, so that a value inside another leaves nothing over
};

} // namespace fairlead::journal
