#include "agent/odoo/odoo.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/pbkdf2.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/utf8.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace fairlead::odoo {
namespace {

std::vector<std::string> odoo_bin(const Installation& i) {
    return {i.python.string(), (i.source / "odoo-bin").string(), "-c", i.config.string()};
}

constexpr std::size_t digest_width = 64 + 2;

/// "addons/sale/models/x.py" → {"sale", "models/x.py"}; nothing for files outside modules.
struct Place {
    std::string_view module, rest;
};
std::optional<Place> place_of(std::string_view path, bool core) {
    if (core) {
        if (path.starts_with("addons/"))
            path.remove_prefix(7);
        else if (path.starts_with("odoo/addons/"))
            path.remove_prefix(12);
        else
            return std::nullopt;
    }
    auto slash = path.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    return Place{path.substr(0, slash), path.substr(slash + 1)};
}

template <class Visit>
Result<> each_line(std::string_view text, Visit visit) {
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n'));
        FAIRLEAD_CHECK(visit(line));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return {};
}

} // namespace

int major_version(std::string_view version) {
    if (version.starts_with("saas-") || version.starts_with("saas~")) version.remove_prefix(5);
    int major = 0;
    std::from_chars(version.data(), version.data() + version.size(), major);
    return major;
}

std::string_view websocket_port_option(std::string_view version) {
    auto major = major_version(version);
    return major != 0 && major < 16 ? "longpolling_port" : "gevent_port";
}

std::string configuration(
    const proto::EnvironmentSpec& e, const Installation& i, std::string_view admin_password,
    const std::optional<MailSink>& sink
) {
    std::vector<std::string> path;
    for (auto it = i.addons.rbegin(); it != i.addons.rend(); ++it) path.push_back(it->string());
    path.push_back((i.source / "addons").string());
    auto major = major_version(e.odoo_version);
    std::string text =
        "; Written by Fairlead for each release; changes here are lost.\n[options]\n";
    auto set = [&](std::string_view key, const auto& value) {
        text += fmt::format("{} = {}\n", key, value);
    };
    set("addons_path", fmt::format("{}", fmt::join(path, ",")));
    set("admin_passwd", admin_password);
    set("data_dir", i.data.string());
    set("db_name", i.database);
    set("dbfilter", fmt::format("^{}$", i.database));
    set("db_user", i.database);
    set("list_db", "False");
    set("http_interface", "127.0.0.1");
    set("http_port", e.port);
    if (e.gevent_port != 0) set(websocket_port_option(e.odoo_version), e.gevent_port);
    // Only what comes through a proxy of ours may say who asked and for which name.
    set("proxy_mode", e.exposure == proto::Exposure::port ? "False" : "True");
    set("workers", e.resources.workers);
    set("max_cron_threads", 1);
    if (e.resources.memory_max_bytes != 0 && e.resources.workers > 0) {
        // Odoo recycles a worker by itself before the kernel ends the whole unit.
        auto share = e.resources.memory_max_bytes / (e.resources.workers + 1);
        set("limit_memory_soft", std::max<std::uint64_t>(share * 8 / 10, 160ULL << 20));
        set("limit_memory_hard", std::max<std::uint64_t>(share, 200ULL << 20));
    }
    if (major != 0 && major < 19)
        set("without_demo", "all");
    else
        set("with_demo", "False");
    if (sink) {
        set("smtp_server", "127.0.0.1");
        set("smtp_port", sink->port);
        set("smtp_ssl", "False");
        set("smtp_user", sink->user);
        set("smtp_password", sink->password);
    }
    return text;
}

std::vector<std::string> migrate_command(
    const Installation& i, Migration migration, const std::vector<std::string>& modules
) {
    auto command = odoo_bin(i);
    command.insert(
        command.end(), {"-d", i.database, migration == Migration::install ? "-i" : "-u",
                        fmt::format("{}", fmt::join(modules, ",")), "--stop-after-init",
                        "--no-http", "--workers=0", "--max-cron-threads=0"}
    );
    return command;
}

std::vector<std::string> neutralise_command(const Installation& i, std::string_view version) {
    auto major = major_version(version);
    if (major != 0 && major < 16) return {};
    return {i.python.string(), (i.source / "odoo-bin").string(),
            "neutralize",      "-c",
            i.config.string(), "-d",
            i.database};
}

std::string neutralise_query() {
    // Each only where the table has the column: modules and versions differ. With no active mail
    // server Odoo sends by the one of its configuration, which is localhost unless set, so one that
    // cannot be reached stays, as in Odoo's own (16 on). The others cannot be reached either:
    // before 17 a mail that names an archived one goes out by it, and "cli" means the
    // configuration's.
    return R"sql(DO $do$
DECLARE step record;
BEGIN
    FOR step IN SELECT * FROM (VALUES
        (1, 'ir_mail_server', 'active', $q$UPDATE ir_mail_server SET active = false, smtp_host = 'invalid'$q$),
        (2, 'ir_mail_server', 'smtp_authentication', $q$UPDATE ir_mail_server SET smtp_authentication = 'login'$q$),
        (3, 'ir_mail_server', 'smtp_authentication', $q$INSERT INTO ir_mail_server
            (name, smtp_host, smtp_port, smtp_encryption, smtp_authentication, active)
            SELECT 'neutralization - disable emails', 'invalid', 1025, 'none', 'login', false
            WHERE NOT EXISTS (SELECT 1 FROM ir_mail_server WHERE name = 'neutralization - disable emails')$q$),
        (4, 'ir_mail_server', 'active', $q$INSERT INTO ir_mail_server
            (name, smtp_host, smtp_port, smtp_encryption, active)
            SELECT 'neutralization - disable emails', 'invalid', 1025, 'none', false
            WHERE NOT EXISTS (SELECT 1 FROM ir_mail_server WHERE name = 'neutralization - disable emails')$q$),
        (5, 'ir_mail_server', 'active', $q$UPDATE ir_mail_server SET active = true
            WHERE id = (SELECT min(id) FROM ir_mail_server WHERE name = 'neutralization - disable emails')$q$),
        (6, 'fetchmail_server', 'active', 'UPDATE fetchmail_server SET active = false'),
        (7, 'ir_cron', 'active', 'UPDATE ir_cron SET active = false'),
        (8, 'payment_provider', 'state', $q$UPDATE payment_provider SET state = 'disabled'$q$),
        (9, 'payment_acquirer', 'state', $q$UPDATE payment_acquirer SET state = 'disabled'$q$),
        (10, 'payment_acquirer', 'environment', $q$UPDATE payment_acquirer SET environment = 'test'$q$),
        (11, 'payment_acquirer', 'website_published', 'UPDATE payment_acquirer SET website_published = false'),
        (12, 'delivery_carrier', 'prod_environment', 'UPDATE delivery_carrier SET prod_environment = false'),
        (13, 'ir_act_server', 'webhook_url', $q$UPDATE ir_act_server
            SET webhook_url = 'neutralization - disable webhook' WHERE webhook_url IS NOT NULL$q$),
        (14, 'base_automation', 'trigger', $q$UPDATE base_automation SET active = false WHERE trigger = 'on_webhook'$q$),
        (15, 'mail_mail', 'state', $q$UPDATE mail_mail SET state = 'cancel' WHERE state IN ('outgoing', 'exception')$q$)
    ) AS steps (turn, relation, attribute, statement) ORDER BY turn
    LOOP
        IF EXISTS (SELECT 1 FROM information_schema.columns
                   WHERE table_schema = current_schema() AND table_name = step.relation
                     AND column_name = step.attribute) THEN
            EXECUTE step.statement;
        END IF;
    END LOOP;
END
$do$)sql";
}

std::vector<std::string> load_command(const Installation& i) {
    auto command = odoo_bin(i);
    command.insert(
        command.end(),
        {"-d", i.database, "--stop-after-init", "--no-http", "--workers=0", "--max-cron-threads=0"}
    );
    return command;
}

const std::vector<std::string>& counted_tables() {
    static const std::vector<std::string> tables{"ir_attachment", "ir_model",    "ir_module_module",
                                                 "ir_ui_view",    "res_company", "res_partner",
                                                 "res_users"};
    return tables;
}

std::string table_count_query() {
    return "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
           " WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%'"
           " AND n.nspname <> 'information_schema'";
}

std::string attachments_query() {
    return "SELECT DISTINCT store_fname FROM ir_attachment WHERE store_fname <> ''";
}

std::string unsettled_query() {
    return "SELECT name || '|' || state FROM ir_module_module WHERE state IN ('to install', 'to "
           "upgrade', 'to remove') ORDER BY name LIMIT 20";
}

std::string installed_query() {
    return "SELECT name FROM ir_module_module WHERE state = 'installed' ORDER BY name";
}

namespace {

/// As passlib, by which Odoo reads and writes it, has bytes: RFC 4648 section 4 with "." for "+"
/// and no padding.
std::string passlib_base64(std::string_view bytes) {
    auto text = crypto::base64_encode(bytes);
    text.erase(text.find_last_not_of('=') + 1);
    std::ranges::replace(text, '+', '.');
    return text;
}

} // namespace

std::string first_password_query(std::string_view version, const Secret& password) {
    constexpr unsigned rounds = 600'000; // as Odoo 19
    if (major_version(version) < 12) return {};
    auto salt = crypto::random_bytes(16);
    auto hash = crypto::pbkdf2_sha512(password, salt, rounds, 64);
    return fmt::format(
        "UPDATE res_users SET password = '$pbkdf2-sha512${}${}${}' WHERE login = '{}' RETURNING id",
        rounds, passlib_base64(salt), passlib_base64(hash), first_login
    );
}

Result<std::map<std::string, std::string>> module_hashes(std::string_view manifest, bool core) {
    std::map<std::string, std::string> lists; // module: its lines
    std::map<std::string, bool> real;
    FAIRLEAD_CHECK(each_line(manifest, [&](std::string_view line) -> Result<> {
        if (line.size() <= digest_width)
            return fail(Errc::invalid, "A line of the manifest is too short.");
        auto path = line.substr(digest_width);
        auto place = place_of(path, core);
        if (!place) return {};
        auto module = std::string(place->module);
        if (place->rest == "__manifest__.py" || place->rest == "__openerp__.py")
            real[module] = true;
        lists[module].append(line.substr(0, digest_width)).append(place->rest).append("\n");
        return {};
    }));
    std::map<std::string, std::string> hashes;
    for (const auto& [module, lines] : lists)
        if (real.contains(module)) hashes[module] = crypto::sha256(lines).hex();
    return hashes;
}

std::vector<std::string> changed(
    const std::map<std::string, std::string>& before,
    const std::map<std::string, std::string>& after
) {
    std::vector<std::string> names;
    for (const auto& [name, hash] : after) {
        auto old = before.find(name);
        if (old != before.end() && old->second != hash) names.push_back(name);
    }
    return names;
}

proto::LogLevel level_of(std::string_view line) {
    // "2026-01-01 00:00:00,000 123 ERROR db odoo.modules: …"
    auto head = line.substr(0, 60);
    if (head.find(" ERROR ") != std::string_view::npos ||
        head.find(" CRITICAL ") != std::string_view::npos || line.starts_with("Traceback"))
        return proto::LogLevel::error;
    if (head.find(" WARNING ") != std::string_view::npos) return proto::LogLevel::warning;
    if (head.find(" DEBUG ") != std::string_view::npos) return proto::LogLevel::debug;
    return proto::LogLevel::info;
}

std::optional<std::uint32_t> percent_of(std::string_view line) {
    auto at = line.find("oading module ");
    if (at == std::string_view::npos) return std::nullopt;
    auto open = line.find('(', at), slash = line.find('/', at), close = line.find(')', at);
    if (open == std::string_view::npos || slash == std::string_view::npos ||
        close == std::string_view::npos || !(open < slash && slash < close))
        return std::nullopt;
    std::uint32_t done = 0, all = 0;
    std::from_chars(line.data() + open + 1, line.data() + slash, done);
    std::from_chars(line.data() + slash + 1, line.data() + close, all);
    if (all == 0 || done > all) return std::nullopt;
    return done * 100 / all;
}

std::string explain(const std::vector<std::string>& lines) {
    // Python puts the exception after the traceback, on the first line that is not indented.
    std::string reason, file;
    bool inside = false;
    for (const auto& line : lines) {
        if (line.find("Traceback (most recent call last)") != std::string::npos) {
            inside = true;
            continue;
        }
        if (!inside) continue;
        auto text = std::string_view(line);
        text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
        if (line.starts_with(" ") || line.empty()) {
            if (text.starts_with("File \"")) file = utf8::cut(text.substr(5), 300);
            continue;
        }
        inside = false;
        if (line.find(':') != std::string::npos || line.find("Error") != std::string::npos)
            reason = utf8::cut(line, 500);
    }
    if (!reason.empty()) return file.empty() ? reason : fmt::format("{} (at {})", reason, file);
    for (auto it = lines.rbegin(); it != lines.rend(); ++it)
        if (level_of(*it) == proto::LogLevel::error) return std::string(utf8::cut(*it, 500));
    return std::string(lines.empty() ? "it printed nothing" : utf8::cut(lines.back(), 500));
}

} // namespace fairlead::odoo
