#include "agent/mail/captures.hpp"

#include "agent/host/files.hpp"
#include "agent/host/users.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/file.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <unistd.h>

namespace fairlead::mail {
namespace {

using journal::Work;

constexpr std::size_t password_bytes = 24, longest_password = 256;

Result<host::UnixUser> sink_user(const Places& places) {
    auto user = host::find_user(places.user);
    if (user) return *user;
    return fail(
        Error(
            Errc::conflict,
            fmt::format(
                "There is no Unix user {} on this server, so its mail cannot be captured. Run the "
                "agent's installer there again.",
                places.user
            )
        )
            .with_code("mail_sink_missing")
    );
}

/// Made once: a release that is gone back to knows no other.
Result<std::string> password_of(const std::filesystem::path& root) {
    auto file = root / "mail-password";
    auto kept = read_file(file, longest_password);
    if (kept && !kept->empty()) return kept;
    auto fresh = crypto::hex_encode(crypto::random_bytes(password_bytes));
    FAIRLEAD_CHECK(write_file(file, fresh, 0600));
    return fresh;
}

std::string megabytes(std::uint64_t bytes) {
    return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

/// The account of this environment, and no other one's of that name.
Result<Account>
account_of(const Places& places, const std::string& slug, const std::string& environment) {
    FAIRLEAD_TRY(account, load_account(places, slug));
    if (account.environment == environment) return account;
    return fail(Error(Errc::not_found, fmt::format("The mail of {} is not captured here.", slug))
                    .with_code("mail_not_captured"));
}

Result<> configure(
    const Places& places, const Clock& clock, const proto::MailConfigureArgs& args, Work& work
) {
    FAIRLEAD_TRY(account, account_of(places, args.slug, args.environment_id));
    FAIRLEAD_TRY(user, sink_user(places));
    account.retention = args.retention;
    FAIRLEAD_CHECK(save_account(places, account, user.gid));
    FAIRLEAD_TRY(box, Box::open(places.box(args.slug)));
    FAIRLEAD_TRY(removed, box.sweep(account.retention, clock.now()));
    work.info(fmt::format(
        "Captured mail stays for {} days, at most {} messages and {}. {} messages went for it, "
        "with "
        "{}.",
        account.retention.days, account.retention.messages, megabytes(account.retention.bytes),
        removed.messages, megabytes(removed.bytes)
    ));
    return {};
}

Result<> remove(const Places& places, const proto::MailDeleteArgs& args, Work& work) {
    FAIRLEAD_CHECK(account_of(places, args.slug, args.environment_id));
    FAIRLEAD_TRY(box, Box::open(places.box(args.slug)));
    if (args.all) {
        FAIRLEAD_TRY(removed, box.remove_all());
        work.info(fmt::format(
            "All {} messages are deleted; {} are free again.", removed.messages,
            megabytes(removed.bytes)
        ));
        return {};
    }
    std::size_t count = 0;
    for (const auto& id : args.messages) {
        FAIRLEAD_TRY(gone, box.remove(id));
        count += gone ? 1 : 0;
    }
    work.info(fmt::format(
        "{} of {} messages are deleted{}.", count, args.messages.size(),
        count < args.messages.size() ? "; the others were gone already" : ""
    ));
    return {};
}

} // namespace

bool is_mail_operation(std::string_view kind) {
    return kind == proto::kind::mail_configure || kind == proto::kind::mail_delete;
}

Result<journal::Plan>
plan_for(const Places& places, const Clock& clock, const proto::Operation& operation) {
    journal::Plan plan;
    plan.recovery = journal::Recovery::finish;
    if (operation.kind == proto::kind::mail_configure) {
        FAIRLEAD_TRY(args, proto::read<proto::MailConfigureArgs>(operation.args));
        plan.steps.push_back(
            {"configure", "Keep how much stays",
             [places, &clock, args](Work& work) { return configure(places, clock, args, work); }}
        );
        return plan;
    }
    FAIRLEAD_TRY(args, proto::read<proto::MailDeleteArgs>(operation.args));
    plan.steps.push_back({"delete", "Delete captured mail", [places, args](Work& work) {
                              return remove(places, args, work);
                          }});
    return plan;
}

Result<odoo::MailSink>
prepare(const Places& places, const std::filesystem::path& root, const proto::EnvironmentSpec& e) {
    FAIRLEAD_TRY(user, sink_user(places));
    FAIRLEAD_CHECK(host::make_folder(places.base, 0755, 0, 0));
    FAIRLEAD_CHECK(host::make_folder(places.accounts(), 0750, 0, user.gid));
    FAIRLEAD_CHECK(host::make_folder(places.messages(), 0750, 0, user.gid));
    auto known = load_account(places, e.slug);
    if (known && known->environment != e.id) FAIRLEAD_CHECK(forget(places, e.slug));
    FAIRLEAD_CHECK(host::make_folder(places.box(e.slug), 0700, user.uid, user.gid));
    FAIRLEAD_TRY(password, password_of(root));
    Account account;
    account.environment = e.id;
    account.slug = e.slug;
    account.password_sha256 = crypto::sha256(password).hex();
    account.retention = e.mail.value_or(proto::MailRetention());
    FAIRLEAD_CHECK(save_account(places, account, user.gid));
    odoo::MailSink sink;
    sink.port = sink_port;
    sink.user = e.slug;
    sink.password = std::move(password);
    return sink;
}

Result<> forget(const Places& places, const std::string& slug) {
    // Without an account nobody hands anything in any more.
    FAIRLEAD_CHECK(host::remove_tree(places.account(slug)));
    return host::remove_tree(places.box(slug));
}

} // namespace fairlead::mail
