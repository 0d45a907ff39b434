#include "agent/deploy/caddy.hpp"
#include "agent/deploy/cloudflared.hpp"
#include "agent/deploy/deployment_steps.hpp"
#include "agent/deploy/sites.hpp"
#include "agent/deploy/units.hpp"
#include "agent/deploy/venv.hpp"
#include "agent/host/files.hpp"
#include "agent/host/users.hpp"
#include "agent/mail/captures.hpp"
#include "agent/odoo/capture.hpp"
#include "agent/odoo/serve.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>

namespace fairlead::deploy {

using journal::Work;

odoo::Installation Deployment::installation() const {
    const auto& layout = hands_.layout();
    odoo::Installation result;
    for (const auto& commit : commits_) {
        auto tree = layout.tree(host::Git::key(commit.url), commit.commit);
        if (result.source.empty())
            result.source = tree;
        else
            result.addons.push_back(tree);
    }
    result.python = layout.venv(venv_) / "bin/python";
    result.config = place_.release(number()) / "odoo.conf";
    result.serve = place_.release(number()) / "serve.py";
    result.data = place_.data();
    result.database = place_.database();
    return result;
}

Result<std::vector<std::pair<std::string, std::string>>> Deployment::variables(const Work& work
) const {
    std::vector<std::pair<std::string, std::string>> list;
    for (const auto& variable : e_.variables) {
        auto value = variable.secret ? work.secret("variable:" + variable.name)
                                     : std::optional(variable.value);
        if (!value)
            return fail(
                Errc::invalid,
                fmt::format(
                    "The value of the secret variable {} did not come with the operation.",
                    variable.name
                )
            );
        if (std::ranges::any_of(*value, [](char c) {
                return static_cast<unsigned char>(c) < ' ' || c == 127;
            }))
            return fail(
                Errc::invalid,
                fmt::format(
                    "The value of the secret variable {} has control characters or line feeds.",
                    variable.name
                )
            );
        list.emplace_back(variable.name, *value);
    }
    return list;
}

/// Nobody there to take it keeps no mail in: Odoo says then that it cannot send.
Result<odoo::MailSink> Deployment::mail_sink(Work& work) {
    FAIRLEAD_TRY(sink, mail::prepare(mail::Places::below(hands_.layout().mail()), place_.root, e_));
    auto socket = hands_.systemd().state(mail::sink_unit);
    if (socket && socket->active != "active")
        work.warn(fmt::format(
            "Nothing takes the environment's mail at port {} of this server. Look at: systemctl "
            "status {}",
            mail::sink_port, mail::sink_unit
        ));
    else
        work.info("What it sends by SMTP stays on this server as captured mail.");
    return sink;
}

Result<> Deployment::configure(Work& work) {
    const auto& layout = hands_.layout();
    auto folder = place_.release(number());
    FAIRLEAD_TRY(environment, variables(work));
    auto user = host::find_user(place_.account);
    if (!user)
        return fail(Errc::internal, fmt::format("The Unix user {} is gone.", place_.account));
    work.remember(fact::made_release, true);
    FAIRLEAD_CHECK(host::remove_tree(folder));
    FAIRLEAD_CHECK(host::make_folder(folder, 0750, 0, user->gid));

    ReleaseRecord release;
    release.info.id = args_.release.id;
    release.info.number = number();
    release.info.operation = work.id();
    release.info.created_at_ms = to_ms(hands_.site().now());
    release.info.commits = commits_;
    release.environment = e_;
    for (auto& variable : release.environment.variables)
        if (variable.secret) variable.value.clear();
    for (const auto& commit : commits_) {
        auto key = host::Git::key(commit.url);
        FAIRLEAD_TRY(manifest, read_file(layout.tree_manifest(key, commit.commit), 256 << 20));
        release.trees.push_back(
            {commit.repository, key, commit.commit, crypto::sha256(manifest).hex()}
        );
        FAIRLEAD_TRY(hashes, odoo::module_hashes(manifest, &commit == &commits_.front()));
        // Later repositories win, as in addons_path.
        for (auto& [module, hash] : hashes)
            release.modules.insert_or_assign(module, std::move(hash));
    }
    release.venv = venv_;
    FAIRLEAD_TRY(venv_manifest, read_file(layout.venv_manifest(venv_), 256 << 20));
    release.venv_manifest_sha256 = crypto::sha256(venv_manifest).hex();
    FAIRLEAD_TRY(packages, read_file(layout.venv_packages(venv_), 1 << 20));
    for (std::size_t start = 0; start < packages.size();) {
        auto end = std::min(packages.find('\n', start), packages.size());
        release.info.python_packages.push_back(packages.substr(start, end - start));
        start = end + 1;
    }

    std::optional<odoo::MailSink> sink;
    if (e_.mail) {
        FAIRLEAD_TRY(found, mail_sink(work));
        sink = std::move(found);
    }
    auto place_of_code = installation();
    auto confined = sandbox(layout, place_, e_, place_of_code, layout.venv(venv_));
    std::vector<std::pair<std::string, std::string>> files{
        {"odoo.conf", odoo::configuration(
                          e_, place_of_code, crypto::hex_encode(crypto::random_bytes(24)), sink
                      )},
        {"serve.py", odoo::serve_script(place_of_code)},
        {"service.conf", service_conf(place_, e_, place_of_code, confined, number())},
    };
    if (sink) {
        FAIRLEAD_CHECK(host::make_folder(folder / odoo::capture_folder, 0755, 0, 0));
        files.emplace_back(odoo::capture_file, odoo::capture_script(*sink));
    }
    for (auto& file : hands_.exposure().files(e_)) files.push_back(std::move(file));
    if (auto site = site_of(e_)) files.emplace_back(site_file, std::move(*site));
    auto conf = connector_conf(e_);
    if (conf) files.emplace_back(connector_file, *conf);
    for (const auto& [name, text] : files) {
        auto file = folder / name;
        bool secret = name == "odoo.conf" || name == odoo::capture_file;
        FAIRLEAD_CHECK(write_file(file, text, secret ? 0640 : 0644));
        if (secret && ::chown(file.c_str(), 0, user->gid) != 0)
            return fail(
                Errc::internal,
                fmt::format("Cannot give {} to the environment's group.", file.string())
            );
        release.files[name] = crypto::sha256(text).hex();
    }
    FAIRLEAD_CHECK(write_file(folder / "variables.env", variables_file(environment), 0600));
    if (conf) {
        auto token = work.secret(connector_secret(e_.id)).value_or("");
        FAIRLEAD_CHECK(check_connector_token(token));
        FAIRLEAD_CHECK(write_file(folder / token_file, token, 0600));
    }
    FAIRLEAD_CHECK(host::replace_link(folder / "odoo", place_of_code.source));
    FAIRLEAD_CHECK(host::replace_link(folder / "venv", layout.venv(venv_)));
    FAIRLEAD_CHECK(host::make_folder(folder / "addons", 0755, 0, 0));
    for (std::size_t i = 0; i < place_of_code.addons.size(); ++i)
        FAIRLEAD_CHECK(
            host::replace_link(folder / "addons" / e_.addons[i].name, place_of_code.addons[i])
        );

    auto proof = fmt::format("{}\n{}\n", release.venv, release.venv_manifest_sha256);
    for (const auto& tree : release.trees)
        proof += fmt::format("{} {} {}\n", tree.name, tree.commit, tree.manifest_sha256);
    for (const auto& [name, hash] : release.files) proof += fmt::format("{} {}\n", name, hash);
    release.info.manifest_sha256 = crypto::sha256(proof).hex();
    FAIRLEAD_CHECK(save_release(place_, release));
    if (conf) FAIRLEAD_CHECK(hands_.prove_connector(work, number()));
    return decide_migration(work, release);
}

Result<> Deployment::undo_configure(Work& work) {
    if (!work.recall_yes(fact::made_release)) return {};
    FAIRLEAD_CHECK(hands_.undo_prove_connector());
    // Nothing of a first deployment stays; later ones leave the box of the release that is live.
    FAIRLEAD_TRY(known, load_environment(place_));
    if (e_.mail && !known)
        FAIRLEAD_CHECK(mail::forget(mail::Places::below(hands_.layout().mail()), place_.slug));
    return host::remove_tree(place_.release(number()));
}

} // namespace fairlead::deploy
