#include "ssm/protocol/publication.hpp"

#include <gtest/gtest.h>

namespace ssm::protocol {
namespace {

TEST(Publication, is_not_paused_at_first) {
  EXPECT_FALSE(Publication().paused());
}

//= FLOW-001
TEST(Publication, pause_publication_pauses) {
  Publication publication;
  EXPECT_FALSE(publication.on_pause());
  EXPECT_TRUE(publication.paused());
}

//= FLOW-002
TEST(Publication, start_publication_ends_a_pause) {
  Publication publication;
  publication.on_pause();
  EXPECT_TRUE(publication.on_start());
  EXPECT_FALSE(publication.paused());
}

//= FLOW-003
TEST(Publication, any_input_ends_a_pause) {
  Publication publication;
  publication.on_pause();
  EXPECT_TRUE(publication.on_input());
  EXPECT_FALSE(publication.paused());
}

//= ACK-013
TEST(Publication, any_acknowledgement_ends_a_pause) {
  Publication publication;
  publication.on_pause();
  EXPECT_TRUE(publication.on_acknowledge());
  EXPECT_FALSE(publication.paused());
}

//= FLOW-008
TEST(Publication, a_reconnection_ends_a_pause) {
  Publication publication;
  publication.on_pause();
  EXPECT_TRUE(publication.on_reconnect());
  EXPECT_FALSE(publication.paused());
}

TEST(Publication, nothing_ends_a_pause_that_is_not) {
  Publication publication;
  EXPECT_FALSE(publication.on_start());
  EXPECT_FALSE(publication.on_input());
  EXPECT_FALSE(publication.on_acknowledge());
  EXPECT_FALSE(publication.on_reconnect());
  EXPECT_FALSE(publication.paused());
}

TEST(Publication, a_pause_is_ended_only_once_however_often_it_was_ordered) {
  Publication publication;
  publication.on_pause();
  publication.on_pause();
  EXPECT_TRUE(publication.on_start());
  EXPECT_FALSE(publication.on_start());
}

}  // namespace
}  // namespace ssm::protocol
