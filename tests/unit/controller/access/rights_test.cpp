#include "controller/access/permissions.hpp"
#include "controller/access/rights.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using access::rights_of;
using orgs::Standing;

TEST_SUITE("controller/access/rights") {

    TEST_CASE("owners hold everything, whatever their role and adjustments say") {
        Standing standing;
        standing.role = "viewer";
        standing.owner = true;
        standing.limited = true;
        standing.withdrawn = R"(["org.view"])";
        CHECK(rights_of(standing, true)->size() == access::permissions().size());
    }

    TEST_CASE("a role that nobody knows, and a custom role without permissions, hold nothing "
              "[S-RBAC-01]") {
        Standing standing;
        standing.role = "rol_01J00000000000000000000000";
        CHECK(rights_of(standing, true)->empty());
        standing.role_permissions = "[]";
        CHECK(rights_of(standing, true)->empty());
        standing.role_permissions = R"(["made.up", "org.view"])";
        CHECK(*rights_of(standing, true) == access::Rights{"org.view"});
    }

    TEST_CASE("developers make and restore backups, and replace no production; viewers see them") {
        const auto& developer = access::permissions_of("developer");
        for (auto code :
             {"backups.create", "restores.create", "drills.create", "environments.clone"})
            CHECK_MESSAGE(developer.contains(code), code);
        for (auto code :
             {"restores.production", "backups.configure", "backups.delete", "storages.edit",
              "backup_settings.edit"})
            CHECK_MESSAGE(!developer.contains(code), code);
        CHECK(access::permissions_of("viewer").contains("backups.view"));
        CHECK(!access::permissions_of("viewer").contains("storages.view"));
        // Who is limited to projects has no say about the organization's buckets.
        CHECK(access::limited_permissions().contains("restores.production"));
        CHECK(!access::limited_permissions().contains("storages.create"));
    }

    TEST_CASE("what is granted adds to the role where the plan has it; what is withdrawn always "
              "counts") {
        Standing standing;
        standing.role = "viewer";
        standing.granted = R"(["deployments.create"])";
        standing.withdrawn = R"(["members.view"])";
        auto pro = rights_of(standing, true), free = rights_of(standing, false);
        CHECK(pro->contains("deployments.create"));
        CHECK(!free->contains("deployments.create"));
        CHECK(!pro->contains("members.view"));
        CHECK(!free->contains("members.view"));
        CHECK(free->contains("environments.view"));
    }

    TEST_CASE("limited to projects, an administrator keeps what is about projects alone") {
        Standing standing;
        standing.role = "admin";
        standing.limited = true;
        auto rights = rights_of(standing, true);
        for (auto kept :
             {"org.view", "servers.view", "projects.view", "deployments.create",
              "environments.delete", "variables.edit"})
            CHECK(rights->contains(kept));
        for (auto gone :
             {"projects.create", "members.view", "servers.enroll", "audit.view", "security.edit",
              "connect.use", "git_credentials.create"})
            CHECK(!rights->contains(gone));
    }
}
