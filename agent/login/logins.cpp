#include "agent/login/logins.hpp"

#include "agent/host/postgresql.hpp"
#include "agent/host/systemd.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/hpke.hpp"
#include "common/crypto/random.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/utf8.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::login {
namespace {

using deploy::Place;
using journal::Work;

constexpr std::size_t token_bytes = 32;
constexpr std::size_t largest_script = 1 << 20;
constexpr std::size_t longest_name = 200;
constexpr std::size_t most_told_bytes = 48 << 10; // with what encoding adds it fits into a report

/// One row of odoo::users_query.
struct Row {
    std::int64_t id = 0;
    std::string login;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(Row, (), (id, login, name))

Result<std::vector<Row>> read_rows(const std::vector<std::string>& texts) {
    std::vector<Row> rows;
    for (const auto& text : texts) {
        auto row = json::decode<Row>(text, json::Strictness::lenient);
        if (row) rows.push_back(std::move(*row));
    }
    if (rows.empty() && !texts.empty())
        return fail(Errc::internal, "The users of this Odoo cannot be read.");
    return rows;
}

/// Where its Odoo is reached, as the console shows it.
std::string address_of(const proto::EnvironmentSpec& environment) {
    auto whole = std::ranges::find_if(environment.domains, [](const std::string& name) {
        return name.find('*') == std::string::npos;
    });
    if (environment.exposure == proto::Exposure::port || whole == environment.domains.end())
        return fmt::format("http://127.0.0.1:{}", environment.port);
    return "https://" + *whole;
}

/// What is sealed goes into no log, and into this operation's result alone.
Result<> tell(Work& work, const std::string& public_key, std::string text) {
    FAIRLEAD_TRY(key, crypto::base64url_decode(public_key));
    auto sealed =
        crypto::hpke_seal(key, proto::sealed_info(work.operation().kind, work.id()), text);
    wipe(text);
    if (!sealed) return fail(sealed.error());
    work.result.sealed = crypto::base64url_encode(*sealed);
    return {};
}

tl::unexpected<Error> conflict(std::string code, std::string message) {
    return fail(Error(Errc::conflict, std::move(message)).with_code(std::move(code)));
}

} // namespace

Logins::Logins(Parts parts) : parts_(std::move(parts)) {
    if (!parts_.rows)
        parts_.rows = [](const Place& place, const std::string& sql) {
            return host::Postgresql(place.account).rows(place.database(), place.account, sql);
        };
    if (!parts_.runs)
        parts_.runs = [](const Place& place) -> Result<bool> {
            FAIRLEAD_TRY(states, host::Systemd().states({place.service(), place.beside()}));
            return std::ranges::any_of(states, &host::UnitState::running);
        };
    if (!parts_.user) parts_.user = host::find_user;
    // Links that an earlier process of this program made.
    for (const auto& place : deploy::all_places(parts_.layout))
        if (files_of(place).waiting(parts_.clock.now())) watched_.push_back(place.slug);
    told_ = used().size();
}

LinkFiles Logins::files_of(const Place& place) const {
    odoo::Installation installation;
    installation.data = place.data();
    return {odoo::login_folder(installation), odoo::used_login_folder(installation)};
}

Result<journal::Plan> Logins::plan(const proto::Operation& operation) {
    journal::Plan plan; // what a crash interrupts is not asked for again: nobody waits for it
    if (operation.kind == proto::kind::odoo_users) {
        FAIRLEAD_TRY(args, proto::read<proto::OdooUsersArgs>(operation.args));
        plan.steps.push_back({"users", "List whom it can be", [this, args](Work& work) {
                                  return users(work, args);
                              }});
        return plan;
    }
    FAIRLEAD_TRY(args, proto::read<proto::OdooLoginArgs>(operation.args));
    plan.steps.push_back({"link", "Make the link", [this, args](Work& work) {
                              return link(work, args);
                          }});
    return plan;
}

Result<deploy::ReleaseRecord>
Logins::live(const Place& place, const std::string& environment_id) const {
    FAIRLEAD_TRY(record, deploy::find_environment(place, environment_id));
    FAIRLEAD_TRY(release, deploy::load_release(place, record.live));
    auto version = odoo::major_version(release.environment.odoo_version);
    if (version != 0 && version < odoo::login_since)
        return conflict(
            "odoo_too_old",
            fmt::format(
                "Odoo {} cannot be logged in to by a link: Odoo {} is the first that can.",
                release.environment.odoo_version, odoo::login_since
            )
        );
    FAIRLEAD_TRY(script, read_file(place.release(record.live) / "serve.py", largest_script));
    if (script.find(odoo::login_path) == std::string::npos)
        return conflict(
            "release_too_old",
            fmt::format(
                "Release {} of {} was made by an agent that knew no links to log in. Deploy it "
                "again, and try then.",
                record.live, place.slug
            )
        );
    FAIRLEAD_TRY(runs, parts_.runs(place));
    if (!runs)
        return conflict(
            "odoo_not_running", fmt::format(
                                    "The Odoo of {} does not run, so nobody can log in. Start it, "
                                    "and try then.",
                                    place.slug
                                )
        );
    return release;
}

Result<> Logins::users(Work& work, const proto::OdooUsersArgs& args) {
    Place place(parts_.layout, args.slug);
    auto minute = policy::minute_of_day(parts_.clock.now());
    FAIRLEAD_TRY(policy, parts_.policy());
    FAIRLEAD_CHECK(policy.permit_odoo_users(args.slug, minute));
    FAIRLEAD_CHECK(live(place, args.environment_id));
    FAIRLEAD_TRY(texts, parts_.rows(place, odoo::users_query(proto::most_odoo_users + 1)));
    FAIRLEAD_TRY(rows, read_rows(texts));
    proto::OdooUsers told;
    told.more = rows.size() > proto::most_odoo_users;
    std::size_t bytes = 0;
    for (const auto& row : rows) {
        if (row.login.size() > proto::longest_odoo_login ||
            !policy.permit_odoo_login(args.slug, row.login, minute))
            continue;
        std::string name(utf8::cut(row.name, longest_name));
        bytes += row.login.size() + name.size() + 40;
        if (told.users.size() == proto::most_odoo_users || bytes > most_told_bytes) {
            told.more = true;
            break;
        }
        told.users.push_back({row.login, std::move(name)});
    }
    // Names of people are not the controller's: neither are they in the log, nor how many.
    work.info(fmt::format("The users of {} were listed for whoever asked.", args.slug));
    return tell(work, args.public_key, json::encode(told));
}

Result<odoo::LoginFile>
Logins::who(const Work& work, const Place& place, const proto::OdooLoginArgs& args) {
    FAIRLEAD_TRY(texts, parts_.rows(place, odoo::user_query(args.login)));
    FAIRLEAD_TRY(rows, read_rows(texts));
    if (rows.size() != 1 || rows.front().login != args.login)
        return fail(Error(
                        Errc::not_found,
                        fmt::format(
                            "{} has no active internal user with the login \"{}\".", args.slug,
                            args.login
                        )
        )
                        .with_code("no_such_odoo_user"));
    odoo::LoginFile link;
    link.operation = work.id();
    link.uid = rows.front().id;
    link.login = args.login;
    link.expires_ms = to_ms(parts_.clock.now()) + proto::odoo_link_lasts_ms;
    link.by = work.operation().requested_by;
    link.reason = args.reason;
    return link;
}

Result<> Logins::link(Work& work, const proto::OdooLoginArgs& args) {
    Place place(parts_.layout, args.slug);
    FAIRLEAD_TRY(policy, parts_.policy());
    auto minute = policy::minute_of_day(parts_.clock.now());
    FAIRLEAD_CHECK(policy.permit_odoo_login(args.slug, args.login, minute));
    FAIRLEAD_TRY(release, live(place, args.environment_id));
    FAIRLEAD_TRY(link, who(work, place, args));
    auto user = parts_.user(place.account);
    if (!user)
        return fail(
            Errc::internal, fmt::format("There is no Unix user {} any more.", place.account)
        );

    std::lock_guard lock(mutex_);
    auto files = files_of(place);
    FAIRLEAD_CHECK(files.prepare(user->gid));
    files.forget_old(parts_.clock.now());
    FAIRLEAD_TRY(open, files.open(parts_.clock.now()));
    if (open >= most_links)
        return conflict(
            "too_many_links",
            fmt::format(
                "{} links to {} were made within a minute, which is the most. Try again in a "
                "minute.",
                open, args.slug
            )
        );
    auto token = crypto::base64url_encode(crypto::random_bytes(token_bytes));
    FAIRLEAD_CHECK(files.put(crypto::sha256(token).hex(), link, user->gid));
    proto::OdooLink told;
    told.url = fmt::format("{}{}#{}", address_of(release.environment), odoo::login_path, token);
    told.expires_ms = link.expires_ms;
    wipe(token);
    auto sealed = tell(work, args.public_key, json::encode(told));
    wipe(told.url);
    FAIRLEAD_CHECK(std::move(sealed));
    if (std::ranges::find(watched_, args.slug) == watched_.end()) watched_.push_back(args.slug);
    work.info(fmt::format(
        "A link that logs in to {} as {} once, within {} s, was made for {}: {}", args.slug,
        args.login, proto::odoo_link_lasts_ms / 1000, link.by, args.reason
    ));
    return {};
}

std::vector<proto::UsedOdooLink> Logins::used() const {
    std::vector<proto::UsedOdooLink> all;
    for (const auto& place : deploy::all_places(parts_.layout))
        for (auto& one : files_of(place).used())
            all.push_back({std::move(one.operation), to_ms(one.at)});
    std::sort(all.begin(), all.end(), [](const auto& one, const auto& other) {
        return one.used_ms > other.used_ms;
    });
    if (all.size() > proto::most_used_odoo_links) all.resize(proto::most_used_odoo_links);
    return all;
}

Logins::News Logins::look() {
    std::lock_guard lock(mutex_);
    if (watched_.empty()) return News::none;
    std::size_t count = used().size();
    bool news = count != told_;
    told_ = count;
    auto now = parts_.clock.now();
    std::erase_if(watched_, [&](const std::string& slug) {
        return !files_of(Place(parts_.layout, slug)).waiting(now);
    });
    if (news) return News::used;
    return watched_.empty() ? News::none : News::waiting;
}

} // namespace fairlead::login
