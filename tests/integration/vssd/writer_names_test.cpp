// SPDX-License-Identifier: LGPL-2.1-or-later
// Several instances of one writer: what tells them apart is seen wherever they are seen. vss.md 3.1.

#include <optional>
#include <vss/writer.hpp>

#include <nlohmann/json.hpp>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using nlohmann::json;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr const char* kClass = "7e57c1a5-0000-4000-8000-00000000db00";
constexpr const char* kOnCpp[] = {"first", "1.2"};
constexpr const char* kOnC[] = {"zweite \"ü\"", "14.0-beta"};

// Two instances of one writer, one on each face of the SDK. Each reports a failure, for the history.
class CppInstance final : public Writer {
 public:
  CppInstance() : Writer({"database", kClass, kOnCpp[0], kOnCpp[1]}), subscription_(subscribe()) {}

 private:
  void on_prepare_snapshot(Session&) override {}
  void on_freeze(Session&) override {}
  void on_thaw(Session&) override {}
  void on_abort(Session&) override {}
  void on_post_snapshot(Session& session) override { session.fail(VSS_E_WRITER_RETRYABLE, "something"); }

  Subscription subscription_;
};

class CInstance {
 public:
  CInstance() {
    vss_writer_config config = VSS_WRITER_CONFIG_INIT;
    config.name = "database";
    config.class_id = kClass;
    config.instance_name = kOnC[0];
    config.version = kOnC[1];
    vss_writer_callbacks callbacks = VSS_WRITER_CALLBACKS_INIT;
    callbacks.on_prepare_snapshot = callbacks.on_freeze = callbacks.on_thaw =
        callbacks.on_abort = [](vss_session*, void*) { return 0; };
    callbacks.on_post_snapshot = [](vss_session* session, void*) {
      vss_fail(session, VSS_E_WRITER_RETRYABLE, 0, "something");
      return 0;
    };
    EXPECT_EQ(vss_writer_create(&config, &callbacks, nullptr, &writer_), VSS_OK);
    EXPECT_EQ(vss_writer_start(writer_), VSS_OK);
  }
  ~CInstance() { vss_writer_free(writer_); }
  CInstance(const CInstance&) = delete;
  CInstance& operator=(const CInstance&) = delete;

 private:
  vss_writer* writer_ = nullptr;
};

class WriterNames : public DaemonTest {
 protected:
  using Names = std::vector<std::pair<std::string, std::string>>;  // instance name, version

  void SetUp() override {
    start();
    on_cpp_.emplace();
    on_c_.emplace();
    Requester requester;
    ASSERT_TRUE(wait_until([&] { return requester.manager<Dicts>("ListWriters").value().size() == 2; },
                           std::chrono::seconds(20)));
  }
  static void expect_both(const Names& names) {
    EXPECT_THAT(names, UnorderedElementsAre(Pair(kOnCpp[0], kOnCpp[1]), Pair(kOnC[0], kOnC[1])));
  }
  static std::pair<std::string, std::string> names_in(const json& writer) {
    return {writer.at("instance_name"), writer.at("version")};
  }

  std::optional<CppInstance> on_cpp_;
  std::optional<CInstance> on_c_;
};

TEST_F(WriterNames, OfRegistrationAreInEveryListAndDocument) {
  Requester requester;
  ASSERT_EQ(name_of(requester.run_until(plan(), "GatherWriterMetadata")), "");
  const auto metadata = requester.backup<Dicts>("GatherWriterMetadata");
  ASSERT_TRUE(metadata);
  std::map<std::string, std::string> instances;  // id to name
  Names in_metadata;
  for (const Dict& writer : *metadata) {
    const json own = json::parse(get<std::string>(writer, "document")).at("writer");
    EXPECT_EQ(own.at("instance_name"), get<std::string>(writer, "instance_name"));
    in_metadata.push_back(names_in(own));
    instances[get<std::string>(writer, "instance_id")] = get<std::string>(writer, "instance_name");
  }
  expect_both(in_metadata);

  Names listed;
  const auto writers = requester.manager<Dicts>("ListWriters");
  ASSERT_TRUE(writers);
  for (const Dict& writer : *writers) {
    listed.emplace_back(get<std::string>(writer, "instance_name"), get<std::string>(writer, "version"));
    EXPECT_EQ(instances[get<std::string>(writer, "instance_id")], listed.back().first);
    EXPECT_EQ(get<std::string>(writer, "class_id"), kClass);
  }
  expect_both(listed);

  ASSERT_EQ(name_of(requester.backup("StartSnapshotSet")), "");
  ASSERT_EQ(name_of(requester.backup("AddToSnapshotSet", volume(), std::string("fake"))), "");
  for (const char* method : {"PrepareForBackup", "DoSnapshotSet", "BackupComplete"})
    ASSERT_EQ(name_of(requester.backup(method)), "") << method;
  const auto text = requester.backup<std::string>("SaveDocument");
  ASSERT_TRUE(text) << text.error().message;
  const json document = json::parse(*text);
  Names in_document;
  for (const json& writer : document.at("writers")) {
    in_document.push_back(names_in(writer));
    EXPECT_EQ(instances[writer.at("instance_id")], in_document.back().first);
    EXPECT_EQ(names_in(json::parse(writer.at("metadata").get<std::string>()).at("writer")),
              in_document.back());
  }
  expect_both(in_document);

  const auto failures = requester.manager<Dicts>("ListWriterFailures", std::string());
  ASSERT_TRUE(failures);
  EXPECT_EQ(failures->size(), 2U);
  for (const Dict& failure : *failures) {
    EXPECT_EQ(instances[get<std::string>(failure, "instance_id")],
              get<std::string>(failure, "instance_name"));
  }
  EXPECT_EQ(name_of(requester.backup("Release")), "");
}

}  // namespace
}  // namespace vss::test
