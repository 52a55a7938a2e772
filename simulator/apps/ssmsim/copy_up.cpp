#include "copy_run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "ssm/client/copy_local.hpp"
#include "ssm/client/copy_script.hpp"
#include "ssm/protocol/base64.hpp"

namespace ssmsim {
namespace {

namespace client = ssm::client;
namespace protocol = ssm::protocol;
using client::CopyEntry;
using client::CopyKind;
using client::CopySession;
using client::CopySessionKind;

/// From here on two more sessions are worth their start, for bytes without base64.
constexpr std::uint64_t port_threshold_bytes = 4'000'000;
constexpr std::size_t block_lines = 64;
/// In base64 as long as the lines may be, and without padding before the last one.
constexpr std::size_t line_raw_bytes = client::receive_line_bytes / 4 * 3 - 3;
constexpr std::size_t path_piece_bytes = 900;
constexpr char end_of_transmission = '\x04';

struct UpFile {
  CopyEntry entry;
  std::string destination;
};

/// The receiving script on the target, and the ways to and from it.
class Receiver {
 public:
  Receiver(CopyRun& run, std::uint64_t bytes) : run_(run) { open(bytes); }

  [[nodiscard]] bool is_open() const { return reader_ != nullptr; }
  [[nodiscard]] CopySession& reader() { return *reader_; }

  bool write(std::string_view bytes) {
    return is_open() && (writer_ ? writer_.get() : reader_.get())->write(bytes);
  }
  /// Of a file: `last` after the last of them, once.
  bool write_data(std::string_view bytes, bool last) {
    if (writer_) {
      return bytes.empty() || write(bytes);
    }
    std::string text;
    text.reserve(bytes.size() * 3 / 2);
    while (!bytes.empty()) {
      const std::string_view line = bytes.substr(0, line_raw_bytes);
      text += protocol::encode_base64(protocol::as_bytes(line)) + "\n";
      bytes.remove_prefix(line.size());
    }
    if (last) {
      text += end_of_transmission;
    }
    return write(text);
  }
  std::optional<std::string> ask(std::string_view request) {
    static_cast<void>(write(std::string(request) + "\n"));
    return is_open() ? reader_->read_answer() : std::nullopt;
  }
  void send_text(char operation, std::string_view text) {
    const std::string escaped = client::escape_for_printf(text);
    for (std::size_t at = 0; at < escaped.size(); at += path_piece_bytes) {
      static_cast<void>(
          write(fmt::format("{} {}\n", operation, escaped.substr(at, path_piece_bytes))));
    }
  }
  void close() {
    if (writer_) {
      writer_->close();
    }
    if (reader_) {
      reader_->close();
    }
  }

 private:
  void open(std::uint64_t bytes) {
    const CopyVia via = run_.arguments().via;
    const bool automatic = via == CopyVia::automatic;
    std::string why;
    if (via == CopyVia::port || (automatic && bytes >= port_threshold_bytes)) {
      if (open_port(why)) {
        run_.chose("port", "");
        return;
      }
      if (!automatic || !may_try_another_) {
        run_.fail_session(why);
        return;
      }
      why = "no port session: " + why;
    }
    CopyOpening opening =
        run_.open(CopySessionKind::terminal,
                  client::receive_command(run_.mark(), client::ReceiveInput::terminal,
                                          run_.arguments().preserve));
    if (opening.session) {
      run_.chose("shell", why);
      reader_ = std::move(opening.session);
      expect_ready();
      return;
    }
    std::string port_problem;
    if (automatic && why.empty() && opening.may_try_another && open_port(port_problem)) {
      run_.chose("port", "no shell session: " + opening.problem);
      return;
    }
    run_.fail_session(port_problem.empty() ? opening.problem
                                           : opening.problem + "; " + port_problem);
  }

  bool open_port(std::string& problem) {
    const std::string token = run_.mark() + "token";
    CopyOpening opening =
        run_.open(CopySessionKind::command,
                  client::receive_on_port_command(run_.mark(), token, run_.arguments().preserve));
    may_try_another_ = opening.may_try_another;
    problem = opening.problem;
    if (!opening.session) {
      return false;
    }
    may_try_another_ = true;
    const auto answer = opening.session->read_answer();
    const auto port = answer && answer->starts_with("port ")
                          ? client::parse_number(std::string_view(*answer).substr(5))
                          : std::nullopt;
    if (!port) {
      problem = answer == "nopython" ? "there is no python3 on the target, which takes the bytes"
                                     : "the program that takes the bytes did not start: " +
                                           client::printable(opening.session->noise(), 300);
      opening.session->close();
      return false;
    }
    CopyOpening way = run_.open_port(*port);
    problem = way.problem;
    if (!way.session) {
      opening.session->close();
      return false;
    }
    reader_ = std::move(opening.session);
    writer_ = std::move(way.session);
    static_cast<void>(write(token));
    return expect_ready();
  }

  bool expect_ready() {
    const auto answer = reader_->read_answer();
    if (answer == "ready") {
      return true;
    }
    run_.fail_session("the copy did not begin", reader_.get());
    close();
    reader_.reset();
    writer_.reset();
    return false;
  }

  CopyRun& run_;
  std::unique_ptr<CopySession> reader_;
  std::unique_ptr<CopySession> writer_;
  bool may_try_another_ = false;
};

class Upload {
 public:
  explicit Upload(CopyRun& run) : run_(run), arguments_(run.arguments()) {}

  void copy(const std::vector<client::CopyPlace>& sources, const std::string& destination) {
    std::vector<std::vector<CopyEntry>> trees;
    std::uint64_t bytes = 0;
    for (const client::CopyPlace& source : sources) {
      trees.push_back(client::list_local(client::plain_path(source.path), arguments_.recursive));
      for (const CopyEntry& entry : trees.back()) {
        bytes += entry.kind == CopyKind::file ? entry.size : 0;
      }
    }
    run_.set_total(bytes);
    // All of them, so that each problem is told.
    if (std::count_if(trees.begin(), trees.end(),
                      [this](const auto& tree) { return is_wanted(tree.front()); }) == 0) {
      return;
    }
    Receiver receiver(run_, bytes);
    receiver_ = &receiver;
    if (receiver.is_open()) {
      send(trees, destination);
      if (!run_.is_lost() && !over_) {
        static_cast<void>(receiver.ask("Q"));
        receiver.reader().wait_for_end(farewell_limit);
      }
      receiver.close();
    }
  }

 private:
  bool is_wanted(const CopyEntry& entry) {
    const std::string shown = client::printable(entry.path);
    switch (entry.kind) {
      case CopyKind::missing:
        run_.add_problem(shown + ": there is no such file");
        return false;
      case CopyKind::unreadable:
        run_.add_problem(shown + " cannot be read: permission denied");
        return false;
      case CopyKind::other:
        run_.add_problem(shown + " is not copied: it is no regular file");
        return false;
      case CopyKind::folder:
        if (!arguments_.recursive) {
          run_.add_problem(shown + " is a folder; -r copies folders");
          return false;
        }
        return true;
      case CopyKind::file:
      case CopyKind::link:
        return true;
    }
    return false;
  }

  void send(const std::vector<std::vector<CopyEntry>>& trees, const std::string& destination) {
    const std::string base = client::plain_path(destination);
    receiver_->send_text('P', base);
    const auto there = receiver_->ask("T");
    if (!there) {
      run_.fail_session("nothing is copied", &receiver_->reader());
      return;
    }
    const bool into = *there == "is folder";
    if (!into && (trees.size() > 1 || destination.ends_with('/'))) {
      run_.add_problem(
          fmt::format("{} is no folder on the target, which several sources or a / at the end need",
                      client::printable(destination)));
      return;
    }
    for (const auto& tree : trees) {
      if (is_stopped()) {
        return;
      }
      send_tree(tree, into ? client::join_path(base, client::copy_name(tree.front().path)) : base);
    }
  }

  static bool is_usable(const CopyEntry& entry) {
    return entry.kind == CopyKind::file || entry.kind == CopyKind::folder ||
           entry.kind == CopyKind::link;
  }

  void send_tree(const std::vector<CopyEntry>& tree, const std::string& top) {
    std::vector<UpFile> folders;
    for (const CopyEntry& entry : tree) {
      if (is_stopped()) {
        return;
      }
      const bool is_top = &entry == &tree.front();
      if (is_top ? !is_usable(entry) || (entry.kind == CopyKind::folder && !arguments_.recursive)
                 : !is_wanted(entry)) {
        continue;
      }
      const UpFile file{.entry = entry, .destination = place_of(top, entry)};
      if (entry.kind == CopyKind::folder) {
        receiver_->send_text('P', file.destination);
        if (!judge(receiver_->ask("D"), file)) {
          return;
        }
        folders.push_back(file);
      } else if (entry.kind == CopyKind::link) {
        receiver_->send_text('R', entry.link);
        receiver_->send_text('P', file.destination);
        static_cast<void>(judge(receiver_->ask("L"), file));
      } else {
        send_file(file);
      }
    }
    if (arguments_.preserve && !is_stopped()) {
      std::reverse(folders.begin(), folders.end());
      for (const UpFile& folder : folders) {
        receiver_->send_text('P', folder.destination);
        static_cast<void>(
            judge(receiver_->ask(fmt::format("M {:o} {}", folder.entry.mode, folder.entry.mtime)),
                  folder));
      }
    }
  }

  /// The script takes the folder of a file off its path, so there is one.
  static std::string place_of(const std::string& top, const CopyEntry& entry) {
    const std::string place = client::join_path(top, entry.relative);
    return place.find('/') == std::string::npos ? "./" + place : place;
  }

  void send_file(const UpFile& file) {
    const std::string shown = client::printable(file.entry.path);
    run_.begin_file(file.entry.path);
    std::string problem;
    const std::string hash = client::hash_local(file.entry.path, problem);
    if (hash.empty()) {
      run_.add_problem(fmt::format("{} cannot be read: {}", shown, problem));
      return;
    }
    const std::string& place = file.destination;
    static_cast<void>(receiver_->write(
        fmt::format("K {}\n", client::partial_name(place.substr(place.rfind('/') + 1)))));
    receiver_->send_text('P', place);
    const auto answer =
        receiver_->ask(fmt::format("F {} {} {:o} {} {}", file.entry.size, arguments_.resume ? 1 : 0,
                                   file.entry.mode, file.entry.mtime, hash));
    if (answer == "same") {
      run_.add_bytes(file.entry.size, true);
      run_.file_done();
      return;
    }
    const auto offset = answer && answer->starts_with("go ")
                            ? client::parse_number(std::string_view(*answer).substr(3))
                            : std::nullopt;
    if (!offset || *offset > file.entry.size) {
      static_cast<void>(judge(answer, file));
      return;
    }
    run_.add_bytes(*offset, true);
    const bool unchanged = send_bytes(file, *offset, hash);
    const auto end = receiver_->reader().read_answer();
    if (end && (!unchanged || end->starts_with("bad "))) {
      run_.add_problem(
          unchanged
              ? fmt::format("{}: SHA-256 {} here, {} on the target{}; nothing of it is kept there, "
                            "and what was at {} is as it was: copy it again",
                            shown, hash, client::printable(end->substr(4)),
                            *offset > 0 ? ", with what an earlier run had left" : "",
                            client::printable(place))
              : fmt::format(
                    "{} changed while it was read; nothing of it is kept on the target, and "
                    "what was at {} is as it was: copy it again",
                    shown, client::printable(place)));
    } else if (judge(end, file)) {
      run_.file_done();
    }
  }

  /// Exactly the bytes that were announced: what a file lost meanwhile is made up for, and then
  /// the hash does not fit. False: the file is not what was hashed.
  bool send_bytes(const UpFile& file, std::uint64_t offset, const std::string& hash) {
    const int fd = ::open(file.entry.path.c_str(), O_RDONLY | O_CLOEXEC);
    client::CopyHash check;
    std::string block;
    bool lasts = fd >= 0 && lseek(fd, static_cast<off_t>(offset), SEEK_SET) >= 0;
    std::uint64_t at = offset;
    do {
      block.assign(static_cast<std::size_t>(
                       std::min<std::uint64_t>(line_raw_bytes * block_lines, file.entry.size - at)),
                   '\0');
      std::size_t filled = 0;
      while (lasts && filled < block.size()) {
        const ssize_t count = read(fd, block.data() + filled, block.size() - filled);
        lasts = count > 0;
        filled += lasts ? static_cast<std::size_t>(count) : 0;
      }
      check.add(block);
      at += block.size();
      if (!receiver_->write_data(block, at == file.entry.size)) {
        break;
      }
      run_.add_bytes(block.size(), false);
    } while (at < file.entry.size);
    if (fd >= 0) {
      close(fd);
    }
    return at < file.entry.size || offset > 0 || check.finish() == hash;
  }

  /// True: it was done. `lost` ends the script on the target.
  bool judge(const std::optional<std::string>& answer, const UpFile& file) {
    if (answer == "ok") {
      return true;
    }
    const std::string place = client::printable(file.destination);
    if (!answer) {
      run_.fail_session(
          fmt::format(
              "{} is not copied; what came of it stays beside {} on the target, and the same "
              "command with --resume goes on from there",
              client::printable(file.entry.path), place),
          &receiver_->reader());
    } else if (answer->starts_with("no ")) {
      run_.add_problem(fmt::format("{} on the target: {}; nothing is left of it", place,
                                   client::printable(answer->substr(3))));
    } else if (answer->starts_with("lost ")) {
      over_ = true;
      run_.add_problem(fmt::format(
          "{} on the target: {}; nothing is left of it, and what was there is as it was", place,
          client::printable(answer->substr(5))));
    } else {
      run_.fail_session(fmt::format("{} is not copied: the target answered {}", place,
                                    client::printable(*answer)));
    }
    return false;
  }

  [[nodiscard]] bool is_stopped() const { return over_ || run_.is_lost(); }

  CopyRun& run_;
  const CopyArguments& arguments_;
  Receiver* receiver_ = nullptr;
  bool over_ = false;
};

}  // namespace

void copy_up(CopyRun& run, const std::vector<client::CopyPlace>& sources,
             const std::string& destination) {
  Upload(run).copy(sources, destination);
}

}  // namespace ssmsim
