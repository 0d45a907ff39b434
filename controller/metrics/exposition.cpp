#include "controller/metrics/exposition.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

namespace fairlead::metrics {
namespace {

/// One thing that has lines, and the labels that each of them gets.
struct Subject {
    std::string labels;
    std::optional<Newest> newest;
    bool online = false;
};

/// All lines of one name stand together, below its description.
class Text {
public:
    void begin(std::string name, std::string_view help, bool counter) {
        name_ = std::move(name);
        head_ = fmt::format(
            "# HELP {0} {1}\n# TYPE {0} {2}\n", name_, help, counter ? "counter" : "gauge"
        );
    }
    void line(const Subject& subject, double value) {
        if (!known(value)) return;
        text_ += head_;
        head_.clear();
        text_ += fmt::format("{}{{{}}} {}\n", name_, subject.labels, value);
    }
    std::string take() { return std::move(text_); }

private:
    std::string name_, head_, text_;
};

double measure_of(const Subject& subject, std::size_t place) {
    if (!subject.newest || place >= subject.newest->measures.size() ||
        subject.newest->measures[place] < 0)
        return unknown();
    return static_cast<double>(subject.newest->measures[place]);
}

double value_of(const Subject& subject, std::span<const Series> all, std::string_view name) {
    if (!subject.newest) return unknown();
    return subject.newest->values[place_of(all, name)];
}

/// What the agent tells, as it tells it: counters stay counters.
void told_lines(
    Text& text, std::string_view prefix, const std::vector<Subject>& subjects,
    std::span<const proto::Measure> table
) {
    for (std::size_t place = 0; place < table.size(); ++place) {
        bool counter = table[place].kind == proto::MeasureKind::counter;
        text.begin(
            fmt::format("{}_{}{}", prefix, table[place].name, counter ? "_total" : ""),
            table[place].help, counter
        );
        for (const auto& one : subjects) text.line(one, measure_of(one, place));
    }
}

struct Plain {
    std::string_view series, help;
};
constexpr std::array server_lines{
    Plain{"cpu_percent", "Use of all processors"},
    Plain{"memory_used_bytes", "Memory in use"},
    Plain{"disk_free_bytes", "Free on the disk that environments lie on"},
    Plain{"load1", "Load over a minute"},
};

void write_servers(Text& text, const std::vector<Subject>& servers) {
    text.begin("fairlead_server_online", "Whether the agent's link is there", false);
    for (const auto& one : servers) text.line(one, one.online ? 1 : 0);
    for (const auto& plain : server_lines) {
        text.begin("fairlead_server_" + std::string(plain.series), plain.help, false);
        for (const auto& one : servers) text.line(one, value_of(one, server_series, plain.series));
    }
    text.begin("fairlead_server_memory_bytes", "Memory that there is", false);
    for (const auto& one : servers)
        if (one.newest) text.line(one, static_cast<double>(one.newest->memory_bytes));
    text.begin("fairlead_server_disk_bytes", "Size of the disk that environments lie on", false);
    for (const auto& one : servers)
        if (one.newest) text.line(one, static_cast<double>(one.newest->disk_bytes));
    told_lines(text, "fairlead_server", servers, proto::server_measures);
}

void write_environments(Text& text, const std::vector<Subject>& environments) {
    text.begin("fairlead_environment_up", "Whether Odoo runs", false);
    for (const auto& one : environments) text.line(one, value_of(one, environment_series, "up"));
    told_lines(text, "fairlead_environment", environments, proto::environment_measures);
}

} // namespace

std::string label_text(std::string_view value) {
    std::string text;
    for (char c : value) {
        if (c == '\\' || c == '"') text += '\\';
        if (c == '\n')
            text += "\\n";
        else
            text += c;
    }
    return text;
}

Result<std::string> exposition(
    store::Connection& db, const api::OrgScope& scope, const NewestOfAll& newest, Timestamp now
) {
    auto fresh = [&](const std::string& id) {
        auto found = newest.find(id);
        if (found && now - found->at > newest.fresh()) found.reset();
        return found;
    };
    std::vector<Subject> servers, environments;
    using Server = std::tuple<std::string, std::string, std::string>;
    FAIRLEAD_TRY(
        server_rows,
        db.all<Server>(
            "SELECT id, name, status FROM server WHERE org_id = $1 AND revoked_ms IS NULL"
            " ORDER BY name LIMIT 10000",
            scope.org()
        )
    );
    for (const auto& [id, name, status] : server_rows)
        servers.push_back(
            {fmt::format("server=\"{}\",server_id=\"{}\"", label_text(name), id), fresh(id),
             status == "online"}
        );
    using Environment = std::tuple<std::string, std::string, std::string, std::string>;
    FAIRLEAD_TRY(
        rows,
        db.all<Environment>(
            "SELECT e.id, e.name, e.type, s.name FROM environment e JOIN server s"
            " ON s.org_id = e.org_id AND s.id = e.server_id WHERE e.org_id = $1"
            " AND ($2 = '' OR EXISTS (SELECT 1 FROM project_limit l WHERE l.org_id = $1"
            " AND l.holder = $2 AND l.project_id = e.project_id)) ORDER BY e.name LIMIT 10000",
            scope.org(), scope.limit()
        )
    );
    for (const auto& [id, name, type, server] : rows)
        environments.push_back(
            {fmt::format(
                 "environment=\"{}\",environment_id=\"{}\",type=\"{}\",server=\"{}\"",
                 label_text(name), id, type, label_text(server)
             ),
             fresh(id), false}
        );
    Text text;
    write_servers(text, servers);
    write_environments(text, environments);
    return text.take();
}

} // namespace fairlead::metrics
