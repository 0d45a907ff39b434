/// What may be asked for, judged before anything is sent (layer 1) and before anything is connected
/// to (layer 2).
#pragma once

#include "controller/egress/allow.hpp"
#include "proto/source_url.hpp"

#include <string_view>
#include <vector>

namespace fairlead::outbound {

/// A single word, or a name below what is kept for networks of one's own (RFC 6761, 6762, 7686,
/// 8375, 9476, and what routers and clouds use). `host` in lower case, without trailing dot.
bool internal_name(std::string_view host);

/// One spelling, https, port 443 or an exception's, no name of an internal network, no address that
/// is not on the internet. Codes "url_invalid" and "url_refused", with a whole sentence.
Result<proto::SourceUrl> judge_url(std::string_view text, const egress::Allow& allow);
Result<> judge_place(const egress::Place& place, const egress::Allow& allow);

/// Every one of them, or none may be connected to: a name that leads inside with one of its answers
/// may do so with the next. Code "address_refused".
Result<> judge_addresses(
    const egress::Place& place, const std::vector<IpAddress>& addresses, const egress::Allow& allow
);

} // namespace fairlead::outbound
