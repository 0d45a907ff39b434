/// The server's sshd: what it goes by, and where it looks for keys.
#pragma once

#include "common/runtime/process.hpp"
#include "common/runtime/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace fairlead::host {

/// Starts a program; tests have one of their own.
using Runner = std::function<Result<Exit>(const Command&)>;

struct SshdSettings {
    std::vector<std::string> key_files; ///< AuthorizedKeysFile
    std::vector<std::uint16_t> ports;
    bool takes_keys = true;      ///< PubkeyAuthentication
    bool takes_root_keys = true; ///< PermitRootLogin
};

struct SshdPlaces {
    std::string program = "/usr/sbin/sshd";
    std::filesystem::path settings = "/etc/ssh/sshd_config";
    std::filesystem::path drop_ins = "/etc/ssh/sshd_config.d";
    std::string unit = "ssh.service";
};

/// sshd has no list of places for keys that others could add to: whichever AuthorizedKeysFile it
/// reads first counts. So ours is a file in the folder of drop-ins that repeats what counted before
/// and adds one place. Where the owner of the server has a line of their own, that line is theirs
/// to change, and they are told how.
class Sshd {
public:
    explicit Sshd(SshdPlaces places = SshdPlaces(), Runner runner = &run);

    bool installed() const;

    /// As they are for a log-in of this user, Match blocks among them; "": for nobody in
    /// particular. Errc::not_found (no_sshd), Errc::invalid (sshd_settings) with what sshd says.
    Result<SshdSettings> settings(const std::string& user);

    /// Makes it look for keys of this user at `place` ("/…/%u") too, and says whether something had
    /// to be written for that. What does not work is taken back. Errc::conflict
    /// (sshd_own_setting) with the cure, and errors of settings().
    Result<bool> look_at(const std::string& place, const std::string& user);

    /// Removes our drop-in, if there is one.
    Result<> forget();

private:
    Result<std::string> ask(std::vector<std::string> words);
    Result<> check_and_reload();
    Result<bool> has_own_line();
    std::filesystem::path drop_in() const;

    SshdPlaces places_;
    Runner run_;
};

} // namespace fairlead::host
