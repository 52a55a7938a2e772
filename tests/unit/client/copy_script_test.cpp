#include "ssm/client/copy_script.hpp"

#include "ssm/client/command_application.hpp"
#include "ssm/client/copy_local.hpp"
#include "ssm/client/copy_plan.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace ssm::client {
namespace {

namespace fs = std::filesystem;

/// A folder of the test's own, and the scripts run in it by the real sh.
class CopyScript : public ::testing::Test {
 protected:
  CopyScript() {
    std::string name = (fs::temp_directory_path() / "copy-script-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~CopyScript() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  static std::string content(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  std::string run(const std::vector<std::string>& command, const std::string& input = "") const {
    const std::string file = write("stdin", input);
    return shell(quote_for_shell(command) + " <" + quote_for_shell(file));
  }
  static std::string shell(const std::string& text) {
    FILE* pipe = popen(text.c_str(), "r");  // NOLINT(cert-env33-c)
    std::string output;
    std::array<char, 4096> part{};
    for (std::size_t count = 0; (count = fread(part.data(), 1, part.size(), pipe)) > 0;) {
      output.append(part.data(), count);
    }
    pclose(pipe);
    return output;
  }

  std::string receive(const std::string& input, bool preserve = false) const {
    return run(receive_command("M", ReceiveInput::socket, preserve), input);
  }
  std::string file_request(const std::string& name, const std::string& text,
                           const std::string& announced_hash = "", bool resume = false) const {
    CopyHash hash;
    hash.add(text);
    return "K " + partial_name(name) + "\nP " + escape_for_printf(path(name)) + "\nF " +
           std::to_string(text.size()) + (resume ? " 1" : " 0") + " 640 1000000000 " +
           (announced_hash.empty() ? hash.finish() : announced_hash) + "\n";
  }

  std::string folder_;
};

TEST_F(CopyScript, escapes_what_printf_turns_back) {
  const std::string odd = "a b'\"\\\n\x01\x7f\xff%s$(id)`*";
  EXPECT_EQ(shell("printf %b " + quote_for_shell(escape_for_printf(odd))), odd);
}

TEST_F(CopyScript, lists_kinds_sizes_and_names_of_any_bytes) {
  const std::string top = path("-a\n\xff");
  fs::create_directory(top);
  std::ofstream(top + "/x y") << "123";
  fs::create_symlink("to\nthere", top + "/z");
  const std::string text = run(list_command("M", {.recursive = true, .paths = {top}}));
  EXPECT_NE(text.find(" 3 - " + std::to_string(top.size() + 4) + " 0\n" + top + "/x y\n\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(" " + std::to_string(top.size() + 2) + " 8\n" + top + "/z\nto\nthere\n"),
            std::string::npos)
      << text;
  EXPECT_TRUE(text.starts_with("M D ")) << text;
  EXPECT_TRUE(text.ends_with("M bye\n")) << text;
}

TEST_F(CopyScript, lists_what_is_not_there_as_missing) {
  EXPECT_TRUE(run(list_command("M", {.paths = {path("none")}})).starts_with("M N "));
}

TEST_F(CopyScript, fetches_from_an_offset_with_the_hash_of_all) {
  const std::string file = write("file", "0123456789");
  CopyHash hash;
  hash.add("0123456789");
  const std::vector<FetchItem> items = {{.offset = 7, .path = file}};
  EXPECT_EQ(run(fetch_command("M", items)),
            "M data 7 3\n789\nM end " + hash.finish() + "\nM bye\n");
}

TEST_F(CopyScript, fetches_from_the_beginning_when_the_file_is_shorter_than_the_offset) {
  const std::vector<FetchItem> items = {{.offset = 7, .path = write("file", "ab")}};
  EXPECT_TRUE(run(fetch_command("M", items)).starts_with("M data 0 2\nab\n"));
}

TEST_F(CopyScript, goes_on_after_a_file_that_cannot_be_read) {
  const std::vector<FetchItem> items = {{.offset = 0, .path = path("none")},
                                        {.offset = 0, .path = folder_},
                                        {.offset = 0, .path = write("file", "ab")}};
  const std::string text = run(fetch_command("M", items));
  EXPECT_TRUE(text.starts_with("M no ")) << text;
  EXPECT_NE(text.find("M no it is not a regular file\nM data 0 2\nab\n"), std::string::npos)
      << text;
}

TEST_F(CopyScript, receives_a_file_and_sets_mode_and_time) {
  const std::string text = "P\nQ\n\x04 0";
  EXPECT_EQ(receive(file_request("x\ny", text) + text + "Q\n", true),
            "M ready\nM go 0\nM ok\nM bye\n");
  EXPECT_EQ(content(path("x\ny")), text);
  struct stat status{};
  ASSERT_EQ(stat(path("x\ny").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0640U);
  EXPECT_EQ(status.st_mtime, 1'000'000'000);
}

TEST_F(CopyScript, keeps_the_old_file_when_the_hash_does_not_fit) {
  write("file", "good");
  const std::string said = receive(file_request("file", "bad", std::string(64, '0')) + "bad");
  EXPECT_TRUE(said.starts_with("M ready\nM go 0\nM bad ")) << said;
  EXPECT_EQ(content(path("file")), "good");
  EXPECT_FALSE(fs::exists(path(partial_name("file"))));
}

TEST_F(CopyScript, keeps_the_partial_file_when_the_bytes_end_early) {
  write("file", "good");
  EXPECT_EQ(receive(file_request("file", "0123456789") + "0123"),
            "M ready\nM go 0\nM lost the bytes ended after 4 of 10\n");
  EXPECT_EQ(content(path("file")), "good");
  EXPECT_EQ(content(path(partial_name("file"))), "0123");
}

TEST_F(CopyScript, goes_on_from_the_partial_file) {
  write(partial_name("file"), "0123");
  EXPECT_EQ(receive(file_request("file", "0123456789", "", true) + "456789"),
            "M ready\nM go 4\nM ok\n");
  EXPECT_EQ(content(path("file")), "0123456789");
}

TEST_F(CopyScript, leaves_a_file_that_is_there_already) {
  write("file", "0123456789");
  EXPECT_EQ(receive(file_request("file", "0123456789", "", true) + "Q\n"),
            "M ready\nM same\nM bye\n");
}

TEST_F(CopyScript, replaces_no_folder) {
  fs::create_directory(path("file"));
  EXPECT_EQ(receive(file_request("file", "x") + "Q\n"), "M ready\nM no it is a folder\nM bye\n");
}

TEST_F(CopyScript, makes_folders_and_links_and_says_what_is_there) {
  const std::string at = escape_for_printf(path("a b"));
  EXPECT_EQ(receive("P " + at + "\nT\nP " + at + "\nD\nP " + at + "\nT\nR x\\0040y\nP " + at +
                    "/l\nL\nP " + at + "\nM 700 5\n"),
            "M ready\nM is none\nM ok\nM is folder\nM ok\nM ok\n");
  EXPECT_EQ(fs::read_symlink(path("a b/l")), "x y");
  EXPECT_EQ(static_cast<unsigned>(fs::status(path("a b")).permissions()), 0700U);
}

TEST_F(CopyScript, in_a_terminal_prints_base64_between_two_lines) {
  const std::vector<std::string> command = {"printf", "a\nb"};
  const std::string text = shell("exec 2>/dev/null; " + in_terminal("M", command));
  EXPECT_EQ(text, "M begin\nYQpi\nM end\n");
}

}  // namespace
}  // namespace ssm::client
