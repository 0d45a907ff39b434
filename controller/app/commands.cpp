#include "controller/app/commands.hpp"

#include "common/crypto/random.hpp"
#include "common/runtime/log.hpp"
#include "controller/app/application.hpp"
#include "controller/app/audit_command.hpp"
#include "controller/app/authorities.hpp"
#include "controller/app/cloudflare.hpp"
#include "controller/app/keys.hpp"
#include "controller/app/people.hpp"
#include "controller/app/volume.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <cstdio>
#include <filesystem>
#include <functional>

namespace fairlead::app {
namespace {

namespace fs = std::filesystem;

constexpr auto packaged_config = "/etc/fairlead/controller.yaml";
constexpr auto packaged_data = "/var/lib/fairlead-controller";

int told(const Error& error) {
    std::fprintf(stderr, "fairlead-controller: %s\n", error.message().c_str());
    if (!error.detail().empty()) std::fprintf(stderr, "  (%s)\n", error.detail().c_str());
    return 1;
}

int said(const Result<std::string>& sentence) {
    if (!sentence) return told(sentence.error());
    std::printf("%s\n", sentence->c_str());
    return 0;
}

/// Beside the program in a build folder, else where the package puts them.
std::string find_packages() {
    std::error_code failed;
    auto built =
        fs::read_symlink("/proc/self/exe", failed).parent_path().parent_path() / "packages";
    if (!fs::exists(fs::path(install::default_folder) / "install.sh") &&
        fs::exists(built / "install.sh"))
        return built;
    return std::string(install::default_folder);
}

int new_link(const fs::path& config, const std::string& email) {
    auto settings = load_settings(config);
    if (!settings) return told(settings.error());
    auto link = relink(*settings, email, SystemClock());
    if (!link) return told(link.error());
    std::printf(
        "Open this link within 24 hours to choose a new password; earlier links are void:\n%s\n",
        link->c_str()
    );
    return 0;
}

struct InitOptions {
    std::string data, config, admin, name, listen = "[::]:8443", org = "My organization", packages,
                                           transports = "safe";
    bool relink = false;
};

int init(const InitOptions& options) {
    SystemClock clock;
    fs::path data =
        fs::absolute(options.data.empty() ? packaged_data : options.data).lexically_normal();
    fs::path config = !options.config.empty() ? fs::absolute(options.config)
                      : options.data.empty()  ? fs::path(packaged_config)
                                              : data / "controller.yaml";
    if (options.relink) return new_link(config, options.admin);
    if (options.admin.empty() || options.name.empty())
        return told(Error(
            Errc::invalid, "init needs --admin, the e-mail address of the first administrator, and "
                           "--name, the host name "
                           "that browsers and agents will use."
        ));
    InitRequest request;
    request.config = config;
    request.admin_email = options.admin;
    request.org_name = options.org;
    request.settings.name = options.name;
    request.settings.listen = options.listen;
    request.settings.data = data;
    request.settings.packages =
        options.packages.empty() ? find_packages() : fs::absolute(options.packages).string();
    // Installed by the package, it has its egress beside it.
    if (config == packaged_config && fs::exists(packaged_rules)) {
        request.settings.egress.emplace();
        request.settings.egress->socket = packaged_egress;
    }
    if (!boost::describe::enum_from_string(
            options.transports.c_str(), request.settings.git_transports
        ))
        return told(Error(Errc::invalid, "--git-transports is safe or any."));
    auto link = initialize(request, clock);
    if (!link) return told(link.error());
    Layout layout(data);
    std::printf(
        "The controller is set up.\n\n"
        "  configuration  %s\n"
        "  data           %s\n"
        "  master key     %s\n"
        "                 Keep a copy elsewhere: without it, a backup of the database cannot be "
        "used.\n\n"
        "Start it with:\n"
        "  fairlead-controller serve --config %s\n\n"
        "Then choose the administrator's password within 24 hours:\n"
        "  %s\n",
        config.c_str(), data.c_str(), layout.master_key().c_str(), config.c_str(), link->c_str()
    );
    return 0;
}

void warn_of_plain_volume(const Settings& settings) {
    auto volume = volume_of(settings.data);
    if (volume == Volume::encrypted) return;
    log::warning(
        volume == Volume::plain ? "the data folder is on a volume that is not encrypted"
                                : "whether the data folder's volume is encrypted cannot be told",
        {{"folder", settings.data},
         {"remedy", "put it on a LUKS volume, unless your provider encrypts the disk"}}
    );
}

int serve(const fs::path& config) {
    auto settings = load_settings(config);
    if (!settings) return told(settings.error());
    log::configure(
        settings->log.format == LogFormat::json ? log::Format::json : log::Format::text,
        static_cast<log::Level>(settings->log.level)
    );
    Layout layout(*settings);
    if (auto there = expect_database(layout); !there) return told(there.error());
    auto lock = FolderLock::take(layout);
    if (!lock) return told(lock.error());
    auto keys = crypto::Keystore::load(layout.master_key());
    if (!keys) return told(keys.error());
    warn_of_plain_volume(*settings);
    if (crypto::Keystore::is_credential() && !settings->master_key)
        log::warning(
            "the master key is a credential, and the configuration does not say of which file",
            {{"remedy", "set master_key in controller.yaml: `keys rekey` writes there"}}
        );
    Application application(std::move(*settings), std::move(*lock), std::move(*keys));
    auto served = application.run();
    return served ? 0 : told(served.error());
}

int check(const fs::path& config) {
    auto settings = load_settings(config);
    if (!settings) return told(settings.error());
    SystemClock clock;
    auto findings = check_surroundings(*settings, clock);
    for (const auto& finding : findings)
        std::fprintf(stderr, "fairlead-controller: %s\n", finding.c_str());
    if (findings.empty()) std::printf("%s is fine, and so is what it names.\n", config.c_str());
    if (!settings->acme && !cloudflare_settings(*settings))
        std::printf("Without `acme`, no certificates are asked for: domains that lead here are "
                    "shown the controller's own.\n");
    return findings.empty() ? 0 : 1;
}

} // namespace

int run_command_line(int argc, char** argv) {
    crypto::start();
    CLI::App program("The Fairlead controller: console, API and database for Odoo servers that "
                     "their owners keep.");
    program.require_subcommand(1);
    std::string config = packaged_config, file;
    bool force = false;
    int status = 0;
    auto with_config = [&](CLI::App* command) {
        command->add_option("--config", config, "The configuration file")->capture_default_str();
        return command;
    };

    InitOptions options;
    auto* setup = program.add_subcommand(
        "init", "Make data folder, keys, database, configuration and one administrator"
    );
    setup->add_option("--admin", options.admin, "E-mail address of the administrator");
    setup->add_option("--name", options.name, "Host name that browsers and agents use");
    setup->add_option(
        "--data", options.data, std::string("Data folder (default ") + packaged_data + ")"
    );
    setup->add_option(
        "--config", options.config,
        std::string("Configuration to write (default: in the data folder, or ") + packaged_config +
            ")"
    );
    setup->add_option("--listen", options.listen, "Address and port")->capture_default_str();
    setup->add_option("--org", options.org, "Name of the first organization")
        ->capture_default_str();
    setup->add_option("--packages", options.packages, "Folder with the agent's packages");
    setup
        ->add_option(
            "--git-transports", options.transports, "safe, or any for http, git and file too"
        )
        ->capture_default_str();
    setup->add_flag(
        "--relink", options.relink, "Print a new one-time link for an administrator instead"
    );
    setup->callback([&] { status = init(options); });

    with_config(program.add_subcommand("serve", "Run the controller until SIGTERM"))->callback([&] {
        status = serve(config);
    });

    auto* settings = program.add_subcommand("config", "The configuration");
    settings->require_subcommand(1);
    with_config(settings->add_subcommand("check", "Check the file and what it names"))
        ->callback([&] { status = check(config); });

    auto settings_or_told = [&](auto work) {
        auto loaded = load_settings(config);
        return loaded ? said(work(*loaded)) : told(loaded.error());
    };
    auto* backup = with_config(
        program.add_subcommand("backup", "Copy the database into a file, also while serving")
    );
    backup->add_option("FILE", file, "Where to")->required();
    backup->callback([&] {
        status =
            settings_or_told([&](const Settings& s) { return back_up(s, fs::absolute(file)); });
    });

    auto* restoring = with_config(program.add_subcommand(
        "restore", "Put a copy in the database's place; stop the controller first"
    ));
    restoring->add_option("FILE", file, "The copy")->required();
    restoring->callback([&] {
        status = settings_or_told([&](const Settings& s) {
            return restore(s, fs::absolute(file), SystemClock());
        });
    });

    auto* ca = program.add_subcommand("ca", "The certificate authority of agents");
    ca->require_subcommand(1);
    auto* rotation = with_config(
        ca->add_subcommand("rotate", "The next step of replacing it: announce, issue, drop")
    );
    rotation->add_flag(
        "--force", force, "Go on although agents are not ready; they have to recover or enrol again"
    );
    rotation->callback([&] {
        status = settings_or_told([&](const Settings& s) {
            return rotate_authority(s, SystemClock(), force);
        });
    });
    with_config(ca->add_subcommand("list", "Authorities and how far agents are"))->callback([&] {
        status =
            settings_or_told([](const Settings& s) { return list_authorities(s, SystemClock()); });
    });

    auto* keys = program.add_subcommand("keys", "The master key that seals secrets");
    keys->require_subcommand(1);
    with_config(keys->add_subcommand("list", "Keys and how many values each sealed"))
        ->callback([&] { status = settings_or_told(list_keys); });
    with_config(keys->add_subcommand(
                    "rekey",
                    "A new master key, and every secret under it; stop the controller first"
                ))
        ->callback([&] {
            status = settings_or_told([](const Settings& s) { return rekey(s, SystemClock()); });
        });
    with_config(keys->add_subcommand("forget", "Forget the older keys; stop the controller first"))
        ->callback([&] { status = settings_or_told(forget_old_keys); });

    auto* user = program.add_subcommand("user", "People who may sign in");
    user->require_subcommand(1);
    with_config(user->add_subcommand("list", "People, with organizations and roles"))
        ->callback([&] { status = settings_or_told(list_people); });
    auto* link = with_config(user->add_subcommand(
        "link", "Print a one-time link by which a person chooses a new password"
    ));
    link->add_option("EMAIL", options.admin, "The person's address")->required();
    link->callback([&] { status = new_link(config, options.admin); });

    std::string key;
    auto* logs = program.add_subcommand("audit", "The audit log's proofs");
    logs->require_subcommand(1);
    auto* verify = with_config(logs->add_subcommand(
        "verify", "Check the log: of an export with the public key alone, or of the database"
    ));
    verify->add_option("EXPORT", file, "An export in JSON lines; without it, the database");
    verify->add_option("--key", key, "Verifier key, as `audit key` and the console show it");
    verify->callback([&] {
        status = file.empty()
                     ? settings_or_told([&](const Settings& s) { return verify_database(s, key); })
                     : said(verify_export(file, key));
    });
    with_config(logs->add_subcommand("key", "Print the key that checkpoints are signed with"))
        ->callback([&] { status = settings_or_told(audit_key); });

    program.add_subcommand("version", "Print the version")->callback([] {
        std::printf("fairlead-controller %s\n", FAIRLEAD_VERSION);
    });

    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return program.exit(error) == 0 ? 0 : 2;
    }
    return status;
}

} // namespace fairlead::app
