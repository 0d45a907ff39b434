#include "controller/audit/export.hpp"

#include "controller/audit/tree.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace fairlead::audit {
namespace {

constexpr std::int64_t at_once = 500;

bool matches(const Entry& entry, const Filter& filter) {
    auto is = [](const std::string& wanted, const std::optional<std::string>& value) {
        return wanted.empty() || value == wanted;
    };
    bool action = filter.action.empty() || entry.action == filter.action ||
                  entry.action.starts_with(filter.action + ".");
    return action && is(filter.actor, entry.actor_id) && is(filter.target, entry.target_id) &&
           is(filter.connect_session, entry.connect_session) &&
           (!filter.after || entry.at > *filter.after) &&
           (!filter.before || entry.at < *filter.before);
}

} // namespace

std::string csv_cell(std::string_view text) {
    std::string cell;
    if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != text.npos) cell += '\'';
    cell += text;
    if (cell.find_first_of("\",\r\n") == cell.npos) return cell;
    std::string quoted = "\"";
    for (char c : cell) {
        if (c == '"') quoted += '"';
        quoted += c;
    }
    return quoted + '"';
}

Export::Export(
    store::Store& store, api::OrgScope scope, ExportFormat format, Filter filter,
    SignedCheckpoint checkpoint, const Notary& notary
)
    : store_(store), scope_(std::move(scope)), format_(format), filter_(std::move(filter)),
      checkpoint_(std::move(checkpoint)), origin_(notary.origin(scope_.org())),
      key_(notary.verifier().str()) {}

std::string Export::head() const {
    if (format_ == ExportFormat::csv)
        return "seq,id,at,actor_type,actor_id,actor,on_behalf_of,connect_session,action,target_"
               "type,"
               "target_id,target,result,address,user_agent,request_id,before,after\r\n";
    boost::json::object head{{"format", "fairlead-audit-1"},
                             {"org", scope_.org().str()},
                             {"origin", origin_},
                             {"key", key_},
                             {"size", checkpoint_.size},
                             {"checkpoint", checkpoint_.note}};
    return boost::json::serialize(head) + "\n";
}

void Export::csv(const Entry& e, std::string& into) const {
    auto cell = [&](const std::optional<std::string>& text) {
        into += ',';
        if (text) into += csv_cell(*text);
    };
    into += std::to_string(e.seq);
    cell(e.id.str());
    cell(to_rfc3339(e.at));
    cell(e.actor_type);
    cell(e.actor_id);
    cell(e.actor_label);
    cell(e.on_behalf_of);
    cell(e.connect_session);
    cell(e.action);
    cell(e.target_type);
    cell(e.target_id);
    cell(e.target_name);
    cell(e.result);
    cell(e.address);
    cell(e.user_agent);
    cell(e.request_id);
    cell(e.before);
    cell(e.after);
    into += "\r\n";
}

Result<std::string> Export::next() {
    std::string piece;
    if (!began_) piece = head();
    began_ = true;
    // A stretch without a matching entry makes an empty piece, which would end the file.
    while (next_ < checkpoint_.size && piece.size() < 64 * 1024) {
        auto end = std::min(next_ + at_once, checkpoint_.size);
        auto added = store_.read([&](store::Connection& db) -> Result<> {
            FAIRLEAD_TRY(entries, EntryRepo(db, scope_).from(next_, end, at_once));
            if (format_ == ExportFormat::csv) {
                for (const auto& entry : entries)
                    if (matches(entry, filter_)) csv(entry, piece);
                return {};
            }
            FAIRLEAD_TRY(leaves, Tree(db, scope_).leaves(next_, end - next_));
            // Those between say more closely which entries an altered one is among.
            FAIRLEAD_TRY(notes, Notary::between(db, scope_, next_, end));
            auto entry = entries.begin();
            auto note = notes.begin();
            for (auto seq = next_; seq < end; ++seq) {
                while (entry != entries.end() && entry->seq < seq) ++entry;
                bool shown =
                    entry != entries.end() && entry->seq == seq && matches(*entry, filter_);
                fmt::format_to(
                    std::back_inserter(piece), "{{\"seq\":{},\"hash\":\"{}\"", seq,
                    leaves[static_cast<std::size_t>(seq - next_)].hex()
                );
                if (shown) piece += ",\"leaf\":" + leaf_of(*entry, scope_.org());
                piece += "}\n";
                if (note == notes.end() || note->size != seq + 1) continue;
                piece += boost::json::serialize(boost::json::object{{"checkpoint", note->note}});
                piece += '\n';
                ++note;
            }
            return {};
        });
        FAIRLEAD_CHECK(std::move(added));
        next_ = end;
    }
    return piece;
}

} // namespace fairlead::audit
