#include "ssm/service/instances.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace ssm::service {
namespace {

TEST(InstanceRegistry, replacing_an_instance_keeps_it_findable_and_in_place) {
  InstanceRegistry registry;
  registry.add({.id = "i-1"});
  registry.add({.id = "i-2"});
  ManagedInstance replacement;
  replacement.id = "i-1";
  replacement.name = "renamed";
  registry.add(std::move(replacement));
  ASSERT_EQ(registry.all().size(), 2U);
  EXPECT_EQ(registry.all().front().name, "renamed");
  ASSERT_NE(registry.find("i-1"), nullptr);
  EXPECT_EQ(registry.find("i-1")->name, "renamed");
  EXPECT_EQ(registry.find("i-2")->id, "i-2");
}

TEST(InstanceRegistry, set_online_records_the_ping) {
  InstanceRegistry registry;
  registry.add({.id = "i-1"});
  EXPECT_FALSE(registry.is_online("i-1"));
  EXPECT_TRUE(registry.set_online("i-1", true, 5));
  EXPECT_TRUE(registry.is_online("i-1"));
  EXPECT_TRUE(registry.set_online("i-1", false, 9));
  EXPECT_EQ(registry.find("i-1")->last_ping_ms, 5);
  EXPECT_EQ(registry.find("i-1")->ping_status(), "ConnectionLost");
  EXPECT_FALSE(registry.set_online("i-2", true, 5));
}

TEST(InstanceRegistry, the_defaults_are_three_instances_online) {
  const auto instances = default_instances(7);
  ASSERT_EQ(instances.size(), 3U);
  EXPECT_EQ(instances[0].id, "i-123456789");
  EXPECT_EQ(instances[1].id, "i-0123456789abcdef0");
  EXPECT_EQ(instances[2].id, "mi-0123456789abcdef0");
  for (const auto& instance : instances) {
    EXPECT_TRUE(instance.online);
    EXPECT_EQ(instance.last_ping_ms, 7);
  }
  EXPECT_EQ(instances[1].resource_type(), "EC2Instance");
  EXPECT_EQ(instances[2].resource_type(), "ManagedInstance");
}

}  // namespace
}  // namespace ssm::service
