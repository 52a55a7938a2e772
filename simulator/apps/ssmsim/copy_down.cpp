#include "copy_run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <utility>

#include "ssm/client/copy_local.hpp"
#include "ssm/client/copy_script.hpp"

namespace ssmsim {
namespace {

namespace client = ssm::client;
using client::CopyEntry;
using client::CopyKind;
using client::CopySessionKind;

/// Of the paths in one request: they travel in a parameter of StartSession.
constexpr std::size_t request_bytes = std::size_t{16} * 1024;
constexpr std::size_t request_files = 500;
constexpr std::size_t read_bytes = std::size_t{64} * 1024;

struct DownFile {
  CopyEntry entry;
  std::string destination;
};

class Download {
 public:
  explicit Download(CopyRun& run) : run_(run), arguments_(run.arguments()) {}

  void copy(const std::vector<client::CopyPlace>& sources, const std::string& destination) {
    const CopyEntry target = client::list_local(destination, false).front();
    const bool into = target.kind == CopyKind::folder;
    if (!into && (sources.size() > 1 || destination.ends_with('/'))) {
      run_.add_problem(fmt::format("{} is no folder, which several sources or a / at the end need",
                                   client::printable(destination)));
      return;
    }
    for (const client::CopyPlace& source : sources) {
      const std::string top = client::plain_path(source.path);
      if (!list(top) || run_.is_lost()) {
        return;
      }
      plan(top, into ? client::join_path(client::plain_path(destination), client::copy_name(top))
                     : client::plain_path(destination));
    }
    fetch();
    if (!run_.is_lost()) {
      finish_tree();
    }
  }

 private:
  /// The session that the target allows, the first time; later the same kind.
  std::unique_ptr<client::CopySession> open(const std::vector<std::string>& command) {
    if (!kind_) {
      const bool forced = arguments_.via != CopyVia::automatic;
      std::string why;
      if (arguments_.via != CopyVia::shell) {
        CopyOpening opening = run_.open(CopySessionKind::command, command);
        if (opening.session) {
          kind_ = CopySessionKind::command;
          run_.chose("command", "");
          return std::move(opening.session);
        }
        if (forced || !opening.may_try_another) {
          run_.fail_session(opening.problem);
          return nullptr;
        }
        why = "no command session: " + opening.problem;
      }
      kind_ = CopySessionKind::encoded_terminal;
      run_.chose("shell", why);
    }
    CopyOpening opening = run_.open(*kind_, command);
    if (!opening.session) {
      run_.fail_session(opening.problem);
    }
    return std::move(opening.session);
  }

  static std::string read_exactly(client::CopySession& session, std::size_t count) {
    std::string bytes;
    while (bytes.size() < count) {
      const std::string more = session.read(count - bytes.size());
      if (more.empty()) {
        break;
      }
      bytes += more;
    }
    return bytes;
  }

  bool list(const std::string& top) {
    listed_.clear();
    const auto session = open(client::list_command(
        run_.mark(),
        {.recursive = arguments_.recursive, .hashes = arguments_.resume, .paths = {top}}));
    if (!session) {
      return false;
    }
    for (auto answer = session->read_answer(); answer; answer = session->read_answer()) {
      if (*answer == "bye") {
        session->wait_for_end(farewell_limit);
        session->close();
        return true;
      }
      auto line = client::parse_list_line(*answer);
      if (!line) {
        break;
      }
      const std::string both = read_exactly(*session, line->path_bytes + line->link_bytes + 2);
      if (both.size() != line->path_bytes + line->link_bytes + 2) {
        break;
      }
      line->entry.path = both.substr(0, line->path_bytes);
      line->entry.link = both.substr(line->path_bytes + 1, line->link_bytes);
      listed_.push_back(std::move(line->entry));
    }
    run_.fail_session("the list of " + client::printable(top) + " did not come", session.get());
    session->close();
    return false;
  }

  void plan(const std::string& top, const std::string& destination) {
    for (CopyEntry& entry : listed_) {
      const auto relative = client::relative_to(top, entry.path);
      const std::string shown = client::printable(entry.path);
      if (!relative) {
        run_.add_problem(
            fmt::format("{} is not copied: it is not below {}", shown, client::printable(top)));
        continue;
      }
      entry.relative = *relative;
      const std::string place = client::join_path(destination, *relative);
      switch (entry.kind) {
        case CopyKind::file:
          files_.push_back({.entry = entry, .destination = place});
          run_.set_total(entry.size);
          break;
        case CopyKind::folder:
          if (!arguments_.recursive) {
            run_.add_problem(shown + " is a folder on the target; -r copies folders");
          } else {
            folders_.push_back({.entry = entry, .destination = place});
          }
          break;
        case CopyKind::link:
          links_.push_back({.entry = entry, .destination = place});
          break;
        case CopyKind::other:
          run_.add_problem(shown + " is not copied: it is no regular file on the target");
          break;
        case CopyKind::unreadable:
          run_.add_problem(shown + " cannot be read on the target: permission denied");
          break;
        case CopyKind::missing:
          run_.add_problem(shown + ": there is no such file on the target");
          break;
      }
    }
  }

  void fetch() {
    for (const DownFile& folder : folders_) {
      if (mkdir(folder.destination.c_str(), 0777) != 0) {
        const int number = errno;
        struct stat status{};
        if (stat(folder.destination.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
          run_.add_problem(fmt::format("the folder {} cannot be made: {}",
                                       client::printable(folder.destination),
                                       client::error_text(number)));
          return;
        }
      }
    }
    std::size_t next = 0;
    while (next < files_.size() && !run_.is_lost()) {
      std::vector<client::FetchItem> items;
      std::vector<const DownFile*> wanted;
      std::size_t size = 0;
      while (next < files_.size() && size < request_bytes && items.size() < request_files) {
        const DownFile& file = files_[next++];
        if (is_no_place(file) || is_there(file)) {
          continue;
        }
        const std::uint64_t have =
            arguments_.resume ? client::PartialFile(file.destination).left_over() : 0;
        items.push_back({.offset = have <= file.entry.size ? have : 0, .path = file.entry.path});
        wanted.push_back(&file);
        size += client::escape_for_printf(file.entry.path).size() + 8;
      }
      std::size_t done = 0;
      while (done < items.size() && !run_.is_lost()) {
        done += fetch_some(std::span(items).subspan(done), std::span(wanted).subspan(done));
      }
    }
  }

  bool is_no_place(const DownFile& file) {
    const CopyKind there = client::list_local(file.destination, false).front().kind;
    if (there != CopyKind::folder && there != CopyKind::other) {
      return false;
    }
    run_.add_problem(fmt::format("{} is not replaced: it is {}",
                                 client::printable(file.destination),
                                 there == CopyKind::folder ? "a folder" : "no regular file"));
    return true;
  }

  /// --resume: an earlier run has copied it.
  bool is_there(const DownFile& file) {
    std::string problem;
    if (!arguments_.resume || file.entry.hash.empty() ||
        client::list_local(file.destination, false).front().size != file.entry.size ||
        client::hash_local(file.destination, problem) != file.entry.hash) {
      return false;
    }
    client::PartialFile(file.destination).discard();
    run_.add_bytes(file.entry.size, true);
    run_.file_done();
    return true;
  }

  /// How many of the items are dealt with; at least one.
  std::size_t fetch_some(std::span<const client::FetchItem> items,
                         std::span<const DownFile* const> files) {
    const auto session = open(client::fetch_command(run_.mark(), items));
    if (!session) {
      return items.size();
    }
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (!fetch_one(*session, *files[i])) {
        session->close();
        return i + 1;
      }
    }
    session->wait_for_end(farewell_limit);
    session->close();
    return items.size();
  }

  /// False: nothing more can be read of this session.
  bool fetch_one(client::CopySession& session, const DownFile& file) {
    const std::string shown = client::printable(file.entry.path);
    run_.begin_file(file.entry.path);
    const auto answer = session.read_answer();
    if (!answer) {
      run_.fail_session(shown + " is not copied", &session);
      return false;
    }
    if (answer->starts_with("no ")) {
      run_.add_problem(fmt::format("{} cannot be read on the target: {}", shown,
                                   client::printable(answer->substr(3))));
      return true;
    }
    const std::size_t blank = answer->rfind(' ');
    const auto offset = answer->starts_with("data ") && blank > 5
                            ? client::parse_number(answer->substr(5, blank - 5))
                            : std::nullopt;
    const auto count = client::parse_number(answer->substr(blank + 1));
    if (!offset || !count) {
      run_.fail_session(shown + " is not copied: the target answered " +
                        client::printable(*answer));
      return false;
    }
    client::PartialFile partial(file.destination);
    if (!partial.open(*offset)) {
      run_.add_problem(fmt::format("{} on this side: {}", client::printable(file.destination),
                                   partial.problem()));
      return false;
    }
    run_.add_bytes(*offset, true);
    return take(session, file, partial, *offset, *count);
  }

  bool take(client::CopySession& session, const DownFile& file, client::PartialFile& partial,
            std::uint64_t offset, std::uint64_t count) {
    const std::string shown = client::printable(file.entry.path);
    for (std::uint64_t taken = 0; taken < count;) {
      const std::string bytes = session.read(
          static_cast<std::size_t>(std::min<std::uint64_t>(read_bytes, count - taken)));
      if (bytes.empty()) {
        if (session.exit_code() == 0) {
          return changed(file, partial);
        }
        run_.fail_session(
            fmt::format("{} is not whole: {} of {} bytes came, they are kept in {}; the same "
                        "command with --resume goes on from there",
                        shown, offset + taken, offset + count,
                        client::printable(partial.partial_path())),
            &session);
        return false;
      }
      if (!partial.write(bytes)) {
        run_.add_problem(fmt::format("{} on this side: {}; nothing is left of it",
                                     client::printable(file.destination), partial.problem()));
        partial.discard();
        return false;
      }
      taken += bytes.size();
      run_.add_bytes(bytes.size(), false);
    }
    const auto empty = session.read_line();
    const auto end = session.read_line();
    const std::string prefix = run_.mark() + " ";
    if (!empty || !empty->empty() || !end || !end->starts_with(prefix)) {
      if (!end && session.exit_code() != 0) {
        run_.fail_session(fmt::format("the hash of {} did not come; its bytes are kept in {}, and "
                                      "--resume goes on from there",
                                      shown, client::printable(partial.partial_path())),
                          &session);
        return false;
      }
      return changed(file, partial);
    }
    return place(file, partial, end->substr(prefix.size()), offset);
  }

  /// The stream of the session is out of step then.
  bool changed(const DownFile& file, client::PartialFile& partial) {
    run_.add_problem(
        fmt::format("{} changed on the target while it was read; nothing of it is "
                    "kept, and what was at {} is as it was: copy it again",
                    client::printable(file.entry.path), client::printable(file.destination)));
    partial.discard();
    return false;
  }

  bool place(const DownFile& file, client::PartialFile& partial, const std::string& end,
             std::uint64_t offset) {
    const std::string hash = end.substr(end.find(' ') + 1);
    const std::string seen = partial.finish_hash();
    if (end.starts_with("changed ")) {
      static_cast<void>(changed(file, partial));
    } else if (hash != seen) {
      run_.add_problem(fmt::format(
          "{}: SHA-256 {} on the target, {} here{}; nothing of it is kept, and what was at {} is "
          "as it was: copy it again",
          client::printable(file.entry.path), client::printable(hash), seen,
          offset > 0 ? ", with what an earlier run had left" : "",
          client::printable(file.destination)));
      partial.discard();
    } else if (!partial.commit(arguments_.preserve, file.entry.mode, file.entry.mtime)) {
      run_.add_problem(fmt::format("{} on this side: {}; nothing is left of it",
                                   client::printable(file.destination), partial.problem()));
      partial.discard();
    } else {
      run_.file_done();
    }
    return true;
  }

  /// Links come last, so that no file is written through one; then what writing has changed.
  void finish_tree() {
    for (const DownFile& link : links_) {
      struct stat status{};
      const char* place = link.destination.c_str();
      const bool is_folder = lstat(place, &status) == 0 && S_ISDIR(status.st_mode);
      if (is_folder || (unlink(place) != 0 && errno != ENOENT) ||
          symlink(link.entry.link.c_str(), place) != 0) {
        run_.add_problem(fmt::format("the link {} cannot be made: {}",
                                     client::printable(link.destination),
                                     is_folder ? "a folder is there" : client::error_text(errno)));
      }
    }
    if (!arguments_.preserve) {
      return;
    }
    std::reverse(folders_.begin(), folders_.end());
    for (const DownFile& folder : folders_) {
      const timespec time = {.tv_sec = folder.entry.mtime, .tv_nsec = 0};
      const std::array<timespec, 2> times = {time, time};
      if (chmod(folder.destination.c_str(), folder.entry.mode) != 0 ||
          utimensat(AT_FDCWD, folder.destination.c_str(), times.data(), 0) != 0) {
        run_.add_problem(fmt::format("mode and time of {} cannot be set: {}",
                                     client::printable(folder.destination),
                                     client::error_text(errno)));
      }
    }
  }

  CopyRun& run_;
  const CopyArguments& arguments_;
  std::optional<CopySessionKind> kind_;
  std::vector<CopyEntry> listed_;
  std::vector<DownFile> files_;
  std::vector<DownFile> folders_;
  std::vector<DownFile> links_;
};

}  // namespace

void copy_down(CopyRun& run, const std::vector<client::CopyPlace>& sources,
               const std::string& destination) {
  Download(run).copy(sources, destination);
}

}  // namespace ssmsim
