// Interprets a script of the chaos suite: pieces of strange behaviour, one after the other or at the same time.
//
//   chaos SCRIPT OUTPUT
//
// A line of the script is `PIECE key=value… leave=HOW:BYTES,…`; a line of the output is the piece and a number that does
// not depend on whether the process is recorded. PLUGIN_A and PLUGIN_B of the environment are two libraries to load.
#include "libraries.h"
#include "memory.h"
#include "processes.h"
#include "signals.h"
#include "strange.h"

static Step steps[64];
static int step_count;
static char script[64 * 1024];

static How how_of(const char* name) {
  const char* names[] = {"malloc", "calloc", "realloc", "memalign", "new", "new[]", "aligned-new"};
  for (int i = 0; i < 7; i++) {
    size_t length = std::strlen(names[i]);
    if (std::strncmp(name, names[i], length) == 0 && name[length] == ':') return static_cast<How>(i);
  }
  give_up("read the script: leave");
}

static void read_leaves(Step& step, char* list) {
  for (char* at = list; at && *at;) {
    char* colon = std::strchr(at, ':');
    if (!colon || step.leave_count == 64) give_up("read the script: leaves");
    step.leaves[step.leave_count++] = {how_of(at), std::strtoul(colon + 1, &at, 10)};
    if (*at == ',') at++;
  }
}

static void read_step(char* line) {
  if (step_count == 64) give_up("read the script: steps");
  Step& step = steps[step_count++];
  char* rest = nullptr;
  for (char* word = strtok_r(line, " ", &rest); word; word = strtok_r(nullptr, " ", &rest)) {
    if (!step.name[0]) {
      std::strncpy(step.name, word, sizeof step.name - 1);
    } else if (std::strncmp(word, "leave=", 6) == 0) {
      read_leaves(step, word + 6);
    } else {
      if (step.parameter_count == 12) give_up("read the script: parameters");
      std::strncpy(step.parameters[step.parameter_count++], word, 95);
    }
  }
}

static void read_script(const char* path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? -1 : read(file, script, sizeof script - 1);
  if (length < 0) give_up("read the script");
  close(file);
  char* rest = nullptr;
  for (char* line = strtok_r(script, "\n", &rest); line; line = strtok_r(nullptr, "\n", &rest)) read_step(line);
}

struct Piece {
  const char* name;
  uint64_t (*run)(Step&);
};

static const Piece pieces[] = {
    {"threads", threads::piece_threads},
    {"handing", threads::piece_handing},
    {"background", threads::piece_background},
    {"altstack", signals::piece_altstack},
    {"storm", signals::piece_storm},
    {"exceptions", control::piece_exceptions},
    {"longjmp", control::piece_longjmp},
    {"recursion", control::piece_recursion},
    {"coroutines", control::piece_coroutines},
    {"strange", strange::piece_strange},
    {"realloc", memory::piece_realloc},
    {"aligned", memory::piece_aligned},
    {"limit", memory::piece_limit},
    {"close", memory::piece_close},
    {"exec", processes::piece_exec},
    {"fork", processes::piece_fork},
    {"failing-exec", processes::piece_failing_exec},
    {"libraries", libraries::piece_libraries},
};

static uint64_t run(Step& step) {
  for (const Piece& piece : pieces) {
    if (is(step.name, piece.name)) return piece.run(step);
  }
  give_up("find a piece");
}

struct InThread {
  Step* step;
  uint64_t result;
};

static void* run_in_thread(void* argument) {
  begin_thread();
  auto& self = *static_cast<InThread*>(argument);
  self.result = run(*self.step);
  return nullptr;
}

static void leave_at_exit() { leave_one(steps[step_count - 1]); }

static void* exit_from_thread(void* code) {
  begin_thread();
  std::exit(static_cast<int>(reinterpret_cast<intptr_t>(code)));
}

static void* end_later(void* argument) {
  begin_thread();
  auto& step = *static_cast<Step*>(argument);
  usleep(2000);
  leave_rest(step);
  return nullptr;
}

// The last step says how the process ends.
static int end(Step& step) {
  bool keeps_running = step.is("background", "runs");
  // A timer outlives exec.
  signals::end_storm();
  if (!keeps_running) threads::end_background();
  auto code = static_cast<int>(step.number("code"));
  const char* how = step.text("how");
  say("end %s\n", how);
  // At exit one block is left, and maybe by a thread; the rest is left here.
  if (is(how, "atexit")) std::atexit(leave_at_exit);
  if (is(how, "main-leaves")) {
    Thread last;
    last.start(end_later, &step);
    pthread_exit(nullptr);
  }
  while (step.left.load() + (is(how, "atexit") ? 1 : 0) < step.leave_count) leave_one(step);
  if (is(how, "_exit")) _exit(code);
  if (is(how, "quick_exit")) std::quick_exit(code);
  if (is(how, "abort")) std::abort();
  // Proves that the harness sees a run that ends otherwise than the bare one.
  if (is(how, "unless-recorded") && getenv("HACKLEAK_OPTIONS")) raise(code);
  if (is(how, "signal")) {
    signals::install(code, SIG_DFL, 0);
    raise(code);
  }
  if (is(how, "exec")) {
    const char* said = step.text("said");
    char* arguments[] = {const_cast<char*>(processes::own_path), const_cast<char*>(step.text("script")), const_cast<char*>(said), nullptr};
    execv(processes::own_path, arguments);
    _exit(98);
  }
  if (is(how, "thread-exits")) {
    Thread other;
    other.start(exit_from_thread, reinterpret_cast<void*>(intptr_t{code}));
    for (;;) pause();
  }
  if (is(how, "exit") || is(how, "atexit")) std::exit(code);
  return code;
}

int main(int count, char** arguments) {
  if (count != 3) return 2;
  processes::own_path = arguments[0];
  output_path = arguments[2];
  libraries::plugins[0] = getenv("PLUGIN_A");
  libraries::plugins[1] = getenv("PLUGIN_B");
  read_script(arguments[1]);
  for (int i = 0; i + 1 < step_count; i++) {
    Step& step = steps[i];
    InThread work{&step, 0};
    if (step.is("in", "thread")) {
      Thread thread;
      thread.start(run_in_thread, &work);
      thread.join();
    } else {
      run_in_thread(&work);
    }
    say("%d %s %llu\n", i, step.name, static_cast<unsigned long long>(work.result));
  }
  return end(steps[step_count - 1]);
}
