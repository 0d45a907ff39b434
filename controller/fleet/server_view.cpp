#include "controller/fleet/server_view.hpp"

#include "common/json/json.hpp"
#include "controller/operations/operations.hpp"
#include "proto/codec.hpp"
#include "proto/unix_name.hpp"

#include <algorithm>

namespace fairlead::fleet {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

value time(const std::optional<Timestamp>& at) {
    return at ? value(to_rfc3339(*at)) : value(nullptr);
}

object labels(const std::string& text) {
    auto parsed = json::parse(text);
    return parsed && parsed->is_object() ? std::move(parsed->get_object()) : object();
}

object facts_json(const std::string& text, const boost::json::storage_ptr& storage) {
    auto read = proto::read_text<proto::Facts>(text);
    if (!read || read->at_ms == 0) return object(storage);
    const auto& f = *read;
    object body(
        {
            {"os", {{"id", f.os.id}, {"version", f.os.version}, {"pretty", f.os.pretty}}},
            {"arch", f.arch},
            {"kernel", f.kernel},
            {"hostname", f.hostname},
            {"cpu",
             {{"model", f.cpu.model},
              {"cores", f.cpu.cores},
              {"used_percent", f.cpu.used_percent}}},
            {"memory",
             {{"total_bytes", f.memory.total_bytes}, {"used_bytes", f.memory.used_bytes}}},
            {"disk",
             {{"path", f.disk.path},
              {"total_bytes", f.disk.total_bytes},
              {"free_bytes", f.disk.free_bytes}}},
            {"uptime_s", f.uptime_s},
            {"postgresql",
             {{"installed", f.postgresql.installed},
              {"version",
               f.postgresql.version.empty() ? value(nullptr) : value(f.postgresql.version)},
              {"running", f.postgresql.running}}},
            {"policy", {{"sha256", f.policy.sha256}, {"rules", json::to_value(f.policy.summary)}}},
            {"addresses", json::to_value(f.addresses)},
            {"measured_at", to_rfc3339(from_ms(f.at_ms))},
        },
        storage
    );
    if (f.load.size() == 3) body["load"] = json::to_value(f.load);
    return body;
}

void shorten(std::string& text, std::size_t limit) {
    // The ellipsis of cut() counts too.
    if (text.size() > limit) text = operations::cut(std::move(text), limit - 3);
}

double sane(double value, double most) {
    return value >= 0 && value <= most ? value : 0;
}

} // namespace

object to_json(const Server& s, boost::json::storage_ptr storage) {
    return object(
        {
            {"id", s.id.str()},
            {"name", s.name},
            {"labels", labels(s.labels)},
            {"status", json::enum_name(s.status)},
            {"last_seen_at", time(s.last_seen_ms)},
            {"enrolled_at", to_rfc3339(s.enrolled_ms)},
            {"revoked_at", time(s.revoked_ms)},
            {"registration_token_id", s.token_id ? value(s.token_id->str()) : value(nullptr)},
            {"agent",
             {{"version", s.agent_version.empty() ? value(nullptr) : value(s.agent_version)},
              {"capability", s.capability ? value(*s.capability) : value(nullptr)}}},
            {"facts", facts_json(s.facts, storage)},
            {"terminal_users", json::to_value(terminal_users(s))},
            {"certificate",
             {{"serial", s.serial},
              {"not_after", to_rfc3339(s.not_after_ms)},
              {"recoveries_left", std::max<std::int64_t>(0, max_recoveries - s.recoveries)}}},
            {"environments", s.environments},
        },
        storage
    );
}

object to_json(const RegistrationToken& t, Timestamp now) {
    std::string_view status = t.revoked_ms           ? "revoked"
                              : t.uses >= t.max_uses ? "used_up"
                              : t.expires_ms <= now  ? "expired"
                                                     : "active";
    return {
        {"id", t.id.str()},
        {"name", t.name},
        {"labels", labels(t.labels)},
        {"status", status},
        {"max_uses", t.max_uses},
        {"uses", t.uses},
        {"expires_at", to_rfc3339(t.expires_ms)},
        {"created_at", to_rfc3339(t.created_ms)},
        {"created_by", {{"id", t.created_by.str()}, {"email", t.created_by_email}}},
    };
}

boost::json::object told_of(const Server& server) {
    return {{"server_id", server.id.str()}, {"server_name", server.name}};
}

api::Event server_event(const OrgId& org, const Server& server) {
    return {org,
            "server.updated",
            boost::json::serialize(to_json(server)),
            "servers.view",
            std::nullopt,
            false};
}

std::vector<std::string> terminal_users(const Server& server) {
    auto read =
        json::decode<std::vector<std::string>>(server.terminal_users, json::Strictness::lenient);
    return read ? *std::move(read) : std::vector<std::string>();
}

std::string terminal_users_text(const std::vector<std::string>& names) {
    constexpr std::size_t most = 64;
    std::vector<std::string> kept;
    for (const auto& name : names)
        if (kept.size() < most && proto::is_unix_name(name)) kept.push_back(name);
    return json::encode(kept);
}

std::string facts_text(proto::Facts f, Timestamp at) {
    f.at_ms = to_ms(at);
    for (auto* text :
         {&f.agent_version, &f.os.id, &f.os.version, &f.postgresql.version, &f.policy.sha256})
        shorten(*text, 64);
    shorten(f.hostname, 253);
    shorten(f.os.pretty, 200);
    shorten(f.arch, 32);
    shorten(f.kernel, 200);
    shorten(f.cpu.model, 200);
    shorten(f.disk.path, 1024);
    f.cpu.used_percent = sane(f.cpu.used_percent, 100);
    f.cpu.cores = std::min(f.cpu.cores, 65536u);
    constexpr std::uint64_t most = std::uint64_t(1) << 60;
    for (auto* bytes :
         {&f.memory.total_bytes, &f.memory.used_bytes, &f.disk.total_bytes, &f.disk.free_bytes,
          &f.uptime_s})
        *bytes = std::min(*bytes, most);
    if (f.load.size() > 3) f.load.resize(3);
    for (auto& load : f.load) load = sane(load, 1e6);
    if (f.addresses.size() > 64) f.addresses.resize(64);
    for (auto& address : f.addresses) shorten(address, 64);
    if (f.policy.summary.size() > 100) f.policy.summary.resize(100);
    for (auto& rule : f.policy.summary) shorten(rule, 300);
    f.environments.clear();
    f.measures.reset();
    return proto::write_text(f);
}

} // namespace fairlead::fleet
