/// Puts other data in place of an environment's own, whole or not at all.
#pragma once

#include "agent/backup/place.hpp"
#include "agent/backup/room.hpp"
#include "agent/deploy/odoo_run.hpp"
#include "agent/deploy/parts.hpp"

#include <map>
#include <string>
#include <vector>

namespace fairlead::backup {

/// The data come in beside the live ones, in a database and a folder of their own; then two renames
/// change them over while Odoo is stopped, and the replaced ones stay until the new ones are known
/// to be good. Each step can be called again after a crash in its middle.
class Replacing {
public:
    Replacing(deploy::Site& site, std::string environment_id, const std::string& slug)
        : environment_id_(std::move(environment_id)), hands_(site, slug),
          incoming_(hands_.place()) {}

    deploy::Hands& hands() { return hands_; }
    const Incoming& incoming() const { return incoming_; }

    /// The environment is there and was deployed; remembers what ran before.
    Result<> look(journal::Work& work);
    /// Data of another version of Odoo do not fit: code "version_differs".
    Result<> fits(const std::string& odoo_version);
    /// Disk space beside what is there: code "preflight_failed".
    Result<> room_for(const Room& room);
    /// What the data were made with, to know which modules need an update.
    Result<>
    remember_modules(journal::Work& work, const std::map<std::string, std::string>& modules);

    /// Clears what is in the way, and makes an empty database for what comes.
    enum class Database { none, empty };
    Result<> make_room(journal::Work& work, Database database);
    Result<> undo_room(journal::Work& work);
    /// A new folder for the database's files, the environment's own.
    Result<std::string> files_folder();

    Result<> neutralise(journal::Work& work);
    /// In the database that came in; then the files that nothing in it names any more go.
    Result<> mask(journal::Work& work, const std::vector<proto::PersonalData>& wanted);
    Result<> replace(journal::Work& work);
    Result<> undo_replace(journal::Work& work);
    bool needs_update(const journal::Work& work) const;
    Result<> update(journal::Work& work);
    Result<> start(journal::Work& work);
    Result<> keep(journal::Work& work);

private:
    Result<deploy::OdooRun> odoo_run();
    Result<> make_harmless(journal::Work& work, const std::string& database);

    std::string environment_id_;
    deploy::Hands hands_;
    Incoming incoming_;
};

} // namespace fairlead::backup
