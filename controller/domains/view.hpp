/// Domains as the API, its events, webhooks and the audit log show them.
#pragma once

#include "controller/api/events.hpp"
#include "controller/domains/judgement.hpp"

#include <boost/json/object.hpp>

#include <string>

namespace fairlead::domains {

boost::json::object to_json(const Domain& domain);

/// For the organization's stream.
api::Event event(const OrgId& org, std::string type, const boost::json::object& data);

/// For webhooks.
boost::json::object told_of(const Domain& domain, News news);

boost::json::object audit_facts(const Domain& domain);

} // namespace fairlead::domains
