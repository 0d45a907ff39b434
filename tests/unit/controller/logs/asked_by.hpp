/// Somebody who asks for a log.
#pragma once

#include "controller/logs/asked.hpp"

namespace fairlead::logs {

inline Asked asked_at(Timestamp now) {
    Asked asked{
        .id = ReadingId::make(now),
        .scope = api::ScopeIssuer::scope(OrgId::trusted("org_A")),
        .server = ServerId::trusted("srv_A"),
        .server_name = "fra-1",
        .environment = EnvironmentId::trusted("env_A"),
        .environment_name = "shop",
        .what = {},
        .user = UserId::trusted("usr_A"),
        .reader = "usr_A",
        .actor = {},
        .made = now,
        .lasts = {},
        .bonds = {"ses_A", "org_A/usr_A"}};
    asked.what.kind = "log";
    asked.what.source = "odoo";
    asked.what.order = "follow";
    return asked;
}

} // namespace fairlead::logs
