#include "agent/policy/shape.hpp"
#include "agent/policy/text.hpp"

#include <set>

namespace fairlead::policy {
namespace {

constexpr std::size_t most_addons = 50, most_variables = 200, most_modules = 500,
                      most_requirements = 300, most_domains = 100, longest_value = 8192;

/// A folder name: the repository's short name.
Result<> check_name(std::string_view name) {
    if (name.empty() || name.size() > 64 || !(lower(name.front()) || digit(name.front())) ||
        !all(name, [](char c) { return lower(c) || digit(c) || c == '_' || c == '-'; }))
        return wrong(
            "repository name", name, "lower-case letters, digits, '_' and '-', at most 64, are"
        );
    return {};
}

bool plain_text(std::string_view text) {
    return all(text, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 127; });
}

Result<> check_count(std::size_t count, std::size_t most, std::string_view what) {
    if (count > most)
        return fail(
            Errc::invalid,
            fmt::format("There are {} {}; at most {} are allowed.", count, what, most)
        );
    return {};
}

Result<> check_source(const proto::Source& source) {
    FAIRLEAD_CHECK(check_name(source.name));
    FAIRLEAD_CHECK(parse_repository(source.url));
    FAIRLEAD_CHECK(check_branch(source.branch));
    if (!source.credential.empty()) {
        auto id = std::string_view(source.credential);
        if (id.starts_with("credential:")) id.remove_prefix(11);
        FAIRLEAD_CHECK(check_id(id, "gcr_"));
        if (source.credential_kind != "token" && source.credential_kind != "ssh_key")
            return wrong("kind of credential", source.credential_kind, "token and ssh_key are");
    }
    if (source.username.size() > 100 ||
        !all(source.username, [](char c) { return alnum(c) || one_of(c, "._@+-"); }) ||
        source.username.starts_with('-'))
        return wrong(
            "user name", source.username, "letters, digits and . _ @ + -, at most 100, are"
        );
    return {};
}

} // namespace

Result<> check(const proto::EnvironmentSpec& e) {
    FAIRLEAD_CHECK(check_id(e.id, "env_"));
    FAIRLEAD_CHECK(check_slug(e.slug));
    FAIRLEAD_CHECK(check_version(e.odoo_version));
    for (const auto& name : {e.name, e.project_name})
        if (name.size() > 200 || !plain_text(name))
            return wrong("name", name, "at most 200 printable characters are");
    if (!e.project_id.empty()) FAIRLEAD_CHECK(check_id(e.project_id, "prj_"));
    FAIRLEAD_CHECK(check_source(e.odoo));
    FAIRLEAD_CHECK(check_count(e.addons.size(), most_addons, "addon repositories"));
    std::set<std::string_view> names{e.odoo.name};
    for (const auto& source : e.addons) {
        FAIRLEAD_CHECK(check_source(source));
        if (!names.insert(source.name).second)
            return wrong("repository name", source.name, "another one has it already");
    }
    FAIRLEAD_CHECK(check_port(e.port, "port"));
    if (e.gevent_port != 0) FAIRLEAD_CHECK(check_port(e.gevent_port, "gevent port"));
    if (e.gevent_port == e.port)
        return fail(Errc::invalid, fmt::format("Port and gevent port are both {}.", e.port));
    FAIRLEAD_CHECK(check_count(e.domains.size(), most_domains, "domains"));
    for (const auto& domain : e.domains) FAIRLEAD_CHECK(check_domain(domain));
    const auto& r = e.resources;
    if (r.memory_max_bytes != 0 && r.memory_max_bytes < (256ULL << 20))
        return fail(
            Errc::invalid,
            fmt::format(
                "A memory limit of {} bytes is too small for Odoo: 256 MiB at least.",
                r.memory_max_bytes
            )
        );
    if (r.cpu_percent > 102'400 || r.workers > 128 || r.tasks_max > 4'000'000 ||
        (r.tasks_max != 0 && r.tasks_max < 32))
        return fail(
            Errc::invalid, "Limits: at most 102400 % of a CPU, 128 workers, and 32 tasks or more."
        );
    FAIRLEAD_CHECK(check_count(e.variables.size(), most_variables, "variables"));
    std::set<std::string_view> variables;
    for (const auto& variable : e.variables) {
        FAIRLEAD_CHECK(check_variable_name(variable.name));
        if (!variables.insert(variable.name).second)
            return wrong("variable name", variable.name, "it is there twice");
        if (variable.value.size() > longest_value || !plain_text(variable.value))
            return wrong(
                "value of the variable", variable.name, "at most 8192 printable characters are"
            );
    }
    FAIRLEAD_CHECK(check_count(e.modules.size(), most_modules, "modules"));
    for (const auto& module : e.modules) FAIRLEAD_CHECK(check_module(module));
    FAIRLEAD_CHECK(check_count(e.requirements.size(), most_requirements, "requirements"));
    for (const auto& line : e.requirements) FAIRLEAD_CHECK(check_requirement(line));
    if (e.mail) {
        if (e.type == proto::EnvironmentType::production)
            return fail(
                Errc::invalid,
                fmt::format("{} is production: its mail is sent, and never captured.", e.slug)
            );
        FAIRLEAD_CHECK(check(*e.mail));
    }
    if (e.keep_releases < 1 || e.keep_releases > 50)
        return fail(
            Errc::invalid, fmt::format("{} releases cannot be kept: 1 to 50 can.", e.keep_releases)
        );
    return {};
}

namespace {

Result<> check_release(const proto::ReleaseRef& release) {
    FAIRLEAD_CHECK(check_id(release.id, "rel_"));
    if (release.number < 1 || release.number > 1'000'000)
        return fail(
            Errc::invalid,
            fmt::format("There is no release number {}: they go from 1 to 1000000.", release.number)
        );
    return {};
}

} // namespace

Result<> check(const proto::DeployArgs& args) {
    FAIRLEAD_CHECK(check(args.environment));
    FAIRLEAD_CHECK(check_release(args.release));
    FAIRLEAD_CHECK(check_count(args.modules.size(), most_modules, "modules"));
    for (const auto& module : args.modules) FAIRLEAD_CHECK(check_module(module));
    if (args.update == proto::UpdateMode::modules && args.modules.empty())
        return fail(Errc::invalid, "No module to update is named.");
    return check_first(args.backup_before, args.environment.slug);
}

Result<> check(const proto::PreflightArgs& args) {
    return check(args.environment);
}

Result<> check(const proto::RollbackArgs& args) {
    FAIRLEAD_CHECK(check_id(args.environment_id, "env_"));
    FAIRLEAD_CHECK(check_slug(args.slug));
    return check_release(args.release);
}

Result<> check(const proto::EnvironmentArgs& args) {
    FAIRLEAD_CHECK(check_id(args.environment_id, "env_"));
    FAIRLEAD_CHECK(check_slug(args.slug));
    return check_first(args.last_backup, args.slug);
}

Result<> check(const proto::PingArgs& args) {
    if (args.note.size() > 1000 || !plain_text(args.note))
        return wrong("note", args.note, "at most 1000 printable characters are");
    return {};
}

} // namespace fairlead::policy
