/// The one error for data that is not what was stored.
#pragma once

#include "common/runtime/result.hpp"

#include <string>

namespace fairlead::archive {

inline tl::unexpected<Error> damaged(std::string message) {
    return fail(Error(Errc::invalid, std::move(message)).with_code("backup_damaged"));
}

} // namespace fairlead::archive
