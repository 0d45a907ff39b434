/// What people are told of alerts.
#pragma once

#include "controller/alerts/alert_repo.hpp"

#include <string>
#include <vector>

namespace fairlead::alerts {

/// "Processor busy: odoo-1 uses 93 % of its processors (90 % or more for 10 min)."
std::string sentence(const Alert& alert, const Rule& rule);

/// One thing that a letter tells.
struct Told {
    bool fired = false;
    std::string subject_name;
    std::string rule_name;
    std::string text;
};

struct AlertLetter {
    std::string subject, text;
};

/// All that came together, for one person.
AlertLetter letter_of(const std::vector<Told>& told, const std::string& link);

} // namespace fairlead::alerts
