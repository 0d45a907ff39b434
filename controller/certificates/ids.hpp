/// What names a certificate of the edge.
#pragma once

#include "common/runtime/id.hpp"

namespace fairlead {

FAIRLEAD_ID(CertificateId, "crt_", "certificate");

} // namespace fairlead
