/// Operations and policies for the tests of agent/policy.
#pragma once

#include "agent/policy/policy.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace fairlead::policy {

inline const std::string ulid = "01JD0000000000000000000000";

inline proto::DeployArgs deploy_args() {
    proto::DeployArgs args;
    auto& e = args.environment;
    e.id = "env_" + ulid;
    e.slug = "shop";
    e.odoo_version = "19.0";
    e.odoo = {"odoo", "https://github.com/odoo/odoo", "19.0", "", "", ""};
    e.addons = {{"extra", "https://git.acme.example/addons.git", "main", "", "", ""}};
    e.port = 8069;
    e.gevent_port = 8072;
    args.release = {"rel_" + ulid, 1};
    return args;
}

inline proto::Operation deploy(const proto::DeployArgs& args = deploy_args()) {
    proto::Operation operation;
    operation.id = "op_" + ulid;
    operation.kind = proto::kind::deploy;
    operation.fence = 1;
    operation.args = proto::write(args);
    return operation;
}

inline proto::Operation simple(std::string_view kind, std::string slug = "shop") {
    proto::Operation operation;
    operation.id = "op_" + ulid;
    operation.kind = kind;
    operation.fence = 1;
    operation.args = proto::write(proto::EnvironmentArgs{"env_" + ulid, std::move(slug)});
    return operation;
}

inline Policy parsed(std::string_view text) {
    auto policy = Policy::parse(text, "policy.yaml");
    if (!policy) FAIL(policy.error().message());
    return *policy;
}

} // namespace fairlead::policy
