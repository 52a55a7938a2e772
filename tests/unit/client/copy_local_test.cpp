#include "ssm/client/copy_local.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace ssm::client {
namespace {

namespace fs = std::filesystem;

constexpr const char* hash_of_abc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class CopyLocal : public ::testing::Test {
 protected:
  CopyLocal() {
    std::string name = (fs::temp_directory_path() / "copy-local-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~CopyLocal() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  static std::string content(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  std::string folder_;
};

TEST_F(CopyLocal, hashes_in_pieces) {
  CopyHash hash;
  hash.add("a");
  hash.add("");
  hash.add("bc");
  EXPECT_EQ(hash.finish(), hash_of_abc);
  std::string problem;
  EXPECT_EQ(hash_local(write("abc", "abc"), problem), hash_of_abc);
}

TEST_F(CopyLocal, says_why_a_file_has_no_hash) {
  std::string problem;
  EXPECT_EQ(hash_local(path("none"), problem), "");
  EXPECT_EQ(problem, "No such file or directory");
}

TEST_F(CopyLocal, lists_a_folder_before_what_is_in_it) {
  fs::create_directory(path("b"));
  write("b/file", "123");
  fs::create_symlink("x y", path("a"));
  const auto entries = list_local(folder_, true);
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_EQ(entries[0].kind, CopyKind::folder);
  EXPECT_EQ(entries[1].kind, CopyKind::link);
  EXPECT_EQ(entries[1].link, "x y");
  EXPECT_EQ(entries[2].relative, "b");
  EXPECT_EQ(entries[3].relative, "b/file");
  EXPECT_EQ(entries[3].size, 3U);
}

TEST_F(CopyLocal, the_old_file_stays_until_the_new_one_is_whole) {
  const std::string file = write("file", "good");
  PartialFile partial(file);
  ASSERT_TRUE(partial.open(0)) << partial.problem();
  ASSERT_TRUE(partial.write("abc"));
  EXPECT_EQ(content(file), "good");
  EXPECT_EQ(partial.left_over(), 3U);
  EXPECT_EQ(partial.finish_hash(), hash_of_abc);
  ASSERT_TRUE(partial.commit(true, 0640, 1'000'000'000)) << partial.problem();
  EXPECT_EQ(content(file), "abc");
  EXPECT_FALSE(fs::exists(partial.partial_path()));
  struct stat status{};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0640U);
  EXPECT_EQ(status.st_mtime, 1'000'000'000);
}

TEST_F(CopyLocal, goes_on_from_what_an_earlier_one_left_with_the_hash_of_all) {
  {
    PartialFile partial(path("file"));
    ASSERT_TRUE(partial.open(0));
    ASSERT_TRUE(partial.write("ab"));
  }
  PartialFile partial(path("file"));
  EXPECT_EQ(partial.left_over(), 2U);
  ASSERT_TRUE(partial.open(2)) << partial.problem();
  ASSERT_TRUE(partial.write("c"));
  EXPECT_EQ(partial.finish_hash(), hash_of_abc);
  ASSERT_TRUE(partial.commit(false, 0644, 0));
  EXPECT_EQ(content(path("file")), "abc");
}

TEST_F(CopyLocal, discarding_leaves_nothing) {
  PartialFile partial(path("file"));
  ASSERT_TRUE(partial.open(0));
  ASSERT_TRUE(partial.write("abc"));
  partial.discard();
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(CopyLocal, a_partial_file_is_never_opened_through_a_link) {
  PartialFile partial(path("file"));
  const std::string victim = write("victim", "precious");
  fs::create_symlink(victim, partial.partial_path());
  EXPECT_EQ(partial.left_over(), 0U);
  ASSERT_TRUE(partial.open(0));
  ASSERT_TRUE(partial.write("abc"));
  EXPECT_EQ(content(victim), "precious");
}

TEST_F(CopyLocal, replaces_no_folder) {
  fs::create_directory(path("taken"));
  PartialFile partial(path("taken"));
  ASSERT_TRUE(partial.open(0));
  EXPECT_FALSE(partial.commit(false, 0644, 0));
  EXPECT_EQ(partial.problem(), "it is a folder");
}

TEST_F(CopyLocal, a_replaced_file_keeps_its_mode_unless_the_sources_is_wanted) {
  const std::string file = write("file", "old");
  ASSERT_EQ(chmod(file.c_str(), 0604), 0);
  PartialFile partial(file);
  ASSERT_TRUE(partial.open(0));
  ASSERT_TRUE(partial.commit(false, 0755, 0));
  EXPECT_EQ(static_cast<unsigned>(fs::status(file).permissions()), 0604U);
}

TEST_F(CopyLocal, says_what_cannot_be_created) {
  PartialFile partial(path("absent/file"));
  EXPECT_FALSE(partial.open(0));
  EXPECT_EQ(partial.problem(), "it cannot be created: No such file or directory");
}

}  // namespace
}  // namespace ssm::client
