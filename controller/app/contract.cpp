#include "controller/app/contract.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <stdexcept>

namespace fairlead::app {
namespace {

using boost::json::object;
using boost::json::value;

/// Follows "$ref": "#/components/…".
const object& resolved(const value& from, const value& root) {
    const auto& given = from.as_object();
    auto reference = given.find("$ref");
    if (reference == given.end()) return given;
    return root.at_pointer(std::string_view(reference->value().as_string()).substr(1)).as_object();
}

/// Stands for all that the contract does not name: an object, each member of it a parameter.
bool is_any(const object& parameter) {
    const auto* schema = parameter.if_contains("schema");
    const auto* type = schema ? schema->as_object().if_contains("type") : nullptr;
    return type && *type == "object";
}

/// False where any name will do.
bool add_query_names(
    const object& holder, const value& root, std::set<std::string, std::less<>>& names
) {
    auto parameters = holder.find("parameters");
    if (parameters == holder.end()) return true;
    for (const auto& one : parameters->value().as_array()) {
        const auto& parameter = resolved(one, root);
        if (parameter.at("in") != "query") continue;
        if (is_any(parameter)) return false;
        names.emplace(parameter.at("name").as_string());
    }
    return true;
}

std::string upper(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return result;
}

bool same_marks(const object& operation, const api::Marks& marks) {
    const auto* feature = operation.if_contains("x-feature");
    auto is = [&](std::string_view name) {
        const auto* mark = operation.if_contains(name);
        return mark && mark->as_bool();
    };
    return (feature ? std::string_view(feature->as_string()) : std::string_view()) ==
               marks.feature &&
           is("x-step-up") == marks.step_up && is("x-key-alone") == marks.key_alone &&
           is("x-socket") == marks.socket;
}

} // namespace

void hold_to_contract(api::RouteTable& table, std::string_view contract) {
    auto root = boost::json::parse(boost::json::string_view(contract.data(), contract.size()));
    std::map<std::pair<std::string, std::string>, const api::Route*> open; // by method and path
    for (const auto& route : table.routes())
        open[{std::string(api::name_of(route.method)), route.path}] = &route;

    std::string wrong;
    for (const auto& [path, item] : root.at("paths").as_object()) {
        for (const auto& [name, operation] : item.as_object()) {
            auto method = api::method_from(upper(name));
            if (!method) continue; // "parameters"
            auto there = open.find({upper(name), std::string(path)});
            if (there == open.end()) {
                wrong += fmt::format(
                    "\n  {} {} is in the contract and has no route", upper(name),
                    std::string_view(path)
                );
                continue;
            }
            const auto* permission = operation.as_object().if_contains("x-permission");
            if (!permission || *permission != boost::json::string_view(there->second->permission))
                wrong += fmt::format(
                    "\n  {} {} has the permission {}, and another one in the contract", upper(name),
                    std::string_view(path), there->second->permission
                );
            if (!same_marks(operation.as_object(), there->second->marks))
                wrong += fmt::format(
                    "\n  {} {} has other x-feature, x-step-up, x-key-alone or x-socket in the "
                    "contract",
                    upper(name), std::string_view(path)
                );
            open.erase(there);
            std::set<std::string, std::less<>> names;
            if (add_query_names(item.as_object(), root, names) &&
                add_query_names(operation.as_object(), root, names))
                table.allow_query(*method, path, std::move(names));
        }
    }
    for (const auto& [route, row] : open)
        wrong += fmt::format("\n  {} {} is not in the contract", route.first, route.second);
    if (!wrong.empty()) throw std::logic_error("The routes and proto/openapi.yaml differ:" + wrong);
}

} // namespace fairlead::app
