/// Golden files: every message as it stands on the wire. A change of one is a change of the
/// protocol: read the diff, then rewrite them with FAIRLEAD_WRITE_GOLDEN=1.
#include "common/runtime/file.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

using namespace fairlead;
using namespace fairlead::proto;

namespace {

const std::filesystem::path folder = FAIRLEAD_GOLDEN_DIR;

Source source() {
    return {"odoo", "https://git.example/odoo.git", "19.0", "credential:gcr_1", "token", "deploy"};
}

EnvironmentSpec spec() {
    EnvironmentSpec spec;
    spec.id = "env_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
    spec.slug = "shop";
    spec.name = "Shop";
    spec.type = EnvironmentType::staging;
    spec.odoo_version = "19.0";
    spec.odoo = source();
    spec.addons = {{"shop-addons", "https://git.example/shop.git", "main", "", "", ""}};
    spec.port = 18069;
    spec.gevent_port = 18070;
    spec.domains = {"shop.example.com"};
    spec.exposure = Exposure::tunnel;
    spec.resources = {2ull << 30, 150, 256, 2};
    spec.variables = {{"LOG_TO", "stdout", false}, {"API_KEY", "", true}};
    spec.modules = {"base", "web"};
    spec.project_id = "prj_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
    spec.project_name = "Shops";
    return spec;
}

Operation operation() {
    DeployArgs args;
    args.environment = spec();
    args.release = {"rel_01JD8Q4M3N7V5X2K9B6T0W1YHZ", 3};
    args.update = UpdateMode::modules;
    args.modules = {"shop"};
    return {
        "op_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
        std::string(kind::deploy),
        7,
        60000,
        "ada@example.org",
        write(args),
        {{"credential:gcr_1", "s3cret"}, {"variable:API_KEY", "k"}}};
}

Storage storage() {
    Storage bucket;
    bucket.id = "sto_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
    bucket.name = "Main";
    bucket.endpoint = "https://s3.eu-central-003.backblazeb2.com";
    bucket.region = "eu-central-003";
    bucket.bucket = "odoo-backups";
    bucket.prefix = "fairlead";
    bucket.access_key = "AKIA1";
    bucket.object_lock = ObjectLock::governance;
    bucket.object_lock_days = 30;
    return bucket;
}

BackupArgs backup_args() {
    BackupArgs args;
    args.environment_id = "env_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
    args.slug = "shop";
    args.backup_id = "bak_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
    args.kind = BackupKind::scheduled;
    args.settings.storage = storage();
    args.settings.schedule = "30 2 * * *";
    args.settings.drill_schedule = "0 4 * * 0";
    args.settings.time_zone = "Europe/Berlin";
    args.settings.retention = {1, 24, 7, 4, 12, 3};
    args.settings.recipients = {"age1glddcck3tfjd7qw9y0dgsj8fpadqyuqcvraua7jgpq456rzx4g5qmgg48a"};
    return args;
}

Operation backup_operation() {
    return {
        "op_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
        std::string(kind::backup),
        8,
        60000,
        "ada@example.org",
        write(backup_args()),
        {{"storage:sto_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "s3cret"},
         {"storage_token:sto_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "t0ken"}}};
}

const std::string ssh_key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF5pnmpet0MGoqED8tw5xsiJHWb71NvFsHJfJbp+VFvs";

Operation ssh_keys_operation() {
    SshKeysArgs args;
    args.user = "deploy";
    args.keys = {{"sshk_01JD8Q4M3N7V5X2K9B6T0W1YHZ", ssh_key}};
    args.proven = "SHA256:FObFIcxUYRDfUjrRTERl6HqcfuTJTV399Hzc0kCFpe0";
    return {
        "op_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
        std::string(kind::ssh_keys),
        9,
        60000,
        "ada@example.org",
        write(args),
        {}};
}

Operation mail_operation(std::string_view kind, boost::json::value args) {
    return {
        "op_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
        std::string(kind),
        9,
        60000,
        "ada@example.org",
        std::move(args),
        {}};
}

MailConfigureArgs mail_settings() {
    MailConfigureArgs args;
    args.environment_id = "env_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
    args.slug = "shop";
    args.retention = {7, 500, 1073741824};
    return args;
}

MailDeleteArgs mail_deletion() {
    MailDeleteArgs args;
    args.environment_id = "env_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
    args.slug = "shop";
    args.messages = {"1767225600000-0123456789ab"};
    return args;
}

Operation odoo_login_operation() {
    OdooLoginArgs args;
    args.environment_id = "env_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
    args.slug = "shop";
    args.login = "admin";
    args.reason = "Ticket 4711: the invoice layout";
    args.public_key = "BP6MGc4JBRkevCmKkkV5JTHybwzs4kYGOei8Oct_cGqCanebTP"
                      "lpuKDlOcf2L7PTCtaqj4DjDx0Siq_WiiznLqA";
    return {
        "op_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
        std::string(kind::odoo_login),
        10,
        60000,
        "ada@example.org",
        write(args),
        {}};
}

Operation agent_update_operation() {
    AgentUpdateArgs args;
    args.version = "0.2.0";
    args.package = "fairlead-agent_0.2.0_amd64.deb";
    args.sums = std::string(64, 'd') + "  fairlead-agent_0.2.0_amd64.deb\n";
    args.signature = "AA==";
    return {
        "op_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
        std::string(kind::agent_update),
        10,
        60000,
        "ada@example.org",
        write(args),
        {}};
}

PackagePart package_part() {
    return {"fairlead-agent_0.2.0_amd64.deb", 262144, 262147, "YWJj", ""};
}

SshState ssh_state() {
    SshState state;
    state.users = {"deploy", "root"};
    state.keys = {{"sshk_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "deploy", ssh_key}};
    state.port = 22;
    return state;
}

BackupInfo backup_info() {
    BackupInfo info;
    info.id = "bak_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
    info.kind = BackupKind::scheduled;
    info.started_at_ms = 1790000000000;
    info.finished_at_ms = 1790000060000;
    info.storage_id = "sto_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
    info.odoo_version = "19.0";
    info.release = 3;
    info.postgresql_version = "15.18";
    info.database_bytes = 1ull << 30;
    info.dump_bytes = 200ull << 20;
    info.files = 100000;
    info.file_bytes = 5ull << 30;
    info.packed_bytes = 4ull << 30;
    info.sent_bytes = 1ull << 20;
    info.missing_files = 2;
    info.recipients = backup_args().settings.recipients;
    return info;
}

ReleaseInfo release() {
    ReleaseInfo info;
    info.id = "rel_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
    info.number = 3;
    info.operation = "op_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
    info.created_at_ms = 1790000000000;
    info.commits = {
        {"odoo", "https://git.example/odoo.git", "19.0", std::string(40, 'a'),
         "[FIX] base: \"quotes\""}};
    info.python_packages = {"lxml==4.9.2"};
    info.manifest_sha256 = std::string(64, 'b');
    info.has_database_snapshot = true;
    info.live = true;
    return info;
}

Witness witness() {
    return {
        "fairlead.example/audit+01234567+AQ==", 12, "AA==", "its past was rewritten",
        1790000000000};
}

Reports reports() {
    Report accepted{1, "op_1", 1790000000000, ReportKind::accepted, {}, {}, {}};
    Report step{
        2,
        "op_1",
        1790000000001,
        ReportKind::step,
        StepReport{1, 9, "fetch", "Fetch the repositories", StepState::running, 40, "odoo"},
        {},
        {}};
    Report log{
        3,
        "op_1",
        1790000000002,
        ReportKind::log,
        {},
        {{1790000000002, LogLevel::warning, "fetch", "slow"}},
        {}};
    Finished finished;
    finished.outcome = Outcome::failed;
    finished.error = OperationError{
        "migration_failed", "The module shop raised while it was updated.", "migrate"};
    finished.note = "undone";
    finished.result.release = release();
    finished.result.preflight = PreflightReport{
        {{"disk", "Free disk space", CheckResult::failed, "1.0 GB", "3.2 GB", "Free 2.2 GB."}}};
    finished.result.downtime_ms = 2100;
    Report done{4, "op_1", 1790000000003, ReportKind::finished, {}, {}, finished};
    return {{accepted, step, log, done}};
}

/// A backup that the server began by its schedule, and a drill.
Reports reports_of_backups() {
    Report born{5, "op_2", 1790000000004, ReportKind::accepted, {}, {}, {}};
    born.born = Born{
        std::string(kind::backup), "env_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "shop", "schedule",
        write(backup_args())};
    Finished whole;
    whole.outcome = Outcome::succeeded;
    whole.result.backup = backup_info();
    whole.result.removed_backups = {"bak_01JD8Q4M3N7V5X2K9B6T0W1YHA"};
    whole.result.stored =
        StoredBackups{"sto_01JD8Q4M3N7V5X2K9B6T0W1YHZ", {"bak_01JD8Q4M3N7V5X2K9B6T0W1YHZ"}};
    Report done{6, "op_2", 1790000060000, ReportKind::finished, {}, {}, whole};
    Finished tried;
    tried.outcome = Outcome::succeeded;
    tried.result.drill = DrillReport{
        "bak_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
        1790000090000,
        61000,
        {{"registry", "Odoo loads it", CheckResult::passed, "412 models", "", ""}}};
    Report drilled{7, "op_3", 1790000090000, ReportKind::finished, {}, {}, tried};
    return {{born, done, drilled}};
}

EnvironmentState environment_state() {
    EnvironmentState state{"env_1", "shop", "running", "", 18069, {release()}, spec()};
    state.backup = BackupState{
        "sto_01JD8Q4M3N7V5X2K9B6T0W1YHZ",
        "age1glddcck3tfjd7qw9y0dgsj8fpadqyuqcvraua7jgpq456rzx4g5qmgg48a", 1790006400000,
        1790100000000};
    state.tunnel = {18069, 18070};
    return state;
}

Facts facts() {
    Facts all;
    all.at_ms = 1790000000000;
    all.agent_version = "0.1.0";
    all.hostname = "odoo-fra-1";
    all.os = {"debian", "12", "Debian GNU/Linux 12 (bookworm)"};
    all.arch = "x86_64";
    all.kernel = "6.1.0";
    all.uptime_s = 86400;
    all.cpu = {"AMD EPYC", 2, 12.5};
    all.memory = {8ull << 30, 3ull << 30};
    all.disk = {"/var/lib/fairlead", 100ull << 30, 60ull << 30};
    all.load = {0.5, 0.25, 0.125};
    all.addresses = {"192.0.2.7"};
    all.postgresql = {true, "15.18", true};
    all.policy = {std::string(64, 'c'), {"allow every kind in every environment"}};
    all.environments = {{"shop", "running", "connected"}};
    return all;
}

/// Encodes, compares with the golden file, decodes the golden file and encodes that again.
template <class Variant, class Decode>
void check_golden(const std::string& name, const Variant& message, Decode decode) {
    CAPTURE(name);
    auto path = folder / (name + ".json");
    auto text = encode(message) + "\n";
    if (std::getenv("FAIRLEAD_WRITE_GOLDEN")) REQUIRE(write_file(path, text, 0644));
    auto golden = read_file(path, max_message);
    REQUIRE(golden);
    CHECK(text == *golden);
    auto decoded = decode(std::string_view(*golden));
    REQUIRE(decoded);
    CHECK(encode(*decoded) + "\n" == *golden);
}

} // namespace

TEST_SUITE("proto/golden") {

    TEST_CASE("what the agent says stands on the wire as it always did") {
        auto check = [](const std::string& name, FromAgent message) {
            check_golden(name, message, decode_from_agent);
        };
        check(
            "hello",
            Hello{
                1, 1, "0.1.0", "jrn_1", 12, 40, 38, {"op_1"}, 1790000000000, witness(), {"deploy"}}
        );
        check("audit-witness", AuditWitness{witness()});
        check("reports", reports());
        check("reports-of-backups", reports_of_backups());
        check("facts", FactsMessage{facts()});
        auto measured = facts();
        measured.measures = Measures{
            {{"swap_used_bytes", 0}, {"network_in_bytes", 4096}, {"pg_connections", 7}},
            {{"shop", {{"memory_bytes", 314572800}, {"requests", 120}}}}};
        check("facts-measures", FactsMessage{measured});
        check("inventory", Inventory{{environment_state()}});
        check("inventory-ssh-keys", Inventory{{}, ssh_state()});
        check(
            "inventory-odoo-links",
            Inventory{{}, std::nullopt, {{"op_01JD8Q4M3N7V5X2K9B6T0W1YHZ", 1790000000000}}}
        );
        check("package-wanted", PackageWanted{"fairlead-agent_0.2.0_amd64.deb", 262144});
        check("renew", Renew{"-----BEGIN CERTIFICATE REQUEST-----\n"});
    }

    TEST_CASE("what the controller says stands on the wire as it always did") {
        auto check = [](const std::string& name, ToAgent message) {
            check_golden(name, message, decode_to_agent);
        };
        check(
            "welcome",
            Welcome{
                1,
                "0.1.0",
                40,
                1790000000000,
                15,
                30,
                {"fairlead.example:443"},
                "-----BEGIN CERTIFICATE-----\n"}
        );
        check("deliver", Deliver{operation()});
        check("deliver-backup", Deliver{backup_operation()});
        check("deliver-ssh-keys", Deliver{ssh_keys_operation()});
        check(
            "deliver-mail-configure",
            Deliver{mail_operation(kind::mail_configure, write(mail_settings()))}
        );
        check(
            "deliver-mail-delete",
            Deliver{mail_operation(kind::mail_delete, write(mail_deletion()))}
        );
        check("deliver-odoo-login", Deliver{odoo_login_operation()});
        check("deliver-agent-update", Deliver{agent_update_operation()});
        check("package-part", package_part());
        check("cancel", Cancel{"op_1"});
        check("query", Query{"op_1"});
        check("ack", Ack{40});
        check(
            "certificate",
            Certificate{"-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\n"}
        );
        check(
            "audit-checkpoint",
            AuditCheckpoint{
                "fairlead.example/audit+01234567+AQ==",
                "fairlead.example/audit/org_1\n17\nAA==\n\n\u2014 fairlead.example/audit AA==\n",
                12,
                {"AA=="}}
        );
        check(
            "tunnel-keys",
            TunnelKeys{
                {{"tkey_01JD8Q4M3N7V5X2K9B6T0W1YHB",
                  "ed25519:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE", 0},
                 {"tkey_01JD8Q4M3N7V5X2K9B6T0W1YHA",
                  "ed25519:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI", 1790086400000}}}
        );
        check("refused", Refused{"revoked", "This server was revoked."});
    }

    TEST_CASE("what the executor says to the link stands on the socket as it always did") {
        auto check = [](const std::string& name, FromExecutor message) {
            check_golden(name, message, decode_from_executor);
        };
        check(
            "executor-status",
            ExecutorStatus{"jrn_1", 12, 40, 38, {"op_1"}, {std::string(64, 'c'), {}}}
        );
        ExecutorStatus pinned{"jrn_1", 12, 40, 38, {}, {std::string(64, 'c'), {}}};
        pinned.tunnel_keys = {"ed25519:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"};
        pinned.terminal_users = {"deploy"};
        check("executor-status-pinned", pinned);
        check("executor-idle", Idle{});
    }

    TEST_CASE("what the link says to the executor stands on the socket as it always did") {
        check_golden("executor-server-revoked", ToExecutor(ServerRevoked{}), decode_to_executor);
    }

    TEST_CASE("a message of a later version is understood as far as it goes") {
        auto ack = decode_to_agent(R"({"type":"ack","seq":9,"because":{"new":true}})");
        REQUIRE(ack);
        CHECK(std::get<Ack>(*ack).seq == 9);
        auto hello = decode_from_agent(R"({"type":"hello"})");
        REQUIRE(hello);
        CHECK(std::get<Hello>(*hello).protocol == 0);
    }

    TEST_CASE("what is no message is refused with a reason") {
        for (auto text :
             {"", "[]", "{}", R"({"type":7})", R"({"type":"nonsense"})",
              R"({"type":"ack","seq":-1})", R"({"type":"ack","seq":"9"})",
              R"({"type":"deliver","operation":[]})", R"({"type":"hello"})"}) {
            CAPTURE(text);
            CHECK(decode_to_agent(text).error().kind() == Errc::invalid);
        }
        CHECK(!decode_to_agent(R"({"type":"ack","seq":9})" + std::string(max_message, ' ')));
    }

    TEST_CASE("a message cut or altered at any byte is decoded or refused, never worse") {
        auto text = encode(ToAgent(Deliver{operation()}));
        for (std::size_t cut = 0; cut < text.size(); ++cut)
            CHECK(!decode_to_agent(text.substr(0, cut)));
        for (std::size_t at = 0; at < text.size(); at += 3) {
            auto altered = text;
            altered[at] = static_cast<char>(altered[at] ^ 0x15);
            (void)decode_to_agent(altered);
        }
    }
}
