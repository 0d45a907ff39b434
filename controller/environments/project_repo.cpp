#include "controller/environments/project_repo.hpp"

#include "common/json/json.hpp"

#include <fmt/core.h>

#include <set>

namespace fairlead::environments {
namespace {

#define FAIRLEAD_COUNT(type)                                                                       \
    "(SELECT count(*) FROM environment WHERE environment.org_id = project.org_id AND "             \
    "environment.project_id"                                                                       \
    " = project.id AND environment.type = '" #type "') AS " #type
#define FAIRLEAD_PROJECT                                                                           \
    "id, name, slug, odoo_version, odoo_source, addons, created_ms, " FAIRLEAD_COUNT(development   \
    ) ", " FAIRLEAD_COUNT(staging) ", " FAIRLEAD_COUNT(production)

#define FAIRLEAD_SEEN(holder)                                                                      \
    " AND (" holder " = '' OR EXISTS (SELECT 1 FROM project_limit l WHERE l.org_id = $1 AND "      \
    "l.holder = " holder " AND l.project_id = project.id))"

/// What this program wrote itself.
template <class T>
T stored(const std::string& text) {
    return json::decode<T>(text, json::Strictness::lenient).value_or(T{});
}

} // namespace

const std::string& AddonRepository::branch_for(proto::EnvironmentType type) const {
    if (!branch_by_type) return branch;
    const auto& special = type == proto::EnvironmentType::production ? branch_by_type->production
                          : type == proto::EnvironmentType::staging  ? branch_by_type->staging
                                                                     : branch_by_type->development;
    return special ? *special : branch;
}

bool follows(const std::vector<AddonRepository>& repositories, std::size_t i) {
    return repositories[i].follows_environment.value_or(repositories.size() == 1);
}

bool any_follows(const std::vector<AddonRepository>& repositories) {
    for (std::size_t i = 0; i < repositories.size(); ++i)
        if (follows(repositories, i)) return true;
    return false;
}

OdooSource Project::source() const {
    return stored<OdooSource>(odoo_source);
}
std::vector<AddonRepository> Project::repositories() const {
    return stored<std::vector<AddonRepository>>(addons);
}

Result<> ProjectRepo::use_credentials(const Project& project) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM project_credential WHERE project_id = $2 AND org_id = $1", org_, project.id
    ));
    std::set<std::string> used;
    if (auto id = project.source().credential_id) used.insert(*id);
    for (const auto& addon : project.repositories())
        if (addon.credential_id) used.insert(*addon.credential_id);
    for (const auto& id : used)
        FAIRLEAD_CHECK(db_.run(
            "INSERT INTO project_credential (project_id, credential_id, org_id) VALUES ($2, $3, "
            "$1)",
            org_, project.id, id
        ));
    return {};
}

Result<> ProjectRepo::insert(const Project& p) {
    FAIRLEAD_TRY(
        done, db_.run(
                  "INSERT INTO project (id, org_id, name, slug, odoo_version, odoo_source, addons, "
                  "created_ms)"
                  " VALUES ($2, $1, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                  org_, p.id, p.name, p.slug, p.odoo_version, p.odoo_source, p.addons, p.created_ms
              )
    );
    if (done == 0)
        return fail(Error(
                        Errc::conflict,
                        fmt::format(
                            "A project with the slug \"{}\" is there already. Choose another.",
                            p.slug
                        )
        )
                        .with_code("slug_in_use"));
    return use_credentials(p);
}

Result<Project> ProjectRepo::get(const ProjectId& id) {
    return store::present(
        db_.one<Project>(
            "SELECT " FAIRLEAD_PROJECT
            " FROM project WHERE id = $2 AND org_id = $1" FAIRLEAD_SEEN("$3"),
            org_, id, limit_
        ),
        "There is no such project."
    );
}

Result<std::vector<Project>> ProjectRepo::list(std::string_view after, std::int64_t limit) {
    std::string name;
    if (!after.empty()) {
        FAIRLEAD_TRY(
            found, db_.one<std::string>(
                       "SELECT name FROM project WHERE org_id = $1 AND id = $2" FAIRLEAD_SEEN("$3"),
                       org_, after, limit_
                   )
        );
        if (!found)
            return fail(Error(
                            Errc::invalid,
                            "The project that the cursor names is gone. Start again without it."
            )
                            .with_code("bad_cursor"));
        name = *found;
    }
    return db_.all<Project>(
        "SELECT " FAIRLEAD_PROJECT
        " FROM project WHERE org_id = $1 AND ($2 = '' OR name > $3 OR (name = $3 AND id > "
        "$2))" FAIRLEAD_SEEN("$5") " ORDER BY name, id LIMIT $4",
        org_, after, name, limit, limit_
    );
}

Result<std::int64_t> ProjectRepo::count() {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>("SELECT count(*) FROM project WHERE org_id = $1", org_)
    );
    return count.value_or(0);
}

Result<> ProjectRepo::update(const Project& p) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE project SET name = $3, odoo_version = $4, odoo_source = $5, addons = $6"
        " WHERE id = $2 AND org_id = $1",
        org_, p.id, p.name, p.odoo_version, p.odoo_source, p.addons
    ));
    return use_credentials(p);
}

Result<> ProjectRepo::remove(const ProjectId& id) {
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM project_credential WHERE project_id = $2 AND org_id = $1", org_, id)
    );
    FAIRLEAD_CHECK(db_.run("DELETE FROM project WHERE id = $2 AND org_id = $1", org_, id));
    return {};
}

} // namespace fairlead::environments
