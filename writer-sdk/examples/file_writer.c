/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Appends its input to /srv/notes.txt, and holds still while a snapshot is made. One thread, the program's
 * own loop. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <vss/writer.h>

struct notes {
  FILE* file;
  int frozen;
};

static int on_freeze(vss_session* session, void* user) {
  struct notes* notes = user;
  notes->frozen = 1;
  if (fflush(notes->file) == 0) return 0;
  vss_fail(session, VSS_E_WRITER_OUT_OF_RESOURCES, 0, "cannot write /srv/notes.txt");
  return 1;
}
static int go_on(vss_session* session, void* user) {
  (void)session;
  ((struct notes*)user)->frozen = 0;
  return 0;
}

int main(void) {
  struct notes notes = {fopen("/srv/notes.txt", "a"), 0};
  vss_writer_config config = VSS_WRITER_CONFIG_INIT;
  config.name = "notes";
  config.class_id = "6fb8a4a5-0f6c-4c43-9d3e-0c1a3c1f7b60";
  config.flags = VSS_WRITER_HOST_LOOP;
  vss_writer_callbacks callbacks = VSS_WRITER_CALLBACKS_INIT;
  callbacks.on_freeze = on_freeze;
  callbacks.on_thaw = go_on;
  callbacks.on_abort = go_on;
  vss_writer* writer = NULL;
  if (notes.file == NULL || vss_writer_create(&config, &callbacks, &notes, &writer) < 0) return 1;
  if (vss_writer_start(writer) < 0) return 1;
  for (;;) {
    /* While frozen the input waits. */
    struct pollfd fds[2] = {{vss_writer_get_fd(writer), POLLIN, 0},
                            {notes.frozen ? -1 : STDIN_FILENO, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) break;
    if (fds[0].revents != 0) vss_writer_dispatch(writer);
    if (fds[1].revents != 0 && !notes.frozen) {
      char input[4096];
      const ssize_t size = read(STDIN_FILENO, input, sizeof input);
      if (size <= 0) break;
      fwrite(input, 1, (size_t)size, notes.file);
    }
  }
  vss_writer_free(writer);
  return fclose(notes.file) == 0 ? 0 : 1;
}
