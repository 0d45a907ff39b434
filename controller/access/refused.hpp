/// The answer to somebody who is known and may not.
#pragma once

#include "common/runtime/result.hpp"

#include <string>
#include <utility>

namespace fairlead::access {

inline tl::unexpected<Error> refused(std::string code, std::string message) {
    return fail(Error(Errc::forbidden, std::move(message)).with_code(std::move(code)));
}

} // namespace fairlead::access
