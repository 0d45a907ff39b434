/// Virtual environments of Python, shared by all releases with the same requirements.
#pragma once

#include "agent/deploy/site.hpp"
#include "agent/journal/work.hpp"

#include <string>
#include <vector>

namespace fairlead::deploy {

inline constexpr std::string_view build_user = "fairlead-build";

/// What a virtual environment is made from, and so what names it.
struct Requirements {
    std::string text; ///< a requirements file
    bool system_site_packages = true;
    std::string python; ///< "Python 3.11.2"

    std::string hash() const;
};

/// The repositories' requirements.txt, one after the other, and the environment's own lines.
Requirements gather(
    const std::vector<std::pair<std::string, std::string>>& files,
    const proto::EnvironmentSpec& environment, std::string python
);

Result<std::string> python_version();

/// Makes it unless it is there whole. pip runs as a user that owns nothing else, with the server's
/// own pip configuration; afterwards it belongs to root. Code "packages_failed".
Result<> ensure_venv(Site& site, const Requirements& requirements, journal::Work& work);

/// Whether pip finds a set of packages that fits. Errc::conflict with the conflicting pair,
/// Errc::unavailable when pip cannot say.
Result<> try_requirements(Site& site, const Requirements& requirements, journal::Work& work);

bool venv_is_whole(const Layout& layout, const std::string& hash);

/// What pip said was wrong, in a sentence.
std::string explain_pip(const std::vector<std::string>& lines);

} // namespace fairlead::deploy
