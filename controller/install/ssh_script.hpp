/// The ProxyCommand of native ssh, which people fetch from the controller.
#pragma once

#include <string_view>

namespace fairlead::install {

std::string_view ssh_script();

} // namespace fairlead::install
