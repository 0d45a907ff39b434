/// The steps of environment.deploy, each in the file of its subject; deployment.cpp puts them in
/// order.
#pragma once

#include "agent/deploy/parts.hpp"
#include "agent/odoo/odoo.hpp"

#include <string>
#include <utility>
#include <vector>

namespace fairlead::deploy {

/// One deployment. What a step leaves for later ones is in members; what an undo needs is in facts.
class Deployment {
public:
    Deployment(Site& site, proto::DeployArgs args)
        : args_(std::move(args)), e_(args_.environment), hands_(site, e_.slug),
          place_(hands_.place()) {}

    Result<> check(journal::Work& work);
    Result<> prepare(journal::Work& work);
    Result<> undo_prepare(journal::Work& work);
    Result<> fetch(journal::Work& work);
    Result<> build(journal::Work& work);
    Result<> configure(journal::Work& work);
    Result<> undo_configure(journal::Work& work);
    Result<> migrate(journal::Work& work);
    Result<> undo_migrate(journal::Work& work);
    Result<> keep(journal::Work& work);
    Hands& hands() { return hands_; }
    std::uint32_t number() const { return args_.release.number; }

private:
    Result<> install_what_is_missing(journal::Work& work);
    Result<> start_postgresql(journal::Work& work);
    Result<> make_account(journal::Work& work);
    Result<> fetch_one(const proto::Source& source, journal::Work& work);
    Result<> decide_migration(journal::Work& work, const ReleaseRecord& release);
    Result<> run_migration(
        journal::Work& work, odoo::Migration migration, const std::vector<std::string>& modules
    );
    Result<> check_modules(const std::vector<std::string>& named);
    Result<> give_first_password(journal::Work& work);
    Result<std::vector<std::string>> installed();
    Result<std::vector<std::pair<std::string, std::string>>> variables(const journal::Work& work
    ) const;
    odoo::Installation installation() const;
    Result<odoo::MailSink> mail_sink(journal::Work& work);
    Result<> prune(journal::Work& work, const EnvironmentRecord& record);

    proto::DeployArgs args_;
    const proto::EnvironmentSpec& e_;
    Hands hands_;
    const Place& place_;

    std::vector<proto::Commit> commits_; ///< Odoo's first, then the addons' in their order
    std::string venv_;
    std::vector<std::string> modules_; ///< to install or update
};

} // namespace fairlead::deploy
