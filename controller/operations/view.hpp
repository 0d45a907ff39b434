/// Operations as the API and its events show them.
#pragma once

#include "controller/api/events.hpp"
#include "controller/operations/repo.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>

namespace fairlead::operations {

boost::json::object to_json(const Operation& operation, const std::vector<Step>& steps);
boost::json::object to_json(const Step& step);
boost::json::object to_json(const LoggedLine& line);
/// {id, kind, state, created_at, finished_at}
boost::json::object reference(const Operation& operation);

/// At most 100 of them; what a server says of itself is cut to size.
boost::json::array to_json(const std::vector<proto::Check>& checks);

/// What the result of a server becomes: checks, release_id, downtime_ms, backup_id, restore_ms,
/// removed_backups; nothing when there is nothing to say.
std::optional<std::string> result_text(const proto::OperationResult& result);

/// "event: …\ndata: …\n\n", without an id: part of EventStream::first.
std::string event_text(std::string_view type, const boost::json::object& data);

/// The same news for the organization's stream and for the operation's own.
void add_events(
    std::vector<api::Event>& to, const OrgId& org, const Operation& operation,
    const std::vector<Step>& steps
);
void add_events(
    std::vector<api::Event>& to, const OrgId& org, const Operation& operation, const Step& step
);
void add_events(
    std::vector<api::Event>& to, const OrgId& org, const Operation& operation,
    const LoggedLine& line
);

} // namespace fairlead::operations
