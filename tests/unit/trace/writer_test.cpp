#include "ssm/trace/writer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "ssm/trace/format.hpp"
#include "trace_fixture.hpp"

namespace ssm::trace {
namespace {

using std::chrono_literals::operator""ms;
using test::MemorySink;
using test::read_all;
using testing::HasSubstr;

TEST(TraceWriter, writes_what_a_reader_reads) {
  std::istringstream stream(test::sample());
  auto reader = Reader::open(stream).value();
  EXPECT_EQ(reader.header().ShortDebugString(),
            R"(format_version: 1 program_version: "0.1.0" start_unix_ns: 1700000000000 )"
            R"(session_id: "user-1" secrets_redacted: true)");
  std::vector<std::string> events;
  while (auto record = reader.next().value()) {
    record->clear_crc32c();
    events.push_back(record->ShortDebugString());
  }
  EXPECT_THAT(
      events,
      testing::ElementsAre(
          "time_ns: 1000000 connection { connection_id: 1 side: TRACE_SIDE_CLIENT change: "
          "CHANGE_OPENED }",
          "time_ns: 2000000 message { connection_id: 1 side: TRACE_SIDE_CLIENT direction: "
          "TRACE_DIRECTION_RECEIVED text: true data: \"{\\\"TokenValue\\\":\\\"******\\\"}\" }",
          "time_ns: 3000000 message { connection_id: 1 side: TRACE_SIDE_CLIENT direction: "
          "TRACE_DIRECTION_RECEIVED data: \"\\000\\000\\000t and so on\" fault_rules: \"cut the "
          "client\" }",
          "time_ns: 4000000 note { text: \"client resumed\" }",
          "time_ns: 5000000 connection { connection_id: 1 side: TRACE_SIDE_CLIENT change: "
          "CHANGE_CLOSED close_code: 1006 detail: \"reset by peer\" }"));
  EXPECT_EQ(reader.cut_bytes(), 0U);
}

TEST(TraceWriter, is_the_same_byte_for_byte_each_time) {
  EXPECT_EQ(test::sample(), test::sample());
}

TEST(TraceWriter, counts_its_bytes) {
  std::string out;
  Writer writer(std::make_unique<MemorySink>(out), test::options());
  test::write_sample(writer);
  EXPECT_EQ(writer.bytes_written(), out.size());
}

TEST(TraceWriter, writes_secrets_only_on_request) {
  std::string out;
  WriterOptions options = test::options();
  options.unsafe_secrets = true;
  Writer writer(std::make_unique<MemorySink>(out), options);
  test::write_sample(writer);
  EXPECT_THAT(out, HasSubstr("secret"));
  EXPECT_THAT(test::sample(), testing::Not(HasSubstr("secret")));
}

TEST(TraceWriter, redacts_text_that_was_sent_as_a_binary_message) {
  std::string out;
  Writer writer(std::make_unique<MemorySink>(out), test::options());
  writer.message(1ms, test::binary(" \n{\"TokenValue\":\"secret\"}"));
  EXPECT_THAT(out, HasSubstr(" \n{\"TokenValue\":\"******\"}"));
}

TEST(TraceWriter, leaves_binary_messages_as_they_are) {
  std::string out;
  Writer writer(std::make_unique<MemorySink>(out), test::options());
  const std::string data(std::string("\0\0\0\x74", 4) + R"("TokenValue":"shown")");
  writer.message(1ms, test::binary(data));
  EXPECT_EQ(read_all(out).records.at(0).message().data(), data);
}

TEST(TraceWriter, makes_texts_valid_and_bounded) {
  std::string out;
  Writer writer(std::make_unique<MemorySink>(out), test::options());
  writer.note(1ms, 0, "bad \xFF" + std::string(100'000, 'x'));
  const auto contents = read_all(out);
  ASSERT_EQ(contents.records.size(), 1U);
  EXPECT_THAT(contents.records[0].note().text(), testing::StartsWith("bad \xEF\xBF\xBDxxx"));
  EXPECT_LT(contents.records[0].note().text().size(), 5000U);
}

TEST(TraceWriter, cuts_a_message_that_no_record_can_hold) {
  std::string out;
  Writer writer(std::make_unique<MemorySink>(out), test::options());
  const std::string data(max_record_bytes + 10, '\1');
  writer.message(1ms, test::binary(data));
  const auto contents = read_all(out);
  ASSERT_EQ(contents.records.size(), 1U) << contents.error;
  const auto& message = contents.records[0].message();
  EXPECT_EQ(message.data().size() + message.omitted_bytes(), data.size());
}

TEST(TraceWriter, a_time_before_the_start_counts_as_the_start) {
  std::string out;
  Writer writer(std::make_unique<MemorySink>(out), test::options());
  writer.note(-1ms, 0, "early");
  EXPECT_EQ(read_all(out).records.at(0).time_ns(), 0U);
}

TEST(TraceWriter, stops_at_its_size_limit_and_says_so) {
  std::string out;
  WriterOptions options = test::options();
  options.max_bytes = 20'000;
  bool failed = false;
  options.on_failure = [&](const Error&) { failed = true; };
  Writer writer(std::make_unique<MemorySink>(out), options);
  const std::string data(100, '\1');
  for (int i = 0; i < 1000; ++i) {
    writer.message(1ms, test::binary(data));
  }
  EXPECT_EQ(writer.state(), Writer::State::limit_reached);
  EXPECT_FALSE(failed);
  EXPECT_LE(out.size(), 20'000U);
  EXPECT_GT(out.size(), 19'000U);
  const auto contents = read_all(out);
  EXPECT_EQ(contents.error, "");
  EXPECT_EQ(contents.cut_bytes, 0U);
  EXPECT_EQ(contents.records.back().truncated().limit_bytes(), 20'000U);
}

TEST(TraceWriter, the_smallest_limit_holds_any_header) {
  std::string out;
  WriterOptions options = test::options();
  options.max_bytes = 1;
  options.session_id = std::string(100'000, '\xFF');
  options.program_version = std::string(100'000, '\xFF');
  const Writer writer(std::make_unique<MemorySink>(out), options);
  EXPECT_EQ(writer.state(), Writer::State::recording);
  EXPECT_EQ(read_all(out).error, "");
}

TEST(TraceWriter, a_failure_at_any_write_stops_it_and_is_reported_once) {
  constexpr std::size_t writes = 6;  // the header and the five records of the sample
  for (std::size_t fail_at = 0; fail_at < writes; ++fail_at) {
    SCOPED_TRACE(fail_at);
    std::string out;
    std::vector<std::string> failures;
    WriterOptions options = test::options();
    options.on_failure = [&](const Error& error) { failures.push_back(error.context); };
    Writer writer(std::make_unique<MemorySink>(out, fail_at), options);
    test::write_sample(writer);
    EXPECT_EQ(writer.state(), Writer::State::failed);
    EXPECT_THAT(failures, testing::ElementsAre("disk full"));
    EXPECT_EQ(out, test::sample().substr(0, out.size()));
    if (fail_at > 0) {
      const auto contents = read_all(out);
      EXPECT_EQ(contents.error, "");
      EXPECT_EQ(contents.records.size(), fail_at - 1);
    }
  }
}

TEST(TraceWriter, a_failure_without_a_handler_is_no_harm) {
  std::string out;
  Writer writer(std::make_unique<MemorySink>(out, 2), test::options());
  test::write_sample(writer);
  EXPECT_EQ(writer.state(), Writer::State::failed);
}

TEST(TraceFileName, is_one_part_of_a_path) {
  EXPECT_EQ(file_name("user-0123abc"), "user-0123abc.ssmtrace");
  EXPECT_EQ(file_name("a.b@c_d=1+2,3"), "a.b@c_d=1+2,3.ssmtrace");
  EXPECT_EQ(file_name("../../etc/passwd"), "%2E.%2F..%2Fetc%2Fpasswd.ssmtrace");
  EXPECT_EQ(file_name(std::string_view("a\0%", 3)), "a%00%25.ssmtrace");
  EXPECT_EQ(file_name(""), ".ssmtrace");
}

class TraceFile : public testing::Test {
 protected:
  TraceFile() {
    std::string pattern = testing::TempDir() + "ssm_trace_XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~TraceFile() override { std::filesystem::remove_all(directory_); }

  std::string path() const { return directory_ + "/user-1.ssmtrace"; }
  std::string contents() const {
    std::ifstream stream(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  std::string directory_;
};

TEST_F(TraceFile, holds_the_recording_and_belongs_to_its_owner) {
  {
    Writer writer(create_file(path()).value(), test::options());
    test::write_sample(writer);
    // Nothing waits in a buffer: a killed process loses no record.
    EXPECT_EQ(contents(), test::sample());
  }
  struct stat status{};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(TraceFile, is_never_written_over) {
  std::ofstream(path()) << "precious";
  EXPECT_THAT(create_file(path()).error().to_string(), HasSubstr("File exists"));
  EXPECT_EQ(contents(), "precious");
}

TEST_F(TraceFile, does_not_follow_a_link) {
  std::filesystem::create_symlink(directory_ + "/elsewhere", path());
  EXPECT_FALSE(create_file(path()));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/elsewhere"));
}

TEST_F(TraceFile, says_why_it_cannot_be_made) {
  EXPECT_THAT(create_file(directory_ + "/no/such/directory").error().to_string(),
              HasSubstr("No such file or directory"));
}

/// Limits the size of files that this process writes, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    (void)::setrlimit(RLIMIT_FSIZE, &before_);
    (void)::signal(SIGXFSZ, handler_);
  }

 private:
  sighandler_t handler_;
  rlimit before_{};
};

TEST_F(TraceFile, ends_with_a_whole_record_wherever_the_disk_is_full) {
  const std::string whole = test::sample();
  for (std::size_t room = 0; room < whole.size(); ++room) {
    std::filesystem::remove(path());
    std::vector<std::string> failures;
    WriterOptions options = test::options();
    options.on_failure = [&](const Error& error) { failures.push_back(error.context); };
    {
      const FileSizeLimit limit(room);
      Writer writer(create_file(path()).value(), options);
      test::write_sample(writer);
      ASSERT_EQ(writer.state(), Writer::State::failed);
      ASSERT_EQ(writer.bytes_written(), std::filesystem::file_size(path()));
    }
    ASSERT_EQ(failures.size(), 1U) << room;
    ASSERT_THAT(failures[0], HasSubstr("File too large"));
    if (!contents().empty()) {
      const auto read = read_all(contents());
      ASSERT_EQ(read.error, "") << room;
      ASSERT_EQ(read.cut_bytes, 0U) << room;
    }
  }
}

}  // namespace
}  // namespace ssm::trace
