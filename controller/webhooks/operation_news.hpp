/// What operations bring about that webhooks are told: deployments, and Odoo started or stopped.
#pragma once

#include "controller/api/announcer.hpp"
#include "controller/operations/effects.hpp"

namespace fairlead::webhooks {

/// Thread-safe. Hand it to Operations::use.
class OperationNews final : public operations::Effects {
public:
    explicit OperationNews(api::Announcer& announcer) : announcer_(announcer) {}

    Result<std::map<std::string, std::string>>
    secrets(store::Connection&, const api::OrgScope&, const operations::Operation&, const std::string&)
        override {
        return std::map<std::string, std::string>();
    }
    Result<> moved(
        store::UnitOfWork& unit, const api::OrgScope& scope, const operations::Operation& operation
    ) override;
    Result<> finished(
        store::UnitOfWork& unit, const api::OrgScope& scope, const operations::Operation& operation,
        const std::string& args, const proto::Finished& finished
    ) override;

private:
    api::Announcer& announcer_;
};

} // namespace fairlead::webhooks
