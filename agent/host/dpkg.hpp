/// Debian packages through dpkg: what is installed, what a file holds, and putting one in place.
#pragma once

#include "common/runtime/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace fairlead::host {

/// Of a package file, as its own control file says.
struct PackageFacts {
    std::string name, version, architecture;
};

/// The version of a package that is wholly installed; Errc::not_found where it is not, or there is
/// no dpkg.
Result<std::string> installed_version(const std::string& package);

/// By dpkg's rules.
Result<bool> version_below(const std::string& version, const std::string& other);

/// Errc::invalid for a file that is no package.
Result<PackageFacts> package_facts(const std::filesystem::path& file);

/// Makes a package file of what is installed: its files and scripts as they are now. Settings that
/// the server's owner changed stay out of it: installing it leaves them alone, and so does what
/// comes after it. `work` is a folder for it alone, and gone afterwards.
Result<> pack_installed(
    const std::string& package, const std::filesystem::path& work, const std::filesystem::path& file
);

/// Unpacks and configures it, whatever version is there; settings that were changed stay. Waits up
/// to two minutes for another dpkg, then Errc::unavailable with the code dpkg_locked and nothing
/// changed. The message has dpkg's last words.
Result<> install_package(const std::filesystem::path& file);

/// Without dpkg's books, where those are broken: the files alone.
Result<> unpack_over(const std::filesystem::path& file, const std::filesystem::path& root);

} // namespace fairlead::host
