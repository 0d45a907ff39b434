/// A server with an agent, and operations asked of it.
#pragma once

#include "../world/agent.hpp"
#include "controller/operations/repo.hpp"

#include <doctest/doctest.h>

namespace fairlead::test {

struct OperationWorld {
    World world;
    ServerId server = world.add_server();
    Agent agent{world, server};

    operations::NewOperation ping(std::optional<EnvironmentId> environment = std::nullopt) {
        operations::NewOperation wanted;
        wanted.kind = proto::kind::ping;
        wanted.server = server;
        wanted.environment = environment;
        wanted.target_name = "odoo-fra-1";
        wanted.args = "{}";
        return wanted;
    }
    Result<operations::Operation> create(operations::NewOperation wanted) {
        return world.core->store.write([&](store::UnitOfWork& unit) {
            return world.core->operations.create(unit, world.org, {}, wanted);
        });
    }
    operations::Operation create() { return create(ping()).value(); }
    Result<operations::Operation> cancel(const OperationId& id) {
        return world.core->store.write([&](store::UnitOfWork& unit) {
            return world.core->operations.cancel(unit, world.org, {}, id);
        });
    }
    operations::Operation get(const OperationId& id) {
        return world.core->store
            .read([&](store::Connection& db) {
                return operations::OperationRepo(db, world.org).get(id);
            })
            .value();
    }
    operations::State state(const OperationId& id) { return get(id).state; }
    std::size_t lines(const OperationId& id) {
        return world.core->store
            .read([&](store::Connection& db) {
                return operations::OperationRepo(db, world.org).log(id, 0, 10000);
            })
            .value()
            .size();
    }
};

} // namespace fairlead::test
