/// What a server says of a release, made ours.
#pragma once

#include "controller/environments/release_repo.hpp"
#include "proto/messages.hpp"

namespace fairlead::environments {

/// Into the row; what is longer than an honest server's is cut.
void take_over(Release& row, proto::ReleaseInfo info);

} // namespace fairlead::environments
