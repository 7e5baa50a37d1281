// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The fake provider, loaded into this process, with a script of its own.

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <asio/io_context.hpp>

#include "daemon/provider_host/hosted_provider.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/providers/run_awaitable.hpp"

namespace vss::test {

// The module keeps one object per process, with one script: so it is shared by all tests.
struct FakeModule {
  FakeModule() {
    ::setenv("VSSD_FAKE_PROVIDER_SCRIPT", script.c_str(), 1);
    auto module = provider_host::ProviderModule::load(VSS_BUILT_PROVIDERS, "fake");
    if (!module) throw std::runtime_error(module.error().message);
    provider =
        std::make_unique<provider_host::HostedProvider>(context.get_executor(), *std::move(module), limits());
    const auto loaded = run(context, provider->load(directory.path().string(), {}));
    if (!loaded) throw std::runtime_error(loaded.error().message);
  }
  static provider_host::Limits limits() {
    provider_host::Limits limits;
    limits.commit = std::chrono::milliseconds(100);
    limits.check_health = std::chrono::seconds(2);
    return limits;
  }
  static FakeModule& instance() {
    static FakeModule module;
    return module;
  }

  TempDir directory;
  std::string script = (directory.path() / "script").string();
  asio::io_context context;
  std::unique_ptr<provider_host::HostedProvider> provider;
};

class WithFakeProvider : public ::testing::Test {
 protected:
  WithFakeProvider() {
    write_script("");
    std::ofstream(script() + ".log", std::ios::trunc).flush();
  }
  static const std::string& script() { return FakeModule::instance().script; }
  static asio::io_context& context() { return FakeModule::instance().context; }
  static provider_host::HostedProvider& provider() { return *FakeModule::instance().provider; }

  // As an editor would: a reader sees the old or the new one.
  static void write_script(const std::string& text) {
    std::ofstream(script() + ".new", std::ios::trunc) << text;
    std::filesystem::rename(script() + ".new", script());
  }
  static std::string read_log() {
    std::ostringstream text;
    text << std::ifstream(script() + ".log").rdbuf();
    return text.str();
  }
  static core::Member new_member(const core::Guid& set) {
    core::Member member;
    member.set_id = set;
    member.snapshot_id = core::Guid::random();
    member.volume.path = "/volume";
    return member;
  }
};

}  // namespace vss::test
