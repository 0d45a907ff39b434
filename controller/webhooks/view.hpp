/// Webhooks and deliveries as the API, its events and the audit log show them.
#pragma once

#include "controller/api/audit_log.hpp"
#include "controller/api/events.hpp"
#include "controller/webhooks/delivery_repo.hpp"
#include "controller/webhooks/webhook_repo.hpp"

#include <boost/json/object.hpp>

#include <string>

namespace fairlead::webhooks {

boost::json::object to_json(const Webhook& webhook);
boost::json::object to_json(const Delivery& delivery);
boost::json::object to_json(const Attempt& attempt);

/// For the organization's stream.
api::Event event(const OrgId& org, std::string type, const boost::json::object& data);

/// Of the address it has the origin alone: the rest may be a secret of the receiver's.
api::Act act_on(const Webhook& webhook, std::string action);
boost::json::object audit_facts(const Webhook& webhook);

} // namespace fairlead::webhooks
