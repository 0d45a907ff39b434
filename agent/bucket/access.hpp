/// The keys to a bucket.
#pragma once

#include "common/runtime/secret.hpp"

#include <string>

namespace fairlead::bucket {

struct Access {
    std::string key; ///< the access key's id: no secret
    Secret secret;
    Secret session_token; ///< of temporary keys; else empty
};

} // namespace fairlead::bucket
