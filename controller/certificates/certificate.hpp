/// A certificate of the edge, as it stands in the store.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/value.hpp"
#include "controller/certificates/ids.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace fairlead::certificates {

BOOST_DEFINE_ENUM_CLASS(
    State, waiting, ///< for its first attempt
    issued,         ///< and nothing went wrong since
    failed          ///< the last attempt; what there was before is served until it ends
)

/// Without chain and key.
struct Certificate {
    CertificateId id;
    OrgId org_id;
    std::string name; ///< a host name in lower case
    State state = State::waiting;
    bool running = false; ///< an attempt is under way
    bool asked = false;   ///< somebody does not want to wait for it, not even for a pause's end
    std::string issuer;   ///< "" until there is one, as with the next three
    std::string serial;
    std::optional<Timestamp> not_before_ms;
    std::optional<Timestamp> not_after_ms;
    Timestamp next_ms;         ///< when it is asked for (again)
    std::int64_t failures = 0; ///< in a row, of its own
    std::optional<Timestamp> failing_since_ms;
    std::string error_code, error_message; ///< of the last attempt, if it failed
    bool told_failing = false, told_ending = false;
    Timestamp created_ms;
};
BOOST_DESCRIBE_STRUCT(
    Certificate, (),
    (id, org_id, name, state, running, asked, issuer, serial, not_before_ms, not_after_ms, next_ms,
     failures, failing_since_ms, error_code, error_message, told_failing, told_ending, created_ms)
)

/// What it is served with.
struct Served {
    CertificateId id;
    OrgId org_id;
    std::string name;
    std::string chain;
    store::Blob sealed_key;
};
BOOST_DESCRIBE_STRUCT(Served, (), (id, org_id, name, chain, sealed_key))

/// What the sealed key of a certificate is bound to.
std::string key_context(const CertificateId& id);

} // namespace fairlead::certificates
