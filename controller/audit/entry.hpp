/// One entry of the log, and the exact bytes that its leaf in the tree is the hash of.
#pragma once

#include "common/crypto/hash.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"

#include <boost/describe.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace fairlead::audit {

/// One row, as it is stored and shown.
struct Entry {
    AuditId id;
    std::int64_t seq = 0; ///< its place in the organization's tree, from 0
    Timestamp at;
    std::string actor_type;
    std::optional<std::string> actor_id;
    std::string actor_label;
    std::optional<std::string> on_behalf_of;    ///< the organization that acted through Connect-As
    std::optional<std::string> connect_session; ///< of Connect-As or support access
    std::string action;
    std::optional<std::string> target_type;
    std::optional<std::string> target_id;
    std::optional<std::string> target_name;
    std::string result;
    std::optional<std::string> address;
    std::optional<std::string> user_agent;
    std::optional<std::string> request_id;
    std::optional<std::string> before; ///< JSON, canonical
    std::optional<std::string> after;
};
BOOST_DESCRIBE_STRUCT(
    Entry, (),
    (id, seq, at, actor_type, actor_id, actor_label, on_behalf_of, connect_session, action,
     target_type, target_id, target_name, result, address, user_agent, request_id, before, after)
)

/// As the API shows it.
boost::json::object to_json(const Entry& entry);

/// JSON by RFC 8785: members sorted, nothing between tokens. Numbers that are not whole become text
/// first, because programs write them differently.
std::string canonical(const boost::json::value& value);

/// What is hashed: the API's object, with the organization, in canonical JSON.
std::string leaf_of(const Entry& entry, const OrgId& org);

} // namespace fairlead::audit
