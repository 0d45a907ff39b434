#include "agent/app/commands.hpp"
#include "agent/app/executor_main.hpp"
#include "agent/app/logs_main.hpp"
#include "agent/app/mail_main.hpp"
#include "agent/app/metrics_main.hpp"
#include "agent/app/recordings_main.hpp"
#include "agent/app/update_main.hpp"
#include "agent/backup/commands.hpp"
#include "agent/backup/due.hpp"
#include "agent/backup/worker.hpp"
#include "agent/link/enroll.hpp"
#include "agent/link/link.hpp"
#include "agent/link/witness.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/core_dumps.hpp"
#include "common/runtime/log.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

namespace {

/// Prints the sentence of either outcome; what went wrong goes to the error output.
int tell(const fairlead::Result<std::string>& said) {
    if (said) {
        std::puts(said->c_str());
        return 0;
    }
    std::fprintf(stderr, "%s\n", said.error().message().c_str());
    if (!said.error().detail().empty())
        std::fprintf(stderr, "(%s)\n", said.error().detail().c_str());
    return 1;
}

int start_link(const fairlead::link::LinkOptions& options) {
    auto ended = fairlead::link::run_link(options);
    if (ended) return 0;
    fairlead::log::error("the link cannot start", {{"reason", ended.error().message()}});
    return 1;
}

/// The token comes in the environment, which other users cannot read, and leaves it at once.
fairlead::Secret take_token() {
    const char* text = std::getenv("FAIRLEAD_TOKEN");
    fairlead::Secret token(text ? text : "");
    ::unsetenv("FAIRLEAD_TOKEN");
    return token;
}

int run(int argc, char** argv) {
    using namespace fairlead;
    CLI::App program(
        "Fairlead's agent: runs Odoo on this server as its controller asks and its policy allows.",
        "fairlead-agent"
    );
    program.require_subcommand(1);
    int status = 0;

    app::ExecutorOptions executor;
    executor.version = FAIRLEAD_VERSION;
    auto* execute = program.add_subcommand(
        "executor", "The half that works on this server; started by systemd"
    );
    execute->add_option("--state", executor.state, "Folder of the journal")->capture_default_str();
    execute->add_option("--policy", executor.policy, "The policy file")->capture_default_str();
    execute->add_option(
        "--socket", executor.socket, "Make this socket instead of taking systemd's"
    );
    execute->add_option("--idle", executor.idle_seconds, "Seconds without work until it ends")
        ->check(CLI::Range(1, 86400))
        ->capture_default_str();
    execute->callback([&] { status = app::run_executor(executor); });

    program.add_subcommand("worker", "Moves the bytes of backups; started by the executor")
        ->group("") // nothing for people
        ->callback([&] { status = backup::run_worker(); });

    program
        .add_subcommand(
            "update-watch", "Carries an update of the agent through; started by the executor"
        )
        ->group("") // nothing for people
        ->callback([&] { status = app::run_update_watch(); });

    app::LogsOptions log_options;
    auto* logs = program.add_subcommand(
        "logs", "One reading of a log for the console; started by systemd for each"
    );
    logs->group(""); // nothing for people
    logs->add_option("--policy", log_options.policy, "The policy file")->capture_default_str();
    logs->callback([&] { status = app::run_logs(log_options); });

    app::MailOptions mail_options;
    program.add_subcommand("mail", "Takes captured mail in; started by systemd")
        ->group("") // nothing for people
        ->callback([&] { status = app::run_mail_sink(mail_options); });
    auto* mailbox = program.add_subcommand(
        "mailbox", "One reading of captured mail for the console; started by systemd for each"
    );
    mailbox->group(""); // nothing for people
    mailbox->add_option("--policy", mail_options.policy, "The policy file")->capture_default_str();
    mailbox->callback([&] { status = app::run_mailbox(mail_options); });

    app::RecordingsOptions recording_options;
    auto* recordings = program.add_subcommand(
        "recordings", "Shows recordings of terminals to the console; started by systemd for each"
    );
    recordings->group(""); // nothing for people
    recordings->add_option("--policy", recording_options.policy, "The policy file")
        ->capture_default_str();
    recordings->callback([&] { status = app::run_recordings(recording_options); });

    auto* meter = program.add_subcommand(
        "measure", "One measurement of PostgreSQL and environments; started by systemd for each"
    );
    meter->group(""); // nothing for people
    meter->callback([&] { status = app::run_metrics(); });

    std::string due_what, due_slug;
    auto* due = program.add_subcommand(
        "due", "Do what is scheduled for an environment now; systemd's timers call this"
    );
    due->add_option("what", due_what, "backup or drill")->required();
    due->add_option("environment", due_slug, "Its name on this server")->required();
    due->callback([&] {
        auto taken = backup::ask_for(deploy::Layout(), due_what, due_slug);
        status = tell(
            taken ? Result<std::string>("The executor has taken it.")
                  : Result<std::string>(fail(taken.error()))
        );
    });

    backup::Source source;
    backup::Into into;
    std::string backup_id, backup_folder;
    auto* backups = program.add_subcommand("backup", "Backups in a bucket, without a controller");
    backups->require_subcommand(1);
    auto add_source = [&](CLI::App* command) {
        command->add_option("--environment", source.environment, "Of this server: knows the rest");
        command->add_option("--endpoint", source.endpoint, "https://… of the bucket's S3 API");
        command->add_option("--region", source.region)->capture_default_str();
        command->add_option("--bucket", source.bucket);
        command->add_option("--prefix", source.prefix, "As in the storage's settings");
        command->add_option(
            "--access-key", source.access_key, "The secret one is in FAIRLEAD_SECRET_KEY"
        );
        command->add_option("--ca", source.ca_file, "Certificate of a private authority");
        command->add_flag(
            "--virtual-host", source.virtual_host, "bucket.endpoint, not endpoint/bucket"
        );
        command->add_option("--environment-id", source.environment_id, "Whose backups: env_…");
        command->add_option("--identity", source.identity_file, "age key that opens them");
    };
    auto done = [&](const Result<>& outcome) {
        status = outcome ? 0 : tell(Result<std::string>(fail(outcome.error())));
    };
    auto* list = backups->add_subcommand("list", "What there is, newest first");
    add_source(list);
    list->callback([&] { done((crypto::start(), backup::list_backups(source))); });
    auto* verify = backups->add_subcommand("verify", "Read every byte of one");
    verify->add_option("backup", backup_id, "bak_…")->required();
    add_source(verify);
    verify->callback([&] { done((crypto::start(), backup::verify_backup(source, backup_id))); });
    auto* restore = backups->add_subcommand(
        "restore", "Into an environment of this server, or as files into a folder"
    );
    restore->add_option("backup", backup_id, "bak_…")->required();
    add_source(restore);
    auto* to = restore->add_option(
        "--to", backup_folder, "A new folder: database.dump for pg_restore, and filestore/"
    );
    auto* target = restore->add_option(
        "--into", into.environment, "An environment of this server, whose data it replaces"
    );
    to->excludes(target);
    restore->add_option("--parts", into.parts, "both, database or filestore")
        ->capture_default_str();
    restore->add_flag(
        "--neutralise", into.neutralise, "No mail, no scheduled actions, no payments"
    );
    restore->add_option("--mask", into.mask, "Personal data to mask: contacts, messages, documents")
        ->delimiter(',');
    restore->add_flag("--no-safety", into.no_safety, "Without a backup of what is replaced");
    restore->callback([&] {
        crypto::start();
        if (!backup_folder.empty())
            done(backup::fetch_backup(source, backup_id, backup_folder));
        else if (!into.environment.empty())
            done(backup::restore_backup(source, backup_id, into));
        else
            done(fail(Errc::invalid, "Say where to: --to FOLDER, or --into ENVIRONMENT."));
    });

    link::LinkOptions options;
    options.version = FAIRLEAD_VERSION;
    auto* dial =
        program.add_subcommand("link", "The half that talks to the controller; started by systemd");
    dial->add_option("--folder", options.folder, "Identity and certificate")->capture_default_str();
    dial->add_option("--status-file", options.status_file, "Where it says what it is doing")
        ->capture_default_str();
    dial->add_option("--executor", options.executor_socket, "The executor's socket")
        ->capture_default_str();
    dial->add_option("--terminals", options.terminal_socket, "The socket of terminals")
        ->capture_default_str();
    dial->add_option("--recordings", options.recordings_socket, "The socket of replays")
        ->capture_default_str();
    dial->add_option("--logs", options.logs_socket, "The socket of readings of logs")
        ->capture_default_str();
    dial->add_option("--mailbox", options.mailbox_socket, "The socket of readings of captured mail")
        ->capture_default_str();
    dial->add_option("--metrics", options.metrics_socket, "The socket of measurements")
        ->capture_default_str();
    dial->callback([&] { status = start_link(options); });

    link::EnrollOptions wanted;
    wanted.version = FAIRLEAD_VERSION;
    auto* enroll = program.add_subcommand(
        "enroll", "Join this server to a controller; the token is in FAIRLEAD_TOKEN"
    );
    enroll->add_option("--controller", wanted.controller, "https://name[:port]")->required();
    enroll->add_option(
        "--pin", wanted.pin,
        "sha256//… of the controller's key, where its certificate is self-signed"
    );
    enroll->add_option(
        "--name", wanted.name, "What the console calls this server; the host name otherwise"
    );
    enroll->add_option("--folder", wanted.folder, "Identity and certificate")
        ->capture_default_str();
    enroll->add_option("--status-file", wanted.status_file, "Where the link says what it is doing")
        ->capture_default_str();
    enroll->callback([&] {
        crypto::start();
        wanted.token = take_token();
        status = tell(link::enroll(std::move(wanted)));
    });

    int wait_seconds = 0;
    std::string status_file = link::default_status_file;
    auto* look =
        program.add_subcommand("status", "Whether this server is connected; ends 0 when it is");
    look->add_option("--wait", wait_seconds, "Seconds to wait for it")->check(CLI::Range(0, 3600));
    look->add_option("--status-file", status_file, "Where the link says what it is doing")
        ->capture_default_str();
    look->callback([&] {
        // For people; installers read the last line.
        if (status_file == link::default_status_file) app::print_overview();
        auto known = link::overview(status_file, options.folder, SystemClock().now());
        std::fputs(known.c_str(), stdout);
        status = tell(link::wait_online(status_file, std::chrono::seconds(wait_seconds)));
    });

    auto* forget = program.add_subcommand(
        "forget-log", "Take the controller's audit log as it is, after it was restored from a copy"
    );
    forget->add_option("--folder", options.folder, "Identity and certificate")
        ->capture_default_str();
    forget->callback([&] { status = tell(link::Witness::forget(options.folder)); });

    program.add_subcommand("version", "Print the version")->callback([] {
        std::puts(FAIRLEAD_VERSION);
    });
    program
        .add_subcommand(
            "uninstall", "Take the agent off this server; environments stay, and are listed"
        )
        ->callback([&] { status = app::run_uninstall(); });
    program.add_subcommand("environments", "The policy, and the environments of this server")
        ->callback([] { app::print_overview(); });

    CLI11_PARSE(program, argc, argv);
    return status;
}

} // namespace

int main(int argc, char** argv) {
    fairlead::forbid_core_dumps();
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        fairlead::log::error("ended by an unexpected error", {{"why", error.what()}});
        return 70;
    }
}
