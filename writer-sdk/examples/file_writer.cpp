// SPDX-License-Identifier: LGPL-2.1-or-later
// Appends its input to /srv/notes.txt, and holds still while a snapshot is made.
#include <fstream>
#include <iostream>
#include <mutex>
#include <vss/writer.hpp>

struct NotesWriter : vss::Writer {
  NotesWriter() : Writer({"notes", "6fb8a4a5-0f6c-4c43-9d3e-0c1a3c1f7b60"}) {}
  void on_identify(vss::Metadata& metadata) override {
    metadata.add_component(VSS_COMPONENT_FILEGROUP, "", "notes", "The notes");
    metadata.add_files("", "notes", "/srv", "notes.txt", false);
  }
  void on_prepare_snapshot(vss::Session&) override {}
  void on_freeze(vss::Session&) override { still.lock(), file.flush(); }
  void on_thaw(vss::Session&) override { still.unlock(); }
  void on_abort(vss::Session&) override { still = std::unique_lock(writing, std::defer_lock); }
  std::ofstream file{"/srv/notes.txt", std::ios::app};
  std::mutex writing;
  std::unique_lock<std::mutex> still{writing, std::defer_lock};  // held from Freeze to Thaw or Abort
};
int main() {
  NotesWriter writer;
  const auto subscription = writer.subscribe();
  for (std::string line; std::getline(std::cin, line);) {
    const std::lock_guard lock(writer.writing);
    writer.file << line << '\n';
  }
}
