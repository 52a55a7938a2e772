// Turns requirement files into C++ data, at build time: embed_requirements OUT.cpp FILE.yaml...
// A mistake in a file ends the build with the file, the line and what was expected.

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Names {
  std::vector<std::string> values;
};

class File {
 public:
  explicit File(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const { return path_; }

  [[noreturn]] void fail(const YAML::Node& node, const std::string& text) const {
    throw std::runtime_error(path_ + ":" + std::to_string(node.Mark().line + 1) + ": " + text);
  }

  void allow_members(const YAML::Node& map, std::initializer_list<std::string_view> names) const {
    if (!map.IsMap()) {
      fail(map, "expected a mapping");
    }
    for (const auto& member : map) {
      const auto key = member.first.as<std::string>();
      if (std::find(names.begin(), names.end(), key) == names.end()) {
        fail(member.first, "unknown member '" + key + "'");
      }
    }
  }

  [[nodiscard]] std::string text(const YAML::Node& map, const char* key) const {
    const YAML::Node value = map[key];
    if (!value || !value.IsScalar() || value.Scalar().empty()) {
      fail(key_node(map, key), std::string("expected '") + key + "' with a text");
    }
    return value.Scalar();
  }

  [[nodiscard]] std::string one_of(const YAML::Node& map, const char* key,
                                   std::initializer_list<std::string_view> allowed) const {
    const std::string value = text(map, key);
    check_name(map[key], value, allowed);
    return value;
  }

  [[nodiscard]] Names names(const YAML::Node& map, const char* key,
                            std::initializer_list<std::string_view> allowed) const {
    const YAML::Node list = map[key];
    if (!list || !list.IsSequence()) {
      fail(list ? list : map, std::string("expected '") + key + "' with a list");
    }
    Names result;
    for (const YAML::Node& element : list) {
      result.values.push_back(element.as<std::string>());
      check_name(element, result.values.back(), allowed);
    }
    return result;
  }

 private:
  /// An empty value has no place of its own, so the key's is named; the map's if there is no key.
  static YAML::Node key_node(const YAML::Node& map, const std::string& key) {
    for (const auto& member : map) {
      if (member.first.as<std::string>() == key) {
        return member.first;
      }
    }
    return map;
  }

  void check_name(const YAML::Node& node, const std::string& value,
                  std::initializer_list<std::string_view> allowed) const {
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) {
      return;
    }
    std::string expected;
    for (const std::string_view name : allowed) {
      expected += (expected.empty() ? "" : ", ") + std::string(name);
    }
    fail(node, "expected one of " + expected + ", seen '" + value + "'");
  }

  std::string path_;
};

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
    }
    result += c;
  }
  return result + "\"";
}

/// `WIRE-010` of area WIRE.
bool is_id(std::string_view id, std::string_view area) {
  return id.size() == area.size() + 4 && id.starts_with(area) && id[area.size()] == '-' &&
         id.find_first_not_of("0123456789", area.size() + 1) == std::string_view::npos;
}

class Writer {
 public:
  void add_file(const File& file) {
    const YAML::Node root = YAML::LoadFile(file.path());
    file.allow_members(root, {"area", "title", "requirements"});
    const std::string area = file.text(root, "area");
    (void)file.text(root, "title");
    if (!root["requirements"] || !root["requirements"].IsSequence()) {
      file.fail(root, "expected 'requirements' with a list");
    }
    for (const YAML::Node& node : root["requirements"]) {
      add_requirement(file, node, area);
    }
  }

  [[nodiscard]] std::string text() const {
    return "// Generated from conformance/requirements; do not edit.\n\n"
           "#include \"ssm/conformance/requirement.hpp\"\n\n"
           "namespace ssm::conformance {\nnamespace {\n\n" +
           arrays_ + "\nconstexpr Requirement all[] = {\n" + entries_ +
           "};\n\n}  // namespace\n\n"
           "std::span<const Requirement> requirements() {\n  return all;\n}\n\n"
           "}  // namespace ssm::conformance\n";
  }

 private:
  void add_requirement(const File& file, const YAML::Node& node, const std::string& area) {
    file.allow_members(node,
                       {"id", "roles", "level", "title", "evidence", "basis", "judged", "note"});
    const std::string id = file.text(node, "id");
    if (!is_id(id, area)) {
      file.fail(node["id"], "expected an id like " + area + "-001, seen '" + id + "'");
    }
    if (!ids_.insert(id).second) {
      file.fail(node["id"], id + " stands here for the second time");
    }
    const Names roles = file.names(node, "roles", {"client", "agent", "service"});
    const Names judged = file.names(node, "judged", {"client", "agent", "service"});
    if (roles.values.empty()) {
      file.fail(node["roles"], "expected at least one role");
    }
    for (const std::string& role : judged.values) {
      if (std::find(roles.values.begin(), roles.values.end(), role) == roles.values.end()) {
        file.fail(node["judged"], "'" + role + "' is not among the roles");
      }
    }
    const std::string suffix = std::to_string(ids_.size());
    add_roles("roles_" + suffix, roles);
    add_roles("judged_" + suffix, judged);
    add_evidence(file, node, "evidence_" + suffix);
    entries_ +=
        "    {.id = " + quoted(id) + ",\n     .title = " + quoted(file.text(node, "title")) +
        ",\n     .level = Level::" + file.one_of(node, "level", {"must", "should", "may"}) +
        ",\n     .basis = Basis::" + file.one_of(node, "basis", {"observed", "inferred"}) +
        ",\n     .roles = roles_" + suffix +
        ",\n     .judged = " + (judged.values.empty() ? "{}" : "judged_" + suffix) +
        ",\n     .evidence = evidence_" + suffix +
        ",\n     .note = " + quoted(node["note"] ? file.text(node, "note") : std::string()) +
        "},\n";
  }

  void add_roles(const std::string& array, const Names& roles) {
    if (roles.values.empty()) {
      return;
    }
    arrays_ += "constexpr Role " + array + "[] = {";
    for (const std::string& role : roles.values) {
      arrays_ += "Role::" + role + ", ";
    }
    arrays_ += "};\n";
  }

  void add_evidence(const File& file, const YAML::Node& node, const std::string& array) {
    const YAML::Node list = node["evidence"];
    if (!list || !list.IsSequence() || list.size() == 0) {
      file.fail(list ? list : node, "expected 'evidence' with at least one entry");
    }
    arrays_ += "constexpr Evidence " + array + "[] = {\n";
    for (const YAML::Node& entry : list) {
      file.allow_members(entry, {"program", "version", "path"});
      arrays_ += "    {" + quoted(file.text(entry, "program")) + ", " +
                 quoted(file.text(entry, "version")) + ", " + quoted(file.text(entry, "path")) +
                 "},\n";
    }
    arrays_ += "};\n";
  }

  std::set<std::string> ids_;
  std::string arrays_;
  std::string entries_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    Writer writer;
    for (int i = 2; i < argc; ++i) {
      const File file(argv[i]);
      try {
        writer.add_file(file);
      } catch (const YAML::Exception& error) {
        throw std::runtime_error(file.path() + ":" + std::to_string(error.mark.line + 1) + ": " +
                                 error.msg);
      }
    }
    std::ofstream out(argc > 1 ? argv[1] : "");
    out << writer.text();
    out.close();
    if (!out) {
      throw std::runtime_error("cannot write the output file");
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
