/// What an argument may look like, whoever sends it. The rules here are fixed: no policy file can
/// widen them. They keep values from becoming options, paths, other refs or unit-file lines further
/// down.
#pragma once

#include "agent/policy/repository.hpp"
#include "common/runtime/result.hpp"
#include "proto/operations.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::policy {

Result<> check_slug(std::string_view slug);
Result<> check_branch(std::string_view branch);
Result<> check_port(std::uint16_t port, std::string_view what);
Result<> check_module(std::string_view name);
Result<> check_variable_name(std::string_view name);
Result<> check_requirement(std::string_view line);
Result<> check_version(std::string_view version);
/// Of a released agent: "0.2.0".
Result<> check_agent_version(std::string_view version);
Result<> check_domain(std::string_view name);
Result<> check_id(std::string_view id, std::string_view prefix);

Result<> check(const proto::EnvironmentSpec& environment);
Result<> check(const proto::DeployArgs& args);
Result<> check(const proto::PreflightArgs& args);
Result<> check(const proto::RollbackArgs& args);
Result<> check(const proto::EnvironmentArgs& args);
Result<> check(const proto::PingArgs& args);
Result<> check(const proto::Storage& storage);
/// A backup that another operation of `environment` begins with; none is fine.
Result<> check_first(const std::optional<proto::BackupArgs>& backup, std::string_view environment);
Result<> check(const proto::BackupSettings& settings);
Result<> check(const proto::StorageTestArgs& args);
Result<> check(const proto::BackupConfigureArgs& args);
Result<> check(const proto::BackupArgs& args);
Result<> check(const proto::BackupDeleteArgs& args);
Result<> check(const proto::BackupRecipientArgs& args);
Result<> check(const proto::BackupGrantArgs& args);
Result<> check(const proto::RestoreArgs& args);
Result<> check(const proto::DrillArgs& args);
Result<> check(const proto::CloneArgs& args);
Result<> check(const proto::ImportAnalyseArgs& args);
Result<> check(const proto::ImportRunArgs& args);
Result<> check(const proto::ImportDiscardArgs& args);
Result<> check(const proto::SshKeysArgs& args);
Result<> check(const proto::MailRetention& retention);
Result<> check(const proto::MailConfigureArgs& args);
Result<> check(const proto::MailDeleteArgs& args);
Result<> check(const proto::OdooUsersArgs& args);
Result<> check(const proto::OdooLoginArgs& args);
Result<> check(const proto::AgentUpdateArgs& args);

} // namespace fairlead::policy
