/// A name that Cloudflare serves, as it stands in the store.
#pragma once

#include "common/runtime/clock.hpp"
#include "controller/cloudflare/ids.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace fairlead::cloudflare {

BOOST_DEFINE_ENUM_CLASS(
    State, waiting, ///< for Cloudflare: it is not asked yet, or not done
    issued,         ///< host name and certificate are active
    failed          ///< and goes no further by itself, but is looked at again
)

struct Hostname {
    CustomHostnameId id;
    OrgId org_id;
    std::string name; ///< a host name in lower case
    std::string zone;
    State state = State::waiting;
    std::string remote_id; ///< that our POST returned; "" until then. Nothing else makes it ours
    std::optional<Timestamp> asked_ms; ///< of a POST whose answer is not known
    std::string status, ssl_status;    ///< Cloudflare's words at the last look
    Timestamp next_ms;                 ///< when it is looked at (again)
    std::int64_t looks = 0;            ///< in a row that found it in this state
    std::optional<Timestamp> looked_ms;
    std::string error_code, error_message;
    Timestamp created_ms;
};
BOOST_DESCRIBE_STRUCT(
    Hostname, (),
    (id, org_id, name, zone, state, remote_id, asked_ms, status, ssl_status, next_ms, looks,
     looked_ms, error_code, error_message, created_ms)
)

/// What is still to be taken out of a zone, whosever it was.
struct Leaving {
    std::int64_t number = 0;
    std::string name, zone;
    std::string remote_id; ///< as above
    std::optional<Timestamp> asked_ms;
    Timestamp next_ms;
    std::int64_t failures = 0;
};
BOOST_DESCRIBE_STRUCT(Leaving, (), (number, name, zone, remote_id, asked_ms, next_ms, failures))

} // namespace fairlead::cloudflare
