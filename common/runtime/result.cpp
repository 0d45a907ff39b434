#include "common/runtime/result.hpp"

namespace fairlead {

std::string_view name_of(Errc kind) {
    switch (kind) {
    case Errc::invalid:
        return "validation_failed";
    case Errc::unauthenticated:
        return "unauthenticated";
    case Errc::forbidden:
        return "permission_denied";
    case Errc::not_found:
        return "not_found";
    case Errc::conflict:
        return "conflict";
    case Errc::rate_limited:
        return "rate_limited";
    case Errc::unavailable:
        return "unavailable";
    case Errc::timeout:
        return "timeout";
    case Errc::internal:
        return "internal";
    }
    return "internal";
}

} // namespace fairlead
