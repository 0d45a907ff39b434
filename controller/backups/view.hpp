/// Storages, policies and backups, as the API and its events show them.
#pragma once

#include "controller/api/events.hpp"
#include "controller/backups/backup_repo.hpp"
#include "controller/backups/copy_repo.hpp"
#include "controller/backups/policy_repo.hpp"
#include "controller/backups/storage_repo.hpp"
#include "controller/environments/environment_repo.hpp"

#include <boost/json/object.hpp>

namespace fairlead::backups {

boost::json::object to_json(const Storage& storage);
boost::json::object to_json(const Backup& backup);
boost::json::object to_json(const Copy& copy, const std::vector<CopyStep>& steps);
boost::json::object to_json(const Policy& policy, const environments::Environment& environment);
boost::json::object
to_json(const std::vector<Recipient>& recipients, const std::optional<SettingsMark>& mark);

/// What may differ between two storages, for the audit log; never a secret.
boost::json::object audit_facts(const Storage& storage);
boost::json::object audit_facts(const Policy& policy);

api::Event event(const OrgId& org, const Storage& storage);
api::Event event(const OrgId& org, const Backup& backup);
api::Event event(const OrgId& org, const Copy& copy, const std::vector<CopyStep>& steps);
api::Event gone(const OrgId& org, const StorageId& storage);
api::Event gone(const OrgId& org, const Backup& backup);

/// What the policy's retention column holds; the defaults where it cannot be read.
proto::Retention retention_of(const Policy& policy);

} // namespace fairlead::backups
