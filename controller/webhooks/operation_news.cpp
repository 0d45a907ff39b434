#include "controller/webhooks/operation_news.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace fairlead::webhooks {
namespace {

using operations::Operation;
using operations::State;

/// "" where nobody is told.
std::string_view type_of(const Operation& operation) {
    bool succeeded = operation.state == State::succeeded;
    if (operation.kind == proto::kind::deploy)
        return succeeded                             ? "deployment.succeeded"
               : operation.state == State::cancelled ? "deployment.cancelled"
                                                     : "deployment.failed";
    if (operation.kind == proto::kind::rollback)
        return succeeded                             ? "deployment.rolled_back"
               : operation.state == State::cancelled ? "deployment.cancelled"
                                                     : "deployment.failed";
    if (!succeeded) return "";
    if (operation.kind == proto::kind::start) return "environment.started";
    if (operation.kind == proto::kind::stop) return "environment.stopped";
    if (operation.kind == proto::kind::restart) return "environment.restarted";
    return "";
}

boost::json::value error_of(const Operation& operation) {
    if (operation.state == State::expired)
        return boost::json::object{{"code", "expired"}, {"step", nullptr}};
    if (operation.error_code.empty()) return nullptr;
    boost::json::value step = nullptr;
    if (!operation.error_step.empty()) step = operation.error_step;
    // Its sentence may quote a log.
    return boost::json::object{{"code", operation.error_code}, {"step", std::move(step)}};
}

api::Occurrence occurrence(std::string_view type, const Operation& operation) {
    boost::json::value release = nullptr;
    if (operation.result)
        if (auto result = boost::json::parse(*operation.result); result.is_object())
            if (auto* id = result.as_object().if_contains("release_id")) release = *id;
    boost::json::value project = nullptr;
    if (operation.project_id) project = operation.project_id->str();
    return {
        std::string(type), operation.id.str(),
        boost::json::object{
            {"operation_id", operation.id.str()},
            {"kind", operation.kind},
            {"environment_id", operation.environment_id->str()},
            {"environment_name", operation.target_name},
            {"project_id", std::move(project)},
            {"server_id", operation.server_id.str()},
            {"release_id", std::move(release)},
            {"error", error_of(operation)}}};
}

} // namespace

Result<> OperationNews::moved(
    store::UnitOfWork& unit, const api::OrgScope& scope, const Operation& operation
) {
    if (operation.kind != proto::kind::deploy || operation.state != State::running ||
        !operation.environment_id)
        return {};
    return announcer_.announce(unit, scope, occurrence("deployment.started", operation));
}

Result<> OperationNews::
    finished(store::UnitOfWork& unit, const api::OrgScope& scope, const Operation& operation, const std::string&, const proto::Finished&) {
    auto type = type_of(operation);
    if (type.empty() || !operation.environment_id) return {};
    return announcer_.announce(unit, scope, occurrence(type, operation));
}

} // namespace fairlead::webhooks
